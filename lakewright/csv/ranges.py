"""Byte ranges of one object: each must begin where the records before it end, or it is read again from there."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from lakewright.csv.conversion import Converted
from lakewright.csv.objects import CsvPart
from transforms.csv.text_layout import ByteRange


@dataclass
class RangedObject:
    """An object that is read in byte ranges, by tasks of one range each.

    The first record of a range is a guess if fields may contain line ends, so that a range only counts once the ranges
    before it are known to end there.

    Attributes:
        parts: The ranges, in order.
        reads: The output of each range's task.
        verified: The output of the ranges that are right so far.
        damage: Why the object is refused; empty if it is not.
    """

    parts: Sequence[CsvPart]
    reads: Sequence[Converted]
    verified: list[Converted] = field(default_factory=list)
    damage: str = ""
    _position: int = 0
    _ends: int = 0
    _lines: int = 0

    @property
    def path(self) -> str:
        """The path of the object."""
        return self.parts[0].source.path

    def verify(self) -> CsvPart | None:
        """Verify ranges in order; return the next one that must be read again, or None if all are verified."""
        while self._position < len(self.parts) and not self.damage:
            read, within = self.reads[self._position], self.parts[self._position].within
            is_first = self._position == 0
            if not is_first and within.end is not None and self._ends > within.end:
                self._position += 1  # a record of an earlier range covers it
            elif is_first or read.begins == self._ends:
                self.accept(read)
            else:
                return CsvPart(self.parts[self._position].source, ByteRange(self._ends, within.end))
        return None

    def accept(self, read: Converted) -> None:
        """Count the next range as read."""
        if damage := read.damage.get(self.path):
            self.damage = damage.describe(self._lines)
            return
        self.verified.append(read)
        self._ends, self._lines = read.ends, self._lines + read.lines
        self._position += 1
