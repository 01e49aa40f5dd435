"""Selection of a change table's next batch, also after its full load was rewritten."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakewright.dms.selection import ChangeSelection, earlier_than, reason_left_out
from lakewright.errors import ReloadedError, SourceGoneError, SourceRewrittenError, StaleLoadError
from lakewright.log.log import Append, OverwriteTable
from lakewright.log.records import SourceObject
from lakewright.log.state import TableState
from lakewright.sources.listing import Listed
from lakewright.storage.uris import open_lake

LOAD, SECOND_LOAD = "LOAD1.parquet", "LOAD2.parquet"
#: Change files written before and after the load starts at 10:15.
EARLY, LATE = "20260801-101000000.parquet", "20260801-102000000.parquet"
LOAD_START = "2026-08-01 10:15:00"
NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)
OLD_LOAD, OLD_CHANGES = "of an older full load", "older than the full load"


def listed(*paths: str, rewritten: tuple[str, ...] = (), written_hours_later: int = 0) -> list[Listed]:
    """List files; ``rewritten`` ones were rewritten an hour after the others."""
    return [
        Listed(
            path,
            10,
            "2" if path in rewritten else "1",
            {},
            NOON + timedelta(hours=int(path in rewritten) or written_hours_later),
        )
        for path in paths
    ]


def state_of(*paths: str, left_out: dict[str, str] | None = None) -> TableState:
    left_out = left_out or {}
    objects = {
        path: SourceObject(path=path, size=10, etag="1", notes={"left_out": left_out[path]} if path in left_out else {})
        for path in (*paths, *left_out)
    }
    return TableState(objects=objects)


class Loads:
    """A lake with the files of a full load; its rows have the start time if ``has_times``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.has_times = True

    def stored(self, files: list[Listed]) -> list[Listed]:
        """Write the listed load files, and list them with their actual sizes."""
        stored = []
        for file in files:
            size = file.size
            if file.path.startswith("LOAD"):
                rows = {"id": [1], "ts": [LOAD_START]} if self.has_times else {"id": [1]}
                pq.write_table(pa.table(rows), self.folder / file.path)
                size = (self.folder / file.path).stat().st_size
            stored.append(Listed(file.path, size, file.etag, file.date, file.modified))
        return stored

    def choose(
        self,
        files: list[Listed],
        state: TableState,
        *,
        everything: bool = True,
        on_stale_load: Any = "refuse",
        allows_gone: bool = False,
        by_file: bool = False,
    ) -> dict[str, str]:
        """Return the files of the next batch, with the reason if a file is not read."""
        selection = ChangeSelection(open_lake(str(self.folder)), "ts", on_stale_load, allows_gone, 1 << 20, by_file)
        choice = selection.choose(self.stored(files), state, everything=everything)
        assert choice.scope == (OverwriteTable() if everything else Append())
        return {file.path: reason_left_out(file) for file in choice.objects}


@pytest.fixture
def loads(tmp_path: Path) -> Loads:
    return Loads(tmp_path)


def test_new_files_are_appended(loads: Loads) -> None:
    chosen = loads.choose(listed(LOAD, EARLY, LATE), state_of(LOAD, EARLY), everything=False)
    assert chosen == {LATE: ""}


@pytest.mark.parametrize(
    ("files", "error", "path"),
    [
        pytest.param(listed(LOAD, EARLY, rewritten=(LOAD,)), ReloadedError, LOAD, id="rewritten-load-is-a-reload"),
        pytest.param(
            listed(LOAD, EARLY, rewritten=(EARLY,)), SourceRewrittenError, EARLY, id="rewritten-change-file-is-an-error"
        ),
    ],
)
def test_rewritten_files_are_not_appended(
    loads: Loads, files: list[Listed], error: type[ReloadedError | SourceRewrittenError], path: str
) -> None:
    with pytest.raises(error) as refused:
        loads.choose(files, state_of(LOAD, EARLY), everything=False)
    assert refused.value.path == path


