"""Selects the files of a change table's next batch, also after its full load was rewritten."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Final, Literal

from lakewright.corrections.manifests import CORRECTS
from lakewright.dms.files import first_time, is_load, read_footers, written_at
from lakewright.errors import ReloadedError, SourceGoneError, StaleLoadError
from lakewright.log.log import OverwriteTable
from lakewright.log.records import SourceObject
from lakewright.log.state import TableState
from lakewright.runs.job.batch import Choice
from lakewright.sources.listing import Listed
from lakewright.sources.selection import choose_append
from lakewright.storage.lake import Lake
from transforms.changes.file_order import stamp_of

_LEFT_OUT: Final = "left_out"
_NO_STAMP: Final = (
    "its name does not begin with a time stamp, such as 20260801-101512345.parquet, and order_by: file orders changes "
    "by that; rename it, or order by a column"
)
_SAME_STAMP: Final = (
    "its name has the same time stamp as {}, so order_by: file cannot order the two; delete it if it is a copy, rename "
    "one of them, or order by a column"
)


def reason_left_out(source_file: SourceObject) -> str:
    """Return why a batch lists an object without reading it; empty if it reads it."""
    return str(source_file.notes.get(_LEFT_OUT, ""))


@dataclass(frozen=True)
class ChangeSelection:
    """Selection of files.

    Attributes:
        lake: The lake with the files.
        time_column: Column with a change's commit time.
        on_stale_load: How to treat full-load files that were not rewritten when others were.
        allows_gone: Whether to rebuild a table although a file of an earlier batch is gone.
        max_record_bytes: Files with a longer value cannot be read.
        by_file: Whether time stamps in file names order the changes.
    """

    lake: Lake
    time_column: str
    on_stale_load: Literal["refuse", "drop", "keep"]
    allows_gone: bool
    max_record_bytes: int
    by_file: bool = False

    def choose(self, listed: Sequence[Listed], state: TableState, *, everything: bool) -> Choice:
        """Choose new files; with ``everything``, all current files of the table.

        Raises:
            ReloadedError: If the full load was rewritten, and ``everything`` is false.
            StaleLoadError: If only a part of it was, and the feed does not say how to treat the rest.
            SourceGoneError: If a required file is gone.
        """
        before = state.objects
        loads = [file for file in listed if is_load(file.path) and CORRECTS not in file.notes]
        reloaded = [file.path for file in loads if file.path in before and before[file.path].etag != file.etag]
        if not everything:
            if reloaded:
                raise ReloadedError(reloaded[0])
            return choose_append(listed, state, values=lambda _: {}, everything=False, allow_gone=False)
        stale = self._stale_loads(loads, before, reloaded)
        begun = self._load_began([file for file in loads if file.path not in stale], reloaded) if reloaded else ""
        objects = []
        left_out: dict[str, str] = {}
        for file in listed:  # corrections follow their originals
            original = str(file.notes.get(CORRECTS, file.path))
            if file.path in stale:
                left_out[file.path] = "of an older full load"
            elif original in left_out:
                left_out[file.path] = left_out[original]
            elif self._is_older(file, before, reloaded, begun):
                left_out[file.path] = "older than the full load"
            notes = {**file.notes, **({_LEFT_OUT: left_out[file.path]} if file.path in left_out else {})}
            objects.append(SourceObject(path=file.path, size=file.size, etag=file.etag, notes=notes))
        here = {file.path for file in listed}
        needed = [path for path, source_file in before.items() if not reason_left_out(source_file)]
        gone = sorted(path for path in needed if path not in here and not (reloaded and not is_load(path)))
        if gone and not self.allows_gone:
            raise SourceGoneError("", gone)
        return Choice(objects, OverwriteTable())

    def _stale_loads(
        self, loads: Sequence[Listed], before: Mapping[str, SourceObject], reloaded: Sequence[str]
    ) -> set[str]:
        """Return the files that belong to an older full load than the current one.

        Raises:
            StaleLoadError: If some files were rewritten and others were not, and the feed does not say how to treat
                the latter.
        """
        # A file rewritten with the same content keeps its ETag in S3.
        begun = min((file.modified for file in loads if file.path in reloaded), default=None)
        same = [
            file.path
            for file in loads
            if file.path in before and before[file.path].etag == file.etag and (begun is None or file.modified < begun)
        ]
        known = {path for path in same if reason_left_out(before[path])}
        fresh = [path for path in same if path not in known]
        if not reloaded or not fresh or self.on_stale_load == "keep":
            return known
        if self.on_stale_load == "refuse":
            raise StaleLoadError(reloaded, fresh)
        return known | set(fresh)

    def _is_older(self, file: Listed, before: Mapping[str, SourceObject], reloaded: Sequence[str], begun: str) -> bool:
        """Whether a change file predates the current full load.

        Files of batches before a detected reload do; for others the time stamp in the name decides.
        """
        if is_load(file.path):
            return False
        source_file = before.get(file.path)
        if source_file is not None and (reloaded or reason_left_out(source_file)):
            return True
        stamp = written_at(file.path)
        length = min(len(stamp), len(begun))
        return bool(length) and stamp[:length] < begun[:length]

    def _load_began(self, loads: Sequence[Listed], reloaded: Collection[str]) -> str:
        """Return the start of a full load, as digits: the lowest time of its rows; empty if unknown.

        If file names order the changes, rows need no time: then it is the earliest modification time of a rewritten
        load file.
        """
        objects = [SourceObject(path=file.path, size=file.size, etag=file.etag) for file in loads]
        _, unreadable = read_footers(self.lake, objects, max_record_bytes=self.max_record_bytes)
        if unreadable:
            return ""  # damaged files are refused later
        begun = first_time(self.lake, objects, self.time_column)
        if begun or not self.by_file:
            return begun
        written = min(file.modified for file in loads if file.path in reloaded)
        return written.astimezone(UTC).strftime("%Y%m%d%H%M%S")

    def why_unordered(self, objects: Iterable[SourceObject], applied: Iterable[SourceObject]) -> dict[str, str]:
        """Return reasons why file names do not order files, if names order the changes.

        Args:
            objects: The files that a batch reads.
            applied: The files applied to the table before.
        """
        if not self.by_file:
            return {}
        paths = [path for path in _originals(objects) if not is_load(path)]
        by_stamp: dict[str, list[str]] = {}
        for path in sorted({*paths, *_originals(applied)}):
            by_stamp.setdefault(stamp_of(path), []).append(path)
        reasons = {}
        for path in paths:
            stamp = stamp_of(path)
            others = [other for other in by_stamp[stamp] if other != path]
            if not stamp or others:
                reasons[path] = _SAME_STAMP.format(others[0]) if stamp else _NO_STAMP
        return reasons


def _originals(objects: Iterable[SourceObject]) -> list[str]:
    """Return the paths of files that are no corrections: those have the place of their originals in the order."""
    return [source_file.path for source_file in objects if CORRECTS not in source_file.notes]


def earlier_than(refused: Collection[str], objects: Iterable[SourceObject]) -> list[SourceObject]:
    """Keep the files earlier than all refused ones, since later files must not be applied.

    If a full load is refused, or a name has no time stamp, no file is known to be earlier.
    """
    stamps = [written_at(path) for path in refused]
    if any(map(is_load, refused)) or not all(stamps):
        return []
    return [
        source_file
        for source_file in objects
        if source_file.path not in refused
        and (is_load(source_file.path) or "" < written_at(source_file.path) < min(stamps))
    ]
