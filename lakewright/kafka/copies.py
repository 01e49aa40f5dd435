"""Objects that are exact copies of others: same file name, Kafka partition and offset, and equal uncompressed text.

If records carry no offsets, this is the only proof that objects in two folders of a sink hold the same records.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lakewright.errors import ObjectRefusedError
from lakewright.kafka.batches import cut_evenly
from lakewright.kafka.blocks.objects import ObjectReport
from lakewright.kafka.sink import EventObject, ObjectText
from lakewright.log.records import SourceObject
from lakewright.storage.lake import Lake
from lakewright.storage.uris import open_lake
from lakewright.workers import Workers
from transforms.errors import FramingError, LongRecordError
from transforms.events.lines import is_blank
from transforms.events.raw.splitting import split_records
from transforms.events.sink_names import SinkName
from transforms.json.framing import Records


@dataclass(frozen=True)
class TextTask:
    """Objects whose texts one worker digests for comparison."""

    source_uri: str
    objects: Sequence[EventObject]
    max_record_bytes: int
    records: Records


@dataclass(frozen=True)
class Text:
    """The digest of an object's text (empty if it is refused, gone or changed) and its number of non-blank lines."""

    path: str
    digest: bytes
    records: int


def read_texts(task: TextTask) -> list[Text]:
    """Compute the digests of objects."""
    lake = open_lake(task.source_uri)
    return [_read_text(lake, each, task) for each in task.objects]


def _read_text(lake: Lake, source: EventObject, task: TextTask) -> Text:
    path, text = source.path, ObjectText(lake, source.path, source.size, source.etag)
    digest, last = hashlib.sha256(), b""
    lines = records = 0

    def hashed() -> Iterator[bytes]:
        for block in text:
            digest.update(block)
            yield block

    try:
        for part in split_records(hashed(), task.records, max_bytes=task.max_record_bytes):
            lines += len(part)
            records += len(part) - sum(map(is_blank, part))
            last = part[-1]
    except (LongRecordError, FramingError, ObjectRefusedError, FileNotFoundError):
        return Text(path, b"", records)
    return Text(path, b"" if text.find_damage(lines, last) else digest.digest(), records)


def twins_of(
    objects: Sequence[EventObject],
    committed: Mapping[str, SourceObject],
    read_name: Callable[[str], SinkName | str],
) -> tuple[list[EventObject], list[EventObject]]:
    """Return the objects of a batch that share their name with another, and the committed objects of those names.

    Args:
        objects: The objects of the batch.
        committed: The objects of the table, by path; those of the batch are ignored.
        read_name: Parses the path of an object, or returns why it is not one of the sink's.
    """
    by_name: dict[_Name, list[EventObject]] = {}
    for each in objects:
        by_name.setdefault(_name(each), []).append(each)
    batch, files = {each.path for each in objects}, {name.file for name in by_name}
    before = [
        EventObject(path, source.size, name, "", source.etag)
        for path, source in committed.items()
        if _file(path) in files and path not in batch and isinstance(name := read_name(path), SinkName)
    ]
    before = [each for each in before if _name(each) in by_name]
    shared = {_name(each) for each in before}
    new = [each for name, found in by_name.items() if len(found) > 1 or name in shared for each in found]
    return new, before


def find_copies(
    workers: Workers,
    source_uri: str,
    new: Sequence[EventObject],
    before: Sequence[EventObject],
    *,
    max_record_bytes: int,
    records: Records,
) -> dict[str, ObjectReport]:
    """Find the copies in a batch and report all of their records as superseded.

    The original is a committed object if there is one, else the first by path.

    Args:
        workers: Who reads.
        source_uri: The folder of the objects.
        new: The objects of the batch that share their name with another.
        before: The committed objects of these names; one that has changed since proves nothing.
        max_record_bytes: Maximum line length; an object with a longer line is not a copy.
        records: How records follow each other in an object.
    """
    parts = cut_evenly([*before, *new], workers.at_once)
    tasks = [TextTask(source_uri, part, max_record_bytes, records) for part in parts]
    texts = {text.path: text for part in workers.run(read_texts, tasks) for text in part}
    originals = {(_name(each), texts[each.path].digest) for each in before}
    copies = {}
    # Copies of an object with corrections must not be read in its place.
    for each in sorted(new, key=lambda each: (not each.superseded, each.path)):
        text = texts[each.path]
        key = (_name(each), text.digest)
        if text.digest and key in originals:
            copies[each.path] = ObjectReport(each.path, read=text.records, superseded=text.records)
        originals.add(key)
    return copies


class _Name(NamedTuple):
    """What copies share; a file name alone may lack the Kafka partition or the offset, which folders then contain."""

    file: str
    partition: int
    offset: int


def _name(each: EventObject) -> _Name:
    return _Name(_file(each.path), each.name.partition, each.name.start)


def _file(path: str) -> str:
    return path.rsplit("/", 1)[-1]