@pytest.mark.parametrize(
    ("files", "state", "options", "chosen"),
    [
        pytest.param(
            listed(LOAD, EARLY, LATE),
            state_of(LOAD, EARLY),
            {},
            {LOAD: "", EARLY: "", LATE: ""},
            id="all-files-without-a-reload",
        ),
        pytest.param(
            listed(LOAD, EARLY, rewritten=(LOAD,)),
            state_of(LOAD, EARLY),
            {},
            {LOAD: "", EARLY: OLD_CHANGES},
            id="changes-of-earlier-batches-predate-a-reload",
        ),
        pytest.param(
            listed(LOAD, LATE, rewritten=(LOAD,)),
            state_of(LOAD, LATE),
            {},
            {LOAD: "", LATE: OLD_CHANGES},
            id="regardless-of-their-time-stamp",
        ),
        pytest.param(
            listed(LOAD, EARLY, LATE, rewritten=(LOAD,)),
            state_of(LOAD),
            {},
            {LOAD: "", EARLY: OLD_CHANGES, LATE: ""},
            id="the-time-stamp-decides-for-others",
        ),
        pytest.param(
            listed(LOAD, "changes.parquet", rewritten=(LOAD,)),
            state_of(LOAD),
            {},
            {LOAD: "", "changes.parquet": ""},
            id="a-file-without-a-time-stamp-is-read",
        ),
        pytest.param(
            listed(LOAD, EARLY, LATE),
            state_of(LOAD, left_out={EARLY: OLD_CHANGES}),
            {},
            {LOAD: "", EARLY: OLD_CHANGES, LATE: ""},
            id="dropped-changes-stay-dropped",
        ),
        pytest.param(
            listed(LOAD, SECOND_LOAD, rewritten=(LOAD,)),
            state_of(LOAD, SECOND_LOAD),
            {"on_stale_load": "drop"},
            {LOAD: "", SECOND_LOAD: OLD_LOAD},
            id="stale-load-files-are-dropped-with-drop",
        ),
        pytest.param(
            listed(LOAD, SECOND_LOAD, rewritten=(LOAD,)),
            state_of(LOAD, SECOND_LOAD),
            {"on_stale_load": "keep"},
            {LOAD: "", SECOND_LOAD: ""},
            id="stale-load-files-are-kept-with-keep",
        ),
        pytest.param(
            listed(LOAD, SECOND_LOAD, "LOAD3.parquet", rewritten=(LOAD,)),
            state_of(LOAD, SECOND_LOAD, left_out={"LOAD3.parquet": OLD_LOAD}),
            {"on_stale_load": "drop"},
            {LOAD: "", SECOND_LOAD: OLD_LOAD, "LOAD3.parquet": OLD_LOAD},
            id="stale-load-files-dropped-before-stay-dropped",
        ),
        pytest.param(
            [*listed(LOAD, rewritten=(LOAD,)), *listed(SECOND_LOAD, written_hours_later=2)],
            state_of(LOAD, SECOND_LOAD),
            {},
            {LOAD: "", SECOND_LOAD: ""},
            id="same-content-rewritten-later-belongs-to-the-new-load",
        ),
        pytest.param(
            listed(LOAD, SECOND_LOAD),
            state_of(LOAD, left_out={SECOND_LOAD: OLD_LOAD}),
            {},
            {LOAD: "", SECOND_LOAD: OLD_LOAD},
            id="dropped-load-files-stay-dropped",
        ),
        pytest.param(
            listed(LOAD, rewritten=(LOAD,)),
            state_of(LOAD, EARLY),
            {},
            {LOAD: ""},
            id="changes-before-a-reload-may-be-gone",
        ),
        pytest.param(
            listed(LOAD),
            state_of(LOAD, left_out={EARLY: OLD_CHANGES}),
            {},
            {LOAD: ""},
            id="dropped-changes-may-be-gone",
        ),
        pytest.param(
            listed(LOAD), state_of(LOAD, EARLY), {"allows_gone": True}, {LOAD: ""}, id="any-file-may-be-gone-if-allowed"
        ),
    ],
)
def test_files_of_a_rebuild(
    loads: Loads, files: list[Listed], state: TableState, options: dict[str, Any], chosen: dict[str, str]
) -> None:
    assert loads.choose(files, state, **options) == chosen


def test_stale_load_files_are_refused_by_default(loads: Loads) -> None:
    with pytest.raises(StaleLoadError) as refused:
        loads.choose(listed(LOAD, SECOND_LOAD, rewritten=(LOAD,)), state_of(LOAD, SECOND_LOAD))
    assert (refused.value.reloaded, refused.value.stale) == ([LOAD], [SECOND_LOAD])


