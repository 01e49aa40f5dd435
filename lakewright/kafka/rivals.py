"""Decide from the log (scopes, days, offset ranges) which files may contain the same records.

Files are compared only within a stream (topic and Kafka partition, and the scope where offsets are computed), in the
order of their first offsets: the cost is that of sorting, plus the pairs whose offsets overlap.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from operator import attrgetter
from typing import NamedTuple

from lakewright.kafka.batches import NewFile
from lakewright.log.records import DataFile
from transforms.events.sink_names import sink_scope


@dataclass
class FileRivals:
    """The files that may contain records of a new file, by their places: files of the table, and earlier new files."""

    existing: set[int] = field(default_factory=set)
    earlier: set[int] = field(default_factory=set)


def find_rivals(
    existing: Sequence[DataFile], new: Sequence[NewFile], *, is_carried: bool, dedupe_days: int
) -> list[FileRivals]:
    """Find the rivals of each new file.

    Two new files are rivals if they may share records, even of different days; a new file and one of the table only if
    their days are near. Two files of one task are not, unless one of them may contain a record with the key of another.

    Args:
        existing: The files of the table.
        new: The new files, in the order in which they were written.
        is_carried: Whether records carry their offsets; if not, duplicates only occur within one scope, and files are
            compared regardless of their days.
        dedupe_days: Within how many days records that carry their offset are deduplicated.
    """
    days = _Days(dedupe_days if is_carried else None)
    offsets = _all_offsets(each.file for each in new)
    files = [_File(place, file, None, days.of(file)) for place, file in enumerate(existing) if _is_among(file, offsets)]
    files += [_File(place, each.file, each, days.of(each.file)) for place, each in enumerate(new)]
    rivals = [FileRivals() for _ in new]
    for group in [files] if is_carried else _groups_by_scope(files):
        for ranges in _ranges_by_stream(group).values():
            _sweep(ranges, days, rivals)
    return rivals


class _File(NamedTuple):
    """A file at its place among those of the table or (if ``new`` is set) of the batch; files of a day are near."""

    place: int
    file: DataFile
    new: NewFile | None
    day: Hashable


class _Range(NamedTuple):
    """The offsets of a file in one stream."""

    first: int
    last: int
    of: _File


class _Days:
    """Which days are near each other.

    Args:
        within: The number of days; None if all days are near.
    """

    def __init__(self, within: int | None) -> None:
        self._within = within
        self._numbers: dict[str, int] = {}

    def of(self, file: DataFile) -> Hashable:
        """Return the day of a file: 0 if all are near, the partition if only the same one is, else a number."""
        if not self._within:
            return 0 if self._within is None else file.partition
        if file.partition not in self._numbers:
            parts = (int(part.split("=", 1)[1]) for part in file.partition.split("/"))
            self._numbers[file.partition] = date(*parts).toordinal()
        return self._numbers[file.partition]

    def near(self, day: Hashable) -> Collection[Hashable]:
        """Return the days that are near a day."""
        if not self._within or not isinstance(day, int):
            return (day,)
        return range(day - self._within, day + self._within + 1)


def _all_offsets(files: Iterable[DataFile]) -> dict[str, tuple[int, int]]:
    """Return the first and last offset of files in each stream."""
    offsets: dict[str, tuple[int, int]] = {}
    for file in files:
        for stream, (first, last) in file.offsets.items():
            known = offsets.get(stream, (first, last))
            offsets[stream] = min(first, known[0]), max(last, known[1])
    return offsets


def _is_among(file: DataFile, offsets: Mapping[str, tuple[int, int]]) -> bool:
    """Return whether a file overlaps offsets in some stream."""
    return any(
        stream in offsets and first <= offsets[stream][1] and last >= offsets[stream][0]
        for stream, (first, last) in file.offsets.items()
    )


def _groups_by_scope(files: Sequence[_File]) -> Iterator[list[_File]]:
    """Return the files of each scope; scopes of the same files count once, and those of a single file not at all."""
    by_scope: dict[str, list[int]] = {}
    for number, each in enumerate(files):
        # A file may come from thousands of objects.
        for scope in {sink_scope(path) for path in each.file.objects}:
            by_scope.setdefault(scope, []).append(number)
    for numbers in {tuple(numbers) for numbers in by_scope.values() if len(numbers) > 1}:
        yield [files[number] for number in numbers]


def _ranges_by_stream(files: Iterable[_File]) -> Mapping[str, list[_Range]]:
    ranges: dict[str, list[_Range]] = {}
    for each in files:
        for stream, (first, last) in each.file.offsets.items():
            ranges.setdefault(stream, []).append(_Range(first, last, each))
    return ranges


def _sweep(ranges: list[_Range], days: _Days, rivals: Sequence[FileRivals]) -> None:
    """Go through the files of a stream by their first offsets, and note each pair of rivals that overlaps."""
    existing, new, by_origin = _OpenRanges(), _OpenRanges(), _OpenRanges()
    for each in sorted(ranges, key=attrgetter("first")):
        of = each.of
        if of.new is None:
            for other in new.overlapping(each, days.near(of.day)):
                rivals[other.of.place].existing.add(of.place)
            existing.add(each, of.day)
            continue
        for other in existing.overlapping(each, days.near(of.day)):
            rivals[of.place].existing.add(other.of.place)
        harmless = None if of.new.may_repeat else (of.new.origin, False)
        for other in by_origin.overlapping(each, by_origin.keys_but(harmless)):
            earlier, later = sorted((of.place, other.of.place))
            rivals[later].earlier.add(earlier)
        new.add(each, of.day)
        by_origin.add(each, (of.new.origin, of.new.may_repeat))


class _OpenRanges:
    """Ranges that begin before the current one, by key; a search drops those that end before it."""

    def __init__(self) -> None:
        self._by_key: dict[Hashable, list[_Range]] = {}

    def keys_but(self, one: Hashable) -> list[Hashable]:
        """Return the keys with ranges, except for one."""
        return [key for key in self._by_key if key != one]

    def add(self, some: _Range, key: Hashable) -> None:
        """Add a range."""
        self._by_key.setdefault(key, []).append(some)

    def overlapping(self, current: _Range, keys: Collection[Hashable]) -> Iterator[_Range]:
        """Return the ranges under some keys that overlap the current one, which begins no earlier than they do."""
        for key in keys if len(keys) <= len(self._by_key) else [key for key in self._by_key if key in keys]:
            if key in self._by_key:
                self._by_key[key] = [some for some in self._by_key[key] if some.last >= current.first]
                yield from self._by_key[key] or self._by_key.pop(key)
