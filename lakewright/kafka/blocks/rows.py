"""The rows of a block, with the object and the origin of each."""

from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any, Final, NamedTuple, TypeVar

from lakewright.kafka.blocks.objects import OpenObject
from lakewright.kafka.rules import EventRules
from transforms.events.blocks import flatten_block
from transforms.events.flat_rows import FlatRows
from transforms.events.lines import Line, RejectedLine, SkippedLine
from transforms.events.record_shape import RecordShape
from transforms.events.schema import Path
from transforms.events.seen_records import CARRIED, Stream

_LONG: Final = range(2**63)

T = TypeVar("T")


class Part(NamedTuple):
    """The lines of a block that belong to one object."""

    opened: OpenObject
    lines: list[bytes]


@dataclass
class Block:
    """The rows of a block; lines are numbered within their objects.

    Attributes:
        objects: The objects whose lines it contains: several whole ones, or a part of one.
        flat: The rows and their values.
        owners: The place of the object of each row.
        rejected: Lines that are not valid records, by the place of their object.
        skipped: Lines with records that are not rows, likewise.
        days: The partition of each row, once it is known; None if a row has no valid day.
    """

    objects: Sequence[OpenObject]
    flat: FlatRows
    owners: list[int]
    rejected: dict[int, list[RejectedLine]]
    skipped: dict[int, list[SkippedLine]]
    days: list[str | None] = field(default_factory=list)

    def remove(self, rows: set[int]) -> None:
        """Remove rows."""
        if rows:
            self.flat.remove(rows)
            self.owners, self.days = _without(self.owners, rows), _without(self.days, rows)

    def split(self, rows: set[int]) -> "tuple[Block, Block]":
        """Return a block of these rows, and one of the others."""
        some, others = replace(self, flat=replace(self.flat)), replace(self, flat=replace(self.flat))
        some.remove(set(range(len(self.owners))) - rows)
        others.remove(rows)
        return some, others

    def reject(self, reasons: Mapping[int, tuple[str, str | None]]) -> None:
        """Reject rows, each for a rule and its column."""
        rejected: dict[int, list[RejectedLine]] = {}
        for row, (rule, column) in sorted(reasons.items()):
            line = self.flat.lines[row]
            rejected.setdefault(self.owners[row], []).append(RejectedLine(line.number, rule, line.text, column))
        for owner, lines in rejected.items():
            self.objects[owner].reject(lines)
        self.remove(set(reasons))

    def drop_superseded(self) -> None:
        """Drop the lines that corrections replace, and count them."""
        for place, opened in enumerate(self.objects):
            superseded = opened.source.superseded
            if superseded and (rejected := self.rejected.get(place)):
                self.rejected[place] = [line for line in rejected if line.number not in superseded]
                opened.count_corrected(len(rejected) - len(self.rejected[place]))
        rows = {
            row
            for row, (owner, line) in enumerate(zip(self.owners, self.flat.lines, strict=True))
            if line.number in self.objects[owner].source.superseded
        }
        for opened, count in self.rows_by_object(rows):
            opened.count_corrected(count)
        self.remove(rows)

    def owners_of(self, path: Path) -> set[int]:
        """Return the places of the objects that have values of an attribute."""
        values = self.flat.values[path]
        return {owner for owner, value in zip(self.owners, values, strict=True) if value is not None}

    def rows_by_object(self, rows: Iterable[int] | None = None) -> Iterator[tuple[OpenObject, int]]:
        """Count the rows of each object, or some of them."""
        counted = Counter(self.owners if rows is None else (self.owners[row] for row in rows))
        return ((self.objects[place], count) for place, count in counted.items())


class Origins(NamedTuple):
    """Topic, Kafka partition and offset of rows, and the scope in which the three identify a record."""

    topics: list[str]
    partitions: list[int]
    offsets: list[int]
    scopes: list[str]

    def streams(self) -> list[Stream]:
        """Return the stream of each row."""
        return list(zip(self.scopes, self.topics, self.partitions, strict=True))