@pytest.mark.parametrize(
    ("files", "state", "gone"),
    [
        pytest.param(listed(LOAD), state_of(LOAD, LATE, EARLY), [EARLY, LATE], id="changes"),
        pytest.param(
            listed(LOAD, rewritten=(LOAD,)), state_of(LOAD, SECOND_LOAD), [SECOND_LOAD], id="part-of-a-rewritten-load"
        ),
    ],
)
def test_a_rebuild_without_required_files_is_refused(
    loads: Loads, files: list[Listed], state: TableState, gone: list[str]
) -> None:
    with pytest.raises(SourceGoneError) as refused:
        loads.choose(files, state)
    assert refused.value.gone == gone


@pytest.mark.parametrize(
    ("refused", "earlier"),
    [
        pytest.param([LATE], [LOAD, EARLY], id="loads-and-earlier-changes"),
        pytest.param([EARLY], [LOAD], id="not-later-changes"),
        pytest.param([EARLY, LATE], [LOAD], id="the-earliest-refused-file-decides"),
        pytest.param([f"a/{EARLY}"], [LOAD], id="not-changes-of-the-same-time"),
        pytest.param([LOAD], [], id="nothing-if-a-load-is-refused"),
        pytest.param(["changes.parquet"], [], id="nothing-if-a-refused-file-has-no-time-stamp"),
    ],
)
def test_files_earlier_than_all_refused_ones(refused: list[str], earlier: list[str]) -> None:
    files = [SourceObject(path=path, size=1, etag="1") for path in (LOAD, EARLY, LATE, "changes.parquet")]
    assert [file.path for file in earlier_than(refused, files)] == earlier


#: Change files written before and when the load was rewritten, at 13:00.
BEFORE_ONE, AT_ONE = "20260801-125959999.parquet", "20260801-130000000.parquet"


@pytest.mark.parametrize(
    ("by_file", "has_times", "chosen"),
    [
        pytest.param(True, False, {BEFORE_ONE: OLD_CHANGES, AT_ONE: ""}, id="modification-time-of-the-load-decides"),
        pytest.param(True, True, {BEFORE_ONE: "", AT_ONE: ""}, id="times-in-load-rows-take-precedence"),
        pytest.param(False, False, {BEFORE_ONE: "", AT_ONE: ""}, id="no-cutoff-if-columns-order-changes"),
    ],
)
def test_a_reload_without_times_in_a_table_ordered_by_file(
    loads: Loads, by_file: bool, has_times: bool, chosen: dict[str, str]
) -> None:
    loads.has_times = has_times
    files = listed(LOAD, SECOND_LOAD, BEFORE_ONE, AT_ONE, rewritten=(LOAD,))
    chosen_files = loads.choose(files, state_of(LOAD, SECOND_LOAD), on_stale_load="keep", by_file=by_file)
    assert chosen_files == {LOAD: "", SECOND_LOAD: "", **chosen}


@pytest.mark.parametrize(
    ("names", "applied", "unordered"),
    [
        pytest.param([LOAD, EARLY, LATE], [], [], id="distinct-stamps"),
        pytest.param([LOAD, EARLY, "changes.parquet"], [], ["changes.parquet"], id="no-stamp"),
        pytest.param([EARLY, LATE, f"a/{LATE}"], [], [LATE, f"a/{LATE}"], id="duplicate-stamp"),
        pytest.param([f"a/{LATE}"], [EARLY, LATE, LOAD], [f"a/{LATE}"], id="stamp-of-an-applied-file"),
        pytest.param([LATE], [LATE], [], id="the-same-file"),
        pytest.param(
            ["20260801-102000.parquet", LATE], [], ["20260801-102000.parquet", LATE], id="duplicate-after-zero-padding"
        ),
    ],
)
def test_files_whose_names_do_not_order_them(
    tmp_path: Path, names: list[str], applied: list[str], unordered: list[str]
) -> None:
    objects, before = ([SourceObject(path=path, size=1, etag="1") for path in paths] for paths in (names, applied))
    lake = open_lake(str(tmp_path))
    assert list(ChangeSelection(lake, "", "refuse", False, 1 << 20, True).why_unordered(objects, before)) == unordered
    assert ChangeSelection(lake, "", "refuse", False, 1 << 20).why_unordered(objects, before) == {}
