"""Replay of lines that were rejected from the objects of a topic."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import pyarrow as pa

from lakewright.corrections.manifests import NewCorrection
from lakewright.errors import ConfigError
from lakewright.kafka.blocks.record_texts import framing_of, record_texts, with_first_offset
from lakewright.kafka.corrected import BatchCorrections
from lakewright.kafka.files import FlattenTask, flatten_objects
from lakewright.kafka.reader import TopicReader
from lakewright.kafka.rules import DayRange, EventRules
from lakewright.kafka.sink import EventObject, ObjectText
from lakewright.log.schemas import known_schema
from lakewright.log.state import TableState
from lakewright.quality.row_rules import RowRules
from lakewright.quarantine.files import read_batches
from lakewright.replay.choice import choose_rows
from lakewright.replay.edited_rows import ReplayedRow
from lakewright.replay.trial_places import trial_places
from lakewright.runs.job.interfaces import Replayed, Scratch
from lakewright.runs.job.request import Replay
from lakewright.storage.compression.gzip import gzip_of
from transforms.errors import DataError
from transforms.events.lines import is_blank
from transforms.events.schema import EventSchema, learn_columns


@dataclass(frozen=True)
class _Line:
    """A line to replay, and the offset of its record, unless it carries one."""

    row: ReplayedRow
    text: bytes
    offset: int


@dataclass(frozen=True)
class EventCorrector:
    """See ``lakewright.runs.job.interfaces.Corrector``; a correction has one line for each line that it replaces.

    Attributes:
        days: Returns the allowed days of rows, given the processing date.
        separator: The separator between the keys in a column name.
        reserved: Names that attributes' columns must not have.
    """

    reader: TopicReader
    rules: EventRules
    days: Callable[[date], DayRange]
    row_rules: RowRules
    separator: str
    reserved: Sequence[str]

    def correct(self, state: TableState, replay: Replay, scratch: Scratch) -> Replayed:
        """See ``Corrector.correct``."""
        folder, corrected = self.reader.corrections, self.reader.look(state)
        described = folder.describe(corrected.there.values())
        corrections = BatchCorrections(described)
        versions = {(source.path, source.etag): source for source in corrected.there.values()}
        rows = choose_rows(folder.lake, state, replay, corrected.corrections.objects, versions.keys())
        new = []
        for version, edited in rows.by_object.items():
            source = versions[version]
            event_object = self.reader.event_object(source, corrections)
            name = described[source.path].name if source.path in described else source.path
            lines = self._lines(event_object, edited)
            rejected, rules = self._judged(event_object, lines, state, scratch)
            kept = [line for number, line in enumerate(lines, start=1) if number not in rejected]
            rows.note_corrected(len(kept), rules, len(rejected))
            if kept:
                body = b"".join(line.text + b"\n" for line in kept)
                new.append(
                    NewCorrection(
                        *version,
                        name,
                        [line.row.row.position for line in kept],
                        gzip_of(body) if name.endswith(".gz") else body,
                        [line.offset for line in kept],
                    )
                )
        return rows.store(folder, new)

    def _lines(self, source: EventObject, rows: Sequence[ReplayedRow]) -> list[_Line]:
        """Return the lines to replay; unchanged ones have the bytes of the object."""
        wanted = {each.row.position: each for each in rows}
        lake = self.reader.corrections.lake if source.lake_uri else self.reader.source.lake
        text = ObjectText(lake, source.path, source.size, source.etag)
        source = with_first_offset(text, source, self.rules)
        found: dict[int, _Line] = {}
        is_line = framing_of(source, self.rules) == "lines"
        number = record = 0
        for lines in record_texts(text, source, self.rules):
            for line in lines:
                number += 1
                record += not is_blank(line)
                if number in wanted:
                    offset = source.offsets[number - 1] if source.offsets else source.name.start + record - 1
                    found[number] = _Line(wanted[number], _edited(wanted[number], line, is_line=is_line), offset)
        if missing := wanted.keys() - found.keys():
            raise DataError(f"{source.path} has no line {min(missing)}; it was rewritten: run again")
        return [found[number] for number in sorted(found)]

    def _judged(
        self, source: EventObject, lines: Sequence[_Line], state: TableState, scratch: Scratch
    ) -> tuple[set[int], Counter[str]]:
        """Return which lines the current config rejects, by their number, and the rules that they break."""
        lake, known = self.reader.corrections.lake, known_schema(state.schema_versions)
        path, body = f"{scratch.folder}candidates.json", b"".join(line.text + b"\n" for line in lines)
        lake.delete(path)
        candidate = replace(
            source,
            path=path,
            size=len(body),
            etag=lake.create(path, body),
            lake_uri=lake.uri,
            superseded=frozenset(),
            offsets=tuple(line.offset for line in lines),
        )
        task = FlattenTask(
            lake.uri,
            lake.uri,
            [candidate],
            known.columns,
            self.rules,
            *trial_places(scratch),
            self.days(date.fromisoformat(scratch.today)),
            self.row_rules,
        )
        flattened = flatten_objects(task)
        (report,) = flattened.reports
        if report.needs_columns and not report.damage:
            learned = learn_columns(
                known,
                flattened.news,
                separator=self.separator,
                reserved=self.reserved,
                formats=self.rules.formats,
                former=EventSchema(),
            )
            (report,) = flatten_objects(replace(task, columns=known.plus(learned).columns)).reports
        if report.damage:
            raise DataError(f"corrected lines of {source.path} cannot be read: {report.damage}")
        if report.read != len(lines):
            raise DataError(
                f"{len(lines)} corrected lines of {source.path} are read as {report.read}; nothing was done"
            )
        rejected: set[int] = set()
        for file in report.quarantine:
            batches = read_batches(lake, file.staged, file.size, ["position"])
            rejected.update(pa.Table.from_batches(batches)["position"].to_pylist())
        return rejected, report.rejected


def _edited(each: ReplayedRow, line: bytes, *, is_line: bool) -> bytes:
    """Return the text of a line: as edited, else that of the object."""
    if not each.where or each.row.text == line.decode(errors="backslashreplace"):
        return _one_line(line)
    if ("\n" in each.row.text and is_line) or not each.row.text.strip():
        raise ConfigError(f"{each.where}: the text must be one line with one JSON document")
    return _one_line(each.row.text.encode())


def _one_line(record: bytes) -> bytes:
    """Return a record as one line; JSON allows line feeds exactly where it allows carriage returns."""
    return record.replace(b"\n", b"\r")
