"""Which files of a table of changes make the next batch, also after its full load was written again."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakewright.dms.selection import ChangeSelection, earlier_than, reason_left_out
from lakewright.errors import ReloadedError, SourceGoneError, SourceRewrittenError, StaleLoadError
from lakewright.log.actions import TableState
from lakewright.log.log import Append, OverwriteTable
from lakewright.log.records import SourceObject
from lakewright.sources.listing import Listed
from lakewright.storage.uris import open_lake

LOAD, SECOND_LOAD = "LOAD1.parquet", "LOAD2.parquet"
#: A file of changes written before the load begins at 10:15, and one after.
EARLY, LATE = "20260801-101000000.parquet", "20260801-102000000.parquet"
LOAD_BEGINS = "2026-08-01 10:15:00"
NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)
OLD_LOAD, OLD_CHANGES = "of an older full load", "older than the full load"


def lying(*paths: str, again: tuple[str, ...] = (), written_hours_later: int = 0) -> list[Listed]:
    """List files; those ``again`` were written again, an hour after the others."""
    return [
        Listed(
            path,
            10,
            "2" if path in again else "1",
            {},
            NOON + timedelta(hours=int(path in again) or written_hours_later),
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
    """A lake with the files of a full load whose rows say when it began, if they have times."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.has_times = True

    def listed(self, files: list[Listed]) -> list[Listed]:
        """Write the loads that are listed, with sizes as they lie there."""
        found = []
        for file in files:
            size = file.size
            if file.path.startswith("LOAD"):
                rows = {"id": [1], "ts": [LOAD_BEGINS]} if self.has_times else {"id": [1]}
                pq.write_table(pa.table(rows), self.folder / file.path)
                size = (self.folder / file.path).stat().st_size
            found.append(Listed(file.path, size, file.etag, file.date, file.modified))
        return found

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
        """Give the files of the next batch, and why some of them are not read."""
        selection = ChangeSelection(open_lake(str(self.folder)), "ts", on_stale_load, allows_gone, 1 << 20, by_file)
        choice = selection.choose(self.listed(files), state, everything=everything)
        assert choice.scope == (OverwriteTable() if everything else Append())
        return {taken.path: reason_left_out(taken) for taken in choice.objects}


@pytest.fixture
def loads(tmp_path: Path) -> Loads:
    return Loads(tmp_path)


def test_what_was_never_taken_is_appended(loads: Loads) -> None:
    found = loads.choose(lying(LOAD, EARLY, LATE), state_of(LOAD, EARLY), everything=False)
    assert found == {LATE: ""}


@pytest.mark.parametrize(
    ("files", "error", "path"),
    [
        pytest.param(lying(LOAD, EARLY, again=(LOAD,)), ReloadedError, LOAD, id="a-load-is-a-reload"),
        pytest.param(lying(LOAD, EARLY, again=(EARLY,)), SourceRewrittenError, EARLY, id="changes-are-not"),
    ],
)
def test_what_was_written_again_is_not_appended(
    loads: Loads, files: list[Listed], error: type[ReloadedError | SourceRewrittenError], path: str
) -> None:
    with pytest.raises(error) as refused:
        loads.choose(files, state_of(LOAD, EARLY), everything=False)
    assert refused.value.path == path