def flatten_parts(parts: Sequence[Part], shape: RecordShape) -> Block:
    """Return the rows of a part of an object, or of several whole objects.

    Raises:
        DataError: If there are too many attributes.
    """
    objects = [part.opened for part in parts]
    if len(parts) == 1:
        return _flatten_part(parts[0], shape)
    flat = flatten_block([line for part in parts for line in part.lines], shape)
    ends = list(accumulate(len(part.lines) for part in parts))
    starts = [0, *ends[:-1]]
    owner_of = [place for place, part in enumerate(parts) for _ in part.lines]
    blanks = _blanks(flat, len(owner_of))
    records_before = [start - bisect(blanks, start) for start in starts]
    owners = [owner_of[line.number - 1] for line in flat.lines]
    flat.lines = [
        Line(line.number - starts[owner], line.ordinal - records_before[owner], line.text)
        for owner, line in zip(owners, flat.lines, strict=True)
    ]
    rejected: dict[int, list[RejectedLine]] = {}
    for line in flat.rejected:
        owner = owner_of[line.number - 1]
        rejected.setdefault(owner, []).append(line._replace(number=line.number - starts[owner]))
    skipped: dict[int, list[SkippedLine]] = {}
    for record in flat.skipped:
        owner = owner_of[record.number - 1]
        skipped.setdefault(owner, []).append(record._replace(number=record.number - starts[owner]))
    return Block(objects, flat, owners, rejected, skipped)


def _flatten_part(part: Part, shape: RecordShape) -> Block:
    opened, lines = part
    flat = flatten_block(lines, shape, after_line=opened.lines, after_record=opened.records)
    opened.lines += len(lines)
    opened.records += len(lines) - flat.blank
    return Block([opened], flat, [0] * len(flat.lines), {0: flat.rejected}, {0: flat.skipped})


def _blanks(flat: FlatRows, lines: int) -> list[int]:
    """Return the numbers of blank lines, in order."""
    if not flat.blank:
        return []
    others = {line.number for line in flat.lines} | {line.number for line in flat.rejected}
    others |= {line.number for line in flat.skipped}
    return [number for number in range(1, lines + 1) if number not in others]


def find_origins(block: Block, rules: EventRules) -> Origins:
    """Return topic, Kafka partition and offset of each record: its own, else derived from the object's name.

    A sink's file is ordered by offset, and its name contains the first. The computed offset (the first plus the
    number of preceding records) is a lower bound. It is exact unless offsets are missing: in compacted or
    transactional topics, or if the sink wrote the records between to other files.
    """
    objects, values, owners = block.objects, block.flat.values, block.owners
    topics = _own(values.get(rules.topic or ()), [objects[owner].source.name.topic for owner in owners], str)
    partitions = _own(
        values.get(rules.partition or ()), [objects[owner].source.name.partition for owner in owners], int
    )
    computed = [objects[owner].offset_of(line) for owner, line in zip(owners, block.flat.lines, strict=True)]
    scopes = [objects[owner].scope for owner in owners]
    carried = values.get(rules.offset or ())
    if carried is None:
        return Origins(topics, partitions, computed, scopes)
    offsets = _own(carried, [None] * len(owners), int)
    return Origins(
        topics,
        partitions,
        [other if own is None else own for own, other in zip(offsets, computed, strict=True)],
        [scope if own is None else CARRIED for own, scope in zip(offsets, scopes, strict=True)],
    )


def _own(own: Sequence[Any] | None, otherwise: list[Any], kind: type) -> list[Any]:
    if own is None:
        return otherwise
    return [
        value if type(value) is kind and (kind is str or value in _LONG) else other
        for value, other in zip(own, otherwise, strict=True)
    ]


def _without(values: list[T], rows: set[int]) -> list[T]:
    return [value for row, value in enumerate(values) if row not in rows]
