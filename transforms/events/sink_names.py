"""Parse the object keys of a Kafka Connect S3 sink: topic, Kafka partition, start offset. No pyspark.

A key is ``<topics.dir>/<topic>/<encoded partition>/<topic>+<partition>+<start offset>.json[.gz]``. The delimiter is the
sink's ``file.delim``; since a topic may hold it too, the last two fields count.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from transforms.object_names import DATE_KEYS, is_hidden

_ENDS: Final = (".json.gz", ".json")
_DIGITS: Final = re.compile("[0-9]{1,19}")
_LARGEST: Final = 2**63 - 1
_START_AND_ENDING: Final = re.compile(r"[0-9]+\.json(\.gz)?\Z")
_CORRECTION: Final = re.compile("\\Acorrections/[^/]+/[^/]+/[0-9a-f]+/objects/")
_NOT_IN_A_TABLE_NAME: Final = re.compile("[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class SinkName:
    """The parts of a key below ``topics.dir``.

    Attributes:
        topic: The topic, which is the first folder and the beginning of the file name.
        folders: The encoded partition: ``partition=0``, ``year=2026/month=08``, or empty.
        partition: The Kafka partition.
        start: The offset of the first record.
    """

    topic: str
    folders: str
    partition: int
    start: int


def read_sink_name(path: str, delimiter: str) -> SinkName | str:
    """Parse a path below ``topics.dir``, or return why it is not an object of the sink."""
    if "/" not in path:
        return "is not in a topic's folder"
    topic, *folders, name = path.split("/")
    # Topics may begin with _ or a dot, as Kafka's internal ones do.
    if not name or is_hidden("/".join((*folders, "-"))):
        return "hidden"
    end = next((end for end in _ENDS if name.endswith(end)), "")
    if not end:
        return f"its name does not end in {' or '.join(reversed(_ENDS))}"
    fields = name.removesuffix(end).rsplit(delimiter, 2)
    if len(fields) != 3 or not all(_DIGITS.fullmatch(field) for field in fields[1:]):  # noqa: PLR2004
        return f"its name is not <topic>{delimiter}<partition>{delimiter}<offset>"
    if max(int(field) for field in fields[1:]) > _LARGEST:
        return "its name has a number above 2^63 - 1, which cannot be a Kafka partition or offset"
    if fields[0] != topic:
        return f"its name begins with topic {fields[0]!r}, its folder is that of {topic!r}"
    return SinkName(topic, "/".join(folders), int(fields[1]), int(fields[2]))


def sink_scope(path: str) -> str:
    """Return the scope in which a computed offset identifies a record: the object's path without its start offset.

    It contains the encoded partition (the folders), the topic and the Kafka partition. If the sink distributes one
    Kafka partition over several folders, offsets in a file have gaps that its name does not show, so equal computed
    offsets in two folders mean nothing. A correction has the scope of the object that it corrects, whose path follows
    its folder.
    """
    return _START_AND_ENDING.sub("", _CORRECTION.sub("", path))


def date_of_folders(folders: str, pattern: re.Pattern[str] | None) -> dict[str, str]:
    """Parse year, month and day from an encoded partition: by the pattern, else from ``key=value`` folders."""
    if pattern is not None:
        match = pattern.fullmatch(folders)
        return match.groupdict() if match else {}
    found = dict(folder.split("=", 1) for folder in folders.split("/") if "=" in folder)
    return {key: found[key] for key in DATE_KEYS if key in found}


def table_name(topic: str) -> str:
    """Return the table name of a topic: lower case, with ``_`` for each run of characters other than a to z and digits.

    ``geo.quakes`` and ``Geo-Quakes`` both become ``geo_quakes``; a topic without such characters becomes ``topic``.
    """
    return _NOT_IN_A_TABLE_NAME.sub("_", topic.lower()).strip("_") or "topic"


def topics_by_table(topics: Iterable[str]) -> Mapping[str, list[str]]:
    """Group topics by table name; if several topics share one, all of them must be refused."""
    tables: dict[str, list[str]] = {}
    for topic in sorted(set(topics)):
        tables.setdefault(table_name(topic), []).append(topic)
    return tables
