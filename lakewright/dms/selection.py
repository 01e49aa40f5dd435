"""Which files of a table of changes make the next batch, also after its full load was written again."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Final, Literal

from lakewright.dms.files import first_time, is_load, read_footers, written_at
from lakewright.errors import ReloadedError, SourceGoneError, StaleLoadError
from lakewright.log.actions import TableState
from lakewright.log.log import OverwriteTable
from lakewright.log.records import SourceObject
from lakewright.runs.job import Choice
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
    "its name has the same time stamp as {}, and order_by: file cannot tell which comes first; delete it if it is a "
    "copy, rename one of them, or order by a column"
)


def reason_left_out(taken: SourceObject) -> str:
    """Say why a batch knows an object and does not read it; empty if it does."""
    return str(taken.notes.get(_LEFT_OUT, ""))


@dataclass(frozen=True)
class ChangeSelection:
    """How files are chosen.

    Attributes:
        time_column: The column that says when a change was committed.
        on_stale_load: What becomes of files of a full load that were not written again when others were.
        allows_gone: Whether a table is made anew although a file that was taken before is gone.
        max_record_bytes: A file with a longer value cannot be read.
        by_file: Whether the stamps in the names of files order the changes.
    """

    lake: Lake
    time_column: str
    on_stale_load: Literal["refuse", "drop", "keep"]
    allows_gone: bool
    max_record_bytes: int
    by_file: bool = False

    def choose(self, listed: Sequence[Listed], state: TableState, *, everything: bool) -> Choice:
        """Choose the files that were never taken; with ``everything``, all that the table is made of by now.

        Raises:
            ReloadedError: If the full load was written again, and not everything is wanted.
            StaleLoadError: If only a part of it was, and it is not said what the rest is.
            SourceGoneError: If a file that is needed is gone.
        """
        before = state.objects
        loads = [found for found in listed if is_load(found.path)]
        reloaded = [found.path for found in loads if found.path in before and before[found.path].etag != found.etag]
        if not everything:
            if reloaded:
                raise ReloadedError(reloaded[0])
            return choose_append(listed, state, values=lambda _: {}, everything=False, allow_gone=False)
        stale = self._stale_loads(loads, before, reloaded)
        begun = self._load_began([found for found in loads if found.path not in stale], reloaded) if reloaded else ""
        objects = []
        for found in listed:
            notes: dict[str, str | int] = {}
            if found.path in stale:
                notes = {_LEFT_OUT: "of an older full load"}
            elif self._is_older(found, before, reloaded, begun):
                notes = {_LEFT_OUT: "older than the full load"}
            objects.append(SourceObject(path=found.path, size=found.size, etag=found.etag, notes=notes))
        here = {found.path for found in listed}
        needed = [path for path, taken in before.items() if not reason_left_out(taken)]
        gone = sorted(path for path in needed if path not in here and not (reloaded and not is_load(path)))
        if gone and not self.allows_gone:
            raise SourceGoneError("", gone)
        return Choice(objects, OverwriteTable())

    def _stale_loads(
        self, loads: Sequence[Listed], before: Mapping[str, SourceObject], reloaded: Sequence[str]
    ) -> set[str]:
        """Name the files of an older full load than the one that the table begins with.

        Raises:
            StaleLoadError: If some files were written again and others were not, and the feed does not say what those
                are.
        """
        # A file that was written again with the same content has the same ETag in S3.
        begun = min((found.modified for found in loads if found.path in reloaded), default=None)
        same = [
            found.path
            for found in loads
            if found.path in before
            and before[found.path].etag == found.etag
            and (begun is None or found.modified < begun)
        ]
        known = {path for path in same if reason_left_out(before[path])}
        fresh = [path for path in same if path not in known]
        if not reloaded or not fresh or self.on_stale_load == "keep":
            return known
        if self.on_stale_load == "refuse":
            raise StaleLoadError(reloaded, fresh)
        return known | set(fresh)

    def _is_older(self, found: Listed, before: Mapping[str, SourceObject], reloaded: Sequence[str], begun: str) -> bool:
        """Tell whether a file of changes is older than the full load that the table now begins with.

        What was taken before a reload was seen is older; else the time in its name counts.
        """
        if is_load(found.path):
            return False
        taken = before.get(found.path)
        if taken is not None and (reloaded or reason_left_out(taken)):
            return True
        stamp = written_at(found.path)
        length = min(len(stamp), len(begun))
        return bool(length) and stamp[:length] < begun[:length]

    def _load_began(self, loads: Sequence[Listed], reloaded: Collection[str]) -> str:
        """Give the first time that the rows of a full load have, as digits; empty if they do not tell.

        Where the names of files order the changes, rows need no time: then the first of the load's files that was
        written again tells, by the time at which it was.
        """
        objects = [SourceObject(path=found.path, size=found.size, etag=found.etag) for found in loads]
        _, unreadable = read_footers(self.lake, objects, max_record_bytes=self.max_record_bytes)
        if unreadable:
            return ""  # a damaged file is refused later on
        begun = first_time(self.lake, objects, self.time_column)
        if begun or not self.by_file:
            return begun
        written = min(found.modified for found in loads if found.path in reloaded)
        return written.astimezone(UTC).strftime("%Y%m%d%H%M%S")

    def why_unordered(self, objects: Iterable[SourceObject], applied: Collection[str]) -> dict[str, str]:
        """Say why the names of files do not tell in which order they come, if names are what orders changes.

        Args:
            objects: The files of a batch that it reads.
            applied: Those that the table already has, and keeps.
        """
        if not self.by_file:
            return {}
        paths = [taken.path for taken in objects if not is_load(taken.path)]
        by_stamp: dict[str, list[str]] = {}
        for path in sorted({*paths, *applied}):
            by_stamp.setdefault(stamp_of(path), []).append(path)
        reasons = {}
        for path in paths:
            stamp = stamp_of(path)
            others = [other for other in by_stamp[stamp] if other != path]
            if not stamp or others:
                reasons[path] = _SAME_STAMP.format(others[0]) if stamp else _NO_STAMP
        return reasons


def earlier_than(refused: Collection[str], objects: Iterable[SourceObject]) -> list[SourceObject]:
    """Keep the files that come before all that were refused: nothing later than those may be applied.

    Where a full load is damaged, or a name says no time, nothing is known to come before.
    """
    stamps = [written_at(path) for path in refused]
    if any(map(is_load, refused)) or not all(stamps):
        return []
    return [
        taken
        for taken in objects
        if taken.path not in refused and (is_load(taken.path) or "" < written_at(taken.path) < min(stamps))
    ]
