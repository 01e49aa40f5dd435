"""Replay of changes that were rejected from the files of a change table."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakewright.corrections.manifests import CORRECTED_ETAG, CORRECTS, CorrectionFolder, NewCorrection
from lakewright.dms.files import ChangeFiles
from lakewright.dms.reader import ChangeReader
from lakewright.log.records import SourceObject
from lakewright.log.state import TableState
from lakewright.replay.change_values import with_edits
from lakewright.replay.choice import choose_rows, current_objects
from lakewright.replay.edited_rows import ReplayedRow
from lakewright.runs.job.interfaces import Replayed, Scratch
from lakewright.runs.job.request import Replay
from lakewright.storage.lake import Lake
from lakewright.storage.object_file import ObjectFile
from transforms.changes.columns import FILE, POSITION

#: Returns the rules that rejected rows break, by path and position.
Judge = Callable[[ChangeFiles], Mapping[tuple[str, int], Sequence[str]]]


@dataclass(frozen=True)
class _Candidate:
    """Corrected rows of one version of a file, with the file and row of the change that each one replaces."""

    original: str
    etag: str
    name: str
    rows: pa.Table
    has_int96: bool

    def correction(self) -> NewCorrection:
        sink = pa.BufferOutputStream()
        pq.write_table(self.rows, sink, store_schema=False, use_deprecated_int96_timestamps=self.has_int96)
        positions = self.rows[POSITION].to_pylist()
        return NewCorrection(self.original, self.etag, self.name, positions, bytes(sink.getvalue()))

    def without(self, positions: set[int]) -> "_Candidate":
        is_rejected = pc.is_in(self.rows[POSITION], pa.array(positions, pa.int64()))
        return replace(self, rows=self.rows.filter(pc.invert(is_rejected)))


@dataclass(frozen=True)
class ChangeCorrector:
    """See ``lakewright.runs.job.interfaces.Corrector``.

    A correction is a Parquet file with the columns of its original.
    """

    corrections: CorrectionFolder
    reader: ChangeReader
    judge: Judge

    def correct(self, state: TableState, replay: Replay, scratch: Scratch) -> Replayed:
        """See ``Corrector.correct``."""
        source = self.reader.source
        listed = source.look().objects
        effective = self.reader.effective_corrections(listed, state, everything=False)
        there, names = current_objects(source, listed, effective)
        lake = self.corrections.lake
        rows = choose_rows(lake, state, replay, effective.objects, there.keys())
        candidates = [
            self._candidate(there[version], names[version[0]], edited) for version, edited in rows.by_object.items()
        ]
        passing = []
        for candidate, rejected in zip(candidates, self._judged(candidates, state, scratch), strict=True):
            kept = candidate.without(set(rejected))
            broken = Counter(rule for rules in rejected.values() for rule in rules)
            rows.note_corrected(kept.rows.num_rows, broken, len(rejected))
            passing += [kept.correction()] if kept.rows.num_rows else []
        return rows.store(self.corrections, passing)

    def _candidate(self, original: SourceObject, name: str, edited: Sequence[ReplayedRow]) -> _Candidate:
        is_correction = CORRECTS in original.notes
        table, has_int96 = _read(self.corrections.lake if is_correction else self.reader.source.lake, original)
        positions = pa.array([each.row.position for each in edited], pa.int64())
        places = pc.index_in(positions, table[POSITION]) if is_correction else positions
        rows = with_edits(table.take(places), edited)
        if not is_correction:
            files = pa.array([self.reader.source.name_of(original.path)] * len(edited), pa.string())
            rows = rows.append_column(FILE, files).append_column(POSITION, positions)
        return _Candidate(original.path, original.etag, name, rows, has_int96)

    def _judged(
        self, candidates: Sequence[_Candidate], state: TableState, scratch: Scratch
    ) -> list[dict[int, Sequence[str]]]:
        """Return the rules that rows of each candidate break by the current config, by position."""
        if not candidates:
            return []
        lake = self.corrections.lake
        folder = CorrectionFolder(lake, f"{scratch.folder}candidates/")
        paths = folder.write([each.correction() for each in candidates])
        objects = []
        for path, each in zip(paths, candidates, strict=True):
            if stored := lake.stat(path):
                notes: dict[str, str | int] = {CORRECTS: each.original, CORRECTED_ETAG: each.etag}
                objects.append(SourceObject(path, stored.size, stored.etag, notes=notes))
        rejected = self.judge(replace(self.reader, corrections=folder).files(objects, {}, state))
        by_path: dict[str, dict[int, Sequence[str]]] = {path: {} for path in paths}
        for (path, position), rules in rejected.items():
            by_path[path][position] = rules
        return [by_path[path] for path in paths]


def _read(lake: Lake, file: SourceObject) -> tuple[pa.Table, bool]:
    """Read a file, and whether it has timestamps of 96 bits."""
    stored = pa.PythonFile(ObjectFile(lake, file.path, file.size, etag=file.etag), mode="r")
    with pq.ParquetFile(stored) as parquet:
        schema = parquet.schema
        has_int96 = any(schema.column(place).physical_type == "INT96" for place in range(len(schema.names)))
        return parquet.read(), has_int96
