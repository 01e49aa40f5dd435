"""Replay of rows that were rejected from CSV objects."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lakewright.corrections.manifests import CORRECTS, CorrectionFolder, NewCorrection
from lakewright.csv.conversion import ConversionTask, convert_parts
from lakewright.csv.heads import Header
from lakewright.csv.objects import CsvObject, CsvPart, CsvRules
from lakewright.errors import ConfigError
from lakewright.log.state import TableState
from lakewright.parquet.arrow import read_file
from lakewright.quality.row_rules import RowRules
from lakewright.replay.choice import choose_rows, current_objects
from lakewright.replay.csv_text import CsvText
from lakewright.replay.edited_rows import ReplayedRow
from lakewright.replay.trial_places import trial_places
from lakewright.runs.job.interfaces import Replayed, Scratch
from lakewright.runs.job.request import Replay
from lakewright.sources.reader import ObjectReader
from lakewright.storage.compression.codecs import compressed_as
from transforms.csv.dialects.written_records import UnwritableError
from transforms.csv.typed_column import TypedColumn
from transforms.errors import DataError


@dataclass(frozen=True)
class _Candidate:
    """A row that may pass, with the bytes of its record; ``is_text``: they were written by hand as a whole."""

    row: ReplayedRow
    record: bytes
    is_text: bool


@dataclass(frozen=True)
class CsvCorrector:
    """See ``lakewright.runs.job.interfaces.Corrector``."""

    corrections: CorrectionFolder
    reader: ObjectReader[Any]
    rules: CsvRules
    columns: Sequence[TypedColumn]
    row_rules: RowRules

    def correct(self, state: TableState, replay: Replay, scratch: Scratch) -> Replayed:
        """See ``Corrector.correct``."""
        listed = self.reader.source.look().objects
        effective = self.reader.effective_corrections(listed, state, everything=False)
        there, names = current_objects(self.reader.source, listed, effective)
        gone = {} if self.reader.filling.fill == "rebuild" else _gone(state, names)
        names |= {path: self.reader.source.name_of(path) for path, _ in gone}
        rows = choose_rows(self.corrections.lake, state, replay, effective.objects, there.keys() | gone.keys())
        heads = self.reader.format.look(
            self.reader.source.lake, [there[version] for version in rows.by_object if version in there], {}
        )
        new = []
        for version, edited in rows.by_object.items():
            head = heads.of.get(version)
            declared = tuple(alternatives[0] for alternatives in self.rules.names.values())
            names_of_fields = self.rules.options.names or declared
            text = CsvText(self.rules, Header(head.header.names if head else names_of_fields, "\n"))
            candidates, left = self._candidates(text, edited)
            try:
                passing = self._passing(text, candidates, left, scratch)
            except _UnreadableRowsError as error:
                rows.note_unreadable(version[0], len(edited), str(error))
                continue
            rows.note_corrected(len(passing), left, len(edited) - len(passing))
            if passing:
                body = text.begin() + b"".join(each.record for each in passing)
                name, positions = names[version[0]], [each.row.row.position for each in passing]
                new.append(NewCorrection(*version, name, positions, compressed_as(name, body)))
        return rows.store(self.corrections, new)

    def _candidates(self, text: CsvText, rows: Sequence[ReplayedRow]) -> tuple[list[_Candidate], Counter[str]]:
        """Return the rows that can be written, and count the others by the reason."""
        candidates, left = [], Counter[str]()
        for row, record in zip(rows, text.records(rows), strict=True):
            if record is None:
                if row.where:
                    raise ConfigError(
                        f"{row.where}: the current config cannot read the record, so values of undeclared columns "
                        "would be lost; delete the line, and `rebuild`"
                    )
                left["field_count"] += 1
                continue
            try:
                if isinstance(record, UnwritableError):
                    raise record
                candidates.append(_Candidate(row, text.encode(record), row.row.fields is None))
            except UnwritableError as error:
                if row.where:
                    raise ConfigError(f"{row.where}: {error}") from None
                left["encoding"] += 1
        return candidates, left

    def _passing(
        self, text: CsvText, candidates: Sequence[_Candidate], left: Counter[str], scratch: Scratch
    ) -> list[_Candidate]:
        """Return the candidates that the current config accepts, and count the others by the rules they break."""
        begin = text.begin()
        passing = []
        for each in candidates:
            if each.is_text and (broken := self._judge_alone(text.header, begin, each, scratch)):
                left.update(broken)
            else:
                passing.append(each)
        while passing:
            offsets, offset = [], len(begin)
            for each in passing:
                offsets.append(offset)
                offset += len(each.record)
            read, rules, rejected = self._judge(text.header, begin + b"".join(each.record for each in passing), scratch)
            if read != len(passing):
                raise DataError(
                    f"{passing[0].row.row.object}: {len(passing)} corrected rows are read as {read} records; nothing "
                    "was replayed: replay fewer of them, with `--csv`, to find the row"
                )
            if not rejected:
                break
            if not rejected.issubset(offsets):
                raise DataError(
                    f"{passing[0].row.row.object}: corrected rows are rejected at positions where none of them begins; "
                    "nothing was replayed"
                )
            left.update(rules)
            passing = [each for each, begins in zip(passing, offsets, strict=True) if begins not in rejected]
        return passing

    def _judge_alone(self, header: Header, begin: bytes, each: _Candidate, scratch: Scratch) -> Counter[str]:
        try:
            read, rules, _ = self._judge(header, begin + each.record, scratch)
        except DataError:
            return Counter(quote=1)
        if rules or read == 1:
            return rules
        if each.row.where:
            raise ConfigError(f"{each.row.where}: the text is {read} records; it must be one")
        return Counter(quote=1)

    def _judge(self, header: Header, body: bytes, scratch: Scratch) -> tuple[int, Counter[str], set[int]]:
        """Read text with the current config: the number of records, the rules broken, where rejected records begin."""
        lake = self.corrections.lake
        path = f"{scratch.folder}candidates.csv"
        lake.delete(path)
        lake.create(path, body)
        stored = lake.stat(path)
        if stored is None:
            raise DataError(f"{path} has disappeared; run again")
        source = CsvObject(path, len(body), stored.etag, header, {})
        parts, places = [CsvPart(source)], trial_places(scratch)
        done = convert_parts(
            ConversionTask(lake.uri, lake.uri, parts, self.rules, self.columns, *places, self.row_rules)
        )
        if path in done.damage:
            raise _UnreadableRowsError(done.damage[path].describe())
        positions = [read_file(lake, file.staged, ["position"])["position"].to_pylist() for file in done.quarantine]
        return done.read - done.skipped.total(), done.rules, {place for places in positions for place in places}


class _UnreadableRowsError(DataError):
    """Raised when the current config cannot read an object of corrected rows: it may lack a column declared later."""


def _gone(state: TableState, listed: dict[str, str]) -> dict[tuple[str, str], None]:
    """Return the versions of objects whose rows were appended to the table, and which no longer exist."""
    return {
        (source.path, source.etag): None
        for source in state.objects.values()
        if source.path not in listed and CORRECTS not in source.notes
    }