@pytest.mark.parametrize(
    ("files", "state", "options", "chosen"),
    [
        pytest.param(
            lying(LOAD, EARLY, LATE),
            state_of(LOAD, EARLY),
            {},
            {LOAD: "", EARLY: "", LATE: ""},
            id="without-a-reload-all-is-read",
        ),
        pytest.param(
            lying(LOAD, EARLY, again=(LOAD,)),
            state_of(LOAD, EARLY),
            {},
            {LOAD: "", EARLY: OLD_CHANGES},
            id="changes-taken-before-a-reload-are-older",
        ),
        pytest.param(
            lying(LOAD, LATE, again=(LOAD,)),
            state_of(LOAD, LATE),
            {},
            {LOAD: "", LATE: OLD_CHANGES},
            id="whatever-their-name-says",
        ),
        pytest.param(
            lying(LOAD, EARLY, LATE, again=(LOAD,)),
            state_of(LOAD),
            {},
            {LOAD: "", EARLY: OLD_CHANGES, LATE: ""},
            id="of-others-their-name-tells",
        ),
        pytest.param(
            lying(LOAD, "changes.parquet", again=(LOAD,)),
            state_of(LOAD),
            {},
            {LOAD: "", "changes.parquet": ""},
            id="a-name-without-a-time-is-read",
        ),
        pytest.param(
            lying(LOAD, EARLY, LATE),
            state_of(LOAD, left_out={EARLY: OLD_CHANGES}),
            {},
            {LOAD: "", EARLY: OLD_CHANGES, LATE: ""},
            id="what-was-left-out-stays-out",
        ),
        pytest.param(
            lying(LOAD, SECOND_LOAD, again=(LOAD,)),
            state_of(LOAD, SECOND_LOAD),
            {"on_stale_load": "drop"},
            {LOAD: "", SECOND_LOAD: OLD_LOAD},
            id="the-rest-of-an-older-load-is-dropped-if-the-feed-says-so",
        ),
        pytest.param(
            lying(LOAD, SECOND_LOAD, again=(LOAD,)),
            state_of(LOAD, SECOND_LOAD),
            {"on_stale_load": "keep"},
            {LOAD: "", SECOND_LOAD: ""},
            id="or-kept",
        ),
        pytest.param(
            lying(LOAD, SECOND_LOAD, "LOAD3.parquet", again=(LOAD,)),
            state_of(LOAD, SECOND_LOAD, left_out={"LOAD3.parquet": OLD_LOAD}),
            {"on_stale_load": "drop"},
            {LOAD: "", SECOND_LOAD: OLD_LOAD, "LOAD3.parquet": OLD_LOAD},
            id="beside-what-was-dropped-before",
        ),
        pytest.param(
            [*lying(LOAD, again=(LOAD,)), *lying(SECOND_LOAD, written_hours_later=2)],
            state_of(LOAD, SECOND_LOAD),
            {},
            {LOAD: "", SECOND_LOAD: ""},
            id="the-same-content-written-later-is-of-the-new-load",
        ),
        pytest.param(
            lying(LOAD, SECOND_LOAD),
            state_of(LOAD, left_out={SECOND_LOAD: OLD_LOAD}),
            {},
            {LOAD: "", SECOND_LOAD: OLD_LOAD},
            id="a-load-left-out-stays-out",
        ),
        pytest.param(
            lying(LOAD, again=(LOAD,)),
            state_of(LOAD, EARLY),
            {},
            {LOAD: ""},
            id="changes-older-than-a-reload-may-be-gone",
        ),
        pytest.param(
            lying(LOAD),
            state_of(LOAD, left_out={EARLY: OLD_CHANGES}),
            {},
            {LOAD: ""},
            id="so-may-what-was-left-out",
        ),
        pytest.param(
            lying(LOAD), state_of(LOAD, EARLY), {"allows_gone": True}, {LOAD: ""}, id="or-anything-if-the-feed-says-so"
        ),
    ],
)
def test_a_table_made_anew(
    loads: Loads, files: list[Listed], state: TableState, options: dict[str, Any], chosen: dict[str, str]
) -> None:
    assert loads.choose(files, state, **options) == chosen


def test_the_rest_of_an_older_load_is_refused_unless_the_feed_says_what_it_is(loads: Loads) -> None:
    with pytest.raises(StaleLoadError) as refused:
        loads.choose(lying(LOAD, SECOND_LOAD, again=(LOAD,)), state_of(LOAD, SECOND_LOAD))
    assert (refused.value.reloaded, refused.value.stale) == ([LOAD], [SECOND_LOAD])


