"""An object that a task reads: its report, its rejected records, and how far it has been read."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lakewright.kafka.sink import EventObject
from lakewright.log.records import DataFile
from lakewright.measuring.work import Done, advance
from lakewright.quarantine.files import QuarantineWriter
from lakewright.quarantine.place import QuarantinePlace
from lakewright.quarantine.rows import Reason, RejectedRow, count_rules, quarantine_table
from lakewright.storage.lake import Lake
from transforms.events.lines import Line, RejectedLine, SkippedLine
from transforms.events.raw.faults import words_of_fault
from transforms.events.raw.splitting import PlacedText
from transforms.events.schema import Path
from transforms.events.sink_names import sink_scope


@dataclass(slots=True)
class ObjectReport:
    """The result of reading an object; an object that needs more columns has no rows in any file yet.

    ``damage`` is the reason to refuse the object; all other fields are then meaningless. ``conflicts`` counts records
    whose key another record has with different content, ``corrected`` those that corrections replace. ``untyped`` are
    the attributes that only have a text column: if one of them gets a type, the object must be read again.
    ``first_rejected`` describes the first record that breaks each rule; None if there is none.
    """

    path: str
    read: int = 0
    damage: str = ""
    conflicts: int = 0
    superseded: int = 0
    corrected: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    first_rejected: dict[str, str] | None = None
    skipped: Counter[str] = field(default_factory=Counter)
    set_aside: Counter[str] = field(default_factory=Counter)
    needs_columns: bool = False
    untyped: frozenset[Path] = frozenset()
    quarantine: list[DataFile] = field(default_factory=list)


class OpenObject:
    """An object that is being read.

    Attributes:
        scope: The scope of its computed offsets.
        lines: The number of lines in earlier blocks; ``records`` is that of lines that are not blank.
        untyped: The attributes of ``ObjectReport.untyped`` so far.
    """

    def __init__(self, source: EventObject, lake: Lake, place: QuarantinePlace, words: Mapping[str, str]) -> None:
        """Open an object; ``words`` are the descriptions of rules, by the name under which receipts count them."""
        self.source, self.scope = source, sink_scope(source.path)
        self.report = ObjectReport(source.path)
        self.lines = self.records = 0
        self.untyped: set[Path] = set()
        self._place, self._words = place, words
        self._quarantine = QuarantineWriter(lake, place)

    def offset_of(self, line: Line) -> int:
        """Return the offset of a record, as far as the object determines it."""
        known = self.source.offsets
        return known[line.number - 1] if known else self.source.name.start + line.ordinal - 1

    def reject(self, lines: Iterable[RejectedLine]) -> None:
        """Write lines to quarantine."""
        rows = []
        for line in sorted(lines):
            reason = self._reason(line)
            rows.append(RejectedRow(line.number, [reason], line.text.decode(errors="backslashreplace")))
            self._note_first(line, reason)
        if rows:
            self.report.read += len(rows)
            advance(Done(rows=len(rows), rejected=len(rows)))
            self.report.rejected.update(count_rules(rows))
            self._quarantine.add("", quarantine_table(rows, self.source.path, self.source.etag, self._place))

    def skip(self, lines: Sequence[SkippedLine]) -> None:
        """Count records that are not rows."""
        self.report.read += len(lines)
        advance(Done(rows=len(lines)))
        self.report.skipped.update(line.kind for line in lines)

    def count_corrected(self, records: int) -> None:
        """Count records that corrections replace."""
        self.report.read += records
        self.report.corrected += records
        advance(Done(rows=records))

    def close(self) -> None:
        """Complete the report after the last line."""
        self._quarantine.flush()
        self.report.quarantine = self._quarantine.files

    def _note_first(self, line: RejectedLine, reason: Reason) -> None:
        first = self.report.first_rejected = self.report.first_rejected or {}
        if reason.name not in first:
            kind = "record" if isinstance(line.text, PlacedText) else "line"
            words = f": {reason.words}" if reason.words else ""
            first[reason.name] = f"{self.source.path}, {kind} {line.number}{words}"

    def _reason(self, line: RejectedLine) -> Reason:
        reason = Reason(line.rule, line.column)
        return reason._replace(words=self._words.get(reason.name, "") or words_of_fault(line))
