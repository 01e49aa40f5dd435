"""Parse the object keys of a Kafka Connect S3 sink: topic, Kafka partition, start offset. No pyspark.

A key of Confluent's sink is ``<topics.dir>/<topic>/<encoded partition>/<topic>+<partition>+<start offset>.json[.gz]``.
The delimiter is the sink's ``file.delim``; since a topic may hold it too, the last two fields count. Other sinks' keys
are described by a pattern.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from transforms.object_names import DATE_KEYS, is_hidden

JSON_ENDINGS: Final = (".json", ".json.gz")
_DIGITS: Final = re.compile("[0-9]{1,38}")
#: Of Kafka's offsets and partitions.
LARGEST_OFFSET: Final = 2**63 - 1
_START_AND_ENDING: Final = re.compile(r"[0-9]+[^0-9/]*\Z")
_CORRECTION: Final = re.compile("\\Acorrections/[^/]+/[^/]+/[0-9a-f]+/objects/")
_NOT_IN_A_TABLE_NAME: Final = re.compile("[^a-z0-9]+")
_GROUPS: Final = {
    "topic": "[^/]+",
    "partition": "[0-9]{1,38}",
    "offset": "[0-9]{1,38}",
    "last_offset": "[0-9]{1,38}",
}
_ADJACENT: Final = re.compile(r"\{\w+\}\{\w+\}")
_TOO_LARGE: Final = "its name has a number above 2^63 - 1, which cannot be a Kafka partition or offset"


@dataclass(frozen=True, slots=True)
class SinkName:
    """The parts of a key below ``topics.dir``.

    Attributes:
        topic: The topic, which is the first folder and the beginning of the file name.
        folders: The encoded partition: ``partition=0``, ``year=2026/month=08``, or empty.
        partition: The Kafka partition.
        start: The offset of the first record.
        names_last: Whether the name has the offset of the last record, which ``start`` is then.
    """

    topic: str
    folders: str
    partition: int
    start: int
    names_last: bool = False


def compile_object_name(template: str) -> re.Pattern[str]:
    """Compile a template of paths below the source's folder: ``{topic}/{partition}/{offset}.json``.

    ``{topic}``, ``{partition}`` and ``{offset}`` (of the first record) or ``{last_offset}`` are required; one that
    occurs again is the same text. ``*`` matches any text, also folders.

    Raises:
        ValueError: For an unknown or missing placeholder, or two with nothing between them.
    """
    pattern = ""
    for part in re.split(r"(\{[^{}]*\}|\*)", template):
        name = part[1:-1]
        if part == "*":
            pattern += ".*?"
        elif part.startswith("{") and part.endswith("}"):
            if name not in _GROUPS:
                raise ValueError(
                    f"unknown placeholder {part}; known are {', '.join(f'{{{name}}}' for name in _GROUPS)}"
                )
            group = f"(?P<{name}>"
            pattern += f"(?P={name})" if group in pattern else f"{group}{_GROUPS[name]})"
        else:
            pattern += re.escape(part)
    if adjacent := _ADJACENT.search(template):
        raise ValueError(f"{adjacent[0]}: where one ends and the other begins is unclear; separate them by text")
    compiled = re.compile(pattern, re.DOTALL)
    if missing := [name for name in ("topic", "partition") if name not in compiled.groupindex]:
        raise ValueError(f"{template!r} has no {{{missing[0]}}}")
    if ("offset" in compiled.groupindex) == ("last_offset" in compiled.groupindex):
        raise ValueError(f"{template!r} needs either {{offset}}, of the first record, or {{last_offset}}")
    return compiled


def match_sink_name(path: str, pattern: re.Pattern[str], template: str) -> SinkName | str:
    """Parse a path below the source's folder by a pattern, or return why it is not an object of the sink."""
    folders, _, name = path.rpartition("/")
    match = pattern.fullmatch(path)
    found = match.groupdict() if match else {}
    # Topics may begin with _ or a dot, as Kafka's internal ones do.
    if not name or is_hidden("/".join((*(each for each in folders.split("/") if each != found.get("topic")), "-"))):
        return "hidden"
    if not match:
        return f"its name is not {template}"
    start = found.get("offset") or found["last_offset"]
    if max(int(found["partition"]), int(start)) > LARGEST_OFFSET:
        return _TOO_LARGE
    return SinkName(found["topic"], folders, int(found["partition"]), int(start), "last_offset" in found)


def read_sink_name(path: str, delimiter: str, endings: Sequence[str] = JSON_ENDINGS) -> SinkName | str:
    """Parse a path below ``topics.dir``, or return why it is not an object of the sink."""
    if "/" not in path:
        return "is not in a topic's folder"
    topic, *folders, name = path.split("/")
    # Topics may begin with _ or a dot, as Kafka's internal ones do.
    if not name or is_hidden("/".join((*folders, "-"))):
        return "hidden"
    end = max((end for end in endings if name.endswith(end)), key=len, default="")
    if not end:
        return f"its name does not end in {' or '.join(endings)}"
    fields = name.removesuffix(end).rsplit(delimiter, 2)
    if len(fields) != 3 or not all(_DIGITS.fullmatch(field) for field in fields[1:]):  # noqa: PLR2004
        return f"its name is not <topic>{delimiter}<partition>{delimiter}<offset>"
    if max(int(field) for field in fields[1:]) > LARGEST_OFFSET:
        return _TOO_LARGE
    if fields[0] != topic:
        return f"its name begins with topic {fields[0]!r}, its folder is that of {topic!r}"
    return SinkName(topic, "/".join(folders), int(fields[1]), int(fields[2]))


def sink_scope(path: str) -> str:
    """Return the scope in which a computed offset identifies a record: the object's path without its start offset.

    The start offset is the last number of the name. The scope contains the encoded partition (the folders), the topic
    and the Kafka partition. If the sink distributes one Kafka partition over several folders, offsets in a file have
    gaps that its name does not show, so equal computed offsets in two folders mean nothing. A correction has the scope
    of the object that it corrects, whose path follows its folder.
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