@pytest.mark.parametrize(
    ("files", "state", "gone"),
    [
        pytest.param(lying(LOAD), state_of(LOAD, LATE, EARLY), [EARLY, LATE], id="changes"),
        pytest.param(lying(LOAD, again=(LOAD,)), state_of(LOAD, SECOND_LOAD), [SECOND_LOAD], id="a-load-of-a-reload"),
    ],
)
def test_a_table_is_not_made_anew_without_what_is_gone(
    loads: Loads, files: list[Listed], state: TableState, gone: list[str]
) -> None:
    with pytest.raises(SourceGoneError) as refused:
        loads.choose(files, state)
    assert refused.value.gone == gone


@pytest.mark.parametrize(
    ("refused", "earlier"),
    [
        pytest.param([LATE], [LOAD, EARLY], id="loads-and-earlier-changes"),
        pytest.param([EARLY], [LOAD], id="nothing-that-is-later"),
        pytest.param([EARLY, LATE], [LOAD], id="the-first-that-is-refused-counts"),
        pytest.param([f"a/{EARLY}"], [LOAD], id="nor-of-the-same-moment"),
        pytest.param([LOAD], [], id="nothing-comes-before-a-load"),
        pytest.param(["changes.parquet"], [], id="nor-before-a-name-without-a-time"),
    ],
)
def test_what_comes_before_all_that_is_refused(refused: list[str], earlier: list[str]) -> None:
    files = [SourceObject(path=path, size=1, etag="1") for path in (LOAD, EARLY, LATE, "changes.parquet")]
    assert [taken.path for taken in earlier_than(refused, files)] == earlier


#: Files of changes written before the load was written again at 13:00, and at that time.
BEFORE_ONE, AT_ONE = "20260801-125959999.parquet", "20260801-130000000.parquet"


@pytest.mark.parametrize(
    ("by_file", "has_times", "chosen"),
    [
        pytest.param(True, False, {BEFORE_ONE: OLD_CHANGES, AT_ONE: ""}, id="by-when-the-load-was-written"),
        pytest.param(True, True, {BEFORE_ONE: "", AT_ONE: ""}, id="but-by-its-rows-if-they-tell"),
        pytest.param(False, False, {BEFORE_ONE: "", AT_ONE: ""}, id="and-not-where-columns-order-changes"),
    ],
)
def test_a_reload_without_times_in_a_table_ordered_by_file(
    loads: Loads, by_file: bool, has_times: bool, chosen: dict[str, str]
) -> None:
    loads.has_times = has_times
    files = lying(LOAD, SECOND_LOAD, BEFORE_ONE, AT_ONE, again=(LOAD,))
    found = loads.choose(files, state_of(LOAD, SECOND_LOAD), on_stale_load="keep", by_file=by_file)
    assert found == {LOAD: "", SECOND_LOAD: "", **chosen}


@pytest.mark.parametrize(
    ("names", "applied", "unordered"),
    [
        pytest.param([LOAD, EARLY, LATE], [], [], id="each-has-its-stamp"),
        pytest.param([LOAD, EARLY, "changes.parquet"], [], ["changes.parquet"], id="no-stamp"),
        pytest.param([EARLY, LATE, f"a/{LATE}"], [], [LATE, f"a/{LATE}"], id="the-same-stamp"),
        pytest.param([f"a/{LATE}"], [EARLY, LATE, LOAD], [f"a/{LATE}"], id="the-stamp-of-what-was-applied"),
        pytest.param([LATE], [LATE], [], id="the-same-file"),
        pytest.param(
            ["20260801-102000.parquet", LATE], [], ["20260801-102000.parquet", LATE], id="the-same-with-zeros"
        ),
    ],
)
def test_names_that_do_not_order_their_files(
    tmp_path: Path, names: list[str], applied: list[str], unordered: list[str]
) -> None:
    objects = [SourceObject(path=name, size=1, etag="1") for name in names]
    lake = open_lake(str(tmp_path))
    assert list(ChangeSelection(lake, "", "refuse", False, 1 << 20, True).why_unordered(objects, applied)) == unordered
    assert ChangeSelection(lake, "", "refuse", False, 1 << 20).why_unordered(objects, applied) == {}
