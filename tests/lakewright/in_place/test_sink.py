"""Workers' reports become actions; records written are compared with records read."""

from pathlib import Path
from typing import Any, cast

import pytest

from lakewright.errors import AccountingError
from lakewright.in_place.packing import is_again, packed, planned
from lakewright.in_place.rewrite import Rewritten, ToRewrite
from lakewright.in_place.sink import InPlaceSink, Rewriting
from lakewright.log.actions.objects import RewriteObjects
from lakewright.log.actions.tables import SetLayout
from lakewright.log.records import Counts, SourceObject
from lakewright.log.state import TableState
from lakewright.runs.job.batch import Batch, Staged
from lakewright.runs.lifecycle.accounting import check_sums
from lakewright.runs.progress import SilentProgress
from lakewright.storage.local import LocalLake
from tests.workers import InProcessWorkers

ONE = Counts(read=1, written=1)
DONE = Rewritten("a", "rewritten", etag="x", size=9, counts=ONE, in_place=1, numbers={"records": 1}, notes={"by": "me"})


def staged(folder: Path, *reports: Rewritten, layout: str = "") -> Staged:
    by_path = {report.path: report for report in reports}
    objects = [SourceObject(path=path, size=1, etag="before") for path in by_path]
    batch = Batch(
        cast(Any, None), TableState(layout=layout), {}, "", "", cast(Any, None), SilentProgress(), InProcessWorkers(2)
    )
    rewriting = Rewriting(objects, lambda _, path, again: by_path[path], lambda done: [f"{len(done)} done"])
    return InPlaceSink(LocalLake(str(folder))).stage(batch, rewriting)


def test_current_versions_of_objects_are_logged(tmp_path: Path) -> None:
    already = Rewritten("b", "already", etag="y", size=1, numbers={"already": 1})
    gone = Rewritten("c", "gone", numbers={"gone": 1})
    done = staged(tmp_path, DONE, already, gone, Rewritten("d", "refused", "no JSON"))
    layout, rewritten = done.actions
    assert layout == SetLayout("in place")
    assert isinstance(rewritten, RewriteObjects)
    assert sorted(rewritten.objects, key=lambda each: each.path) == [
        SourceObject(path="a", size=9, etag="x", notes={"by": "me"}),
        SourceObject(path="b", size=1, etag="y"),
    ]
    assert rewritten.numbers == {"a": {"records": 1}, "b": {"already": 1}, "c": {"gone": 1}}
    assert (done.counts, done.in_table, done.refused) == (ONE, 1, {"d": "no JSON"})
    assert done.warnings == ["2 done"]
    check_sums(done)


def test_a_batch_whose_objects_were_all_left_unchanged_has_no_actions(tmp_path: Path) -> None:
    left = [Rewritten("a", "refused", "r"), Rewritten("b", "unreached", "u"), Rewritten("c", "miscounted", "m")]
    result = staged(tmp_path, *left, Rewritten("d", "gone"))
    assert result.actions == []
    assert (result.refused, result.unreached, result.miscounted) == ({"a": "r"}, {"b": "u"}, {"c": "m"})


def test_the_layout_is_logged_once(tmp_path: Path) -> None:
    (rewritten,) = staged(tmp_path, DONE, layout="in place").actions
    assert isinstance(rewritten, RewriteObjects)


@pytest.mark.parametrize(
    ("report", "holds"),
    [
        pytest.param(DONE, True, id="same-count"),
        pytest.param(
            Rewritten("a", "rewritten", counts=Counts(read=2, written=1, deleted=1), in_place=1),
            True,
            id="some-deleted",
        ),
        pytest.param(Rewritten("a", "rewritten", counts=ONE, in_place=0), False, id="one-lost"),
        pytest.param(Rewritten("a", "rewritten", counts=ONE, in_place=2), False, id="one-added"),
        pytest.param(
            Rewritten("a", "rewritten", counts=Counts(read=1), in_place=0), False, id="neither-written-nor-rejected"
        ),
    ],
)
def test_records_in_place_are_compared_with_records_read(tmp_path: Path, report: Rewritten, holds: bool) -> None:
    result = staged(tmp_path, report)
    if holds:
        check_sums(result)
        return
    with pytest.raises(AccountingError):
        check_sums(result)


def test_large_objects_get_a_task_each_and_small_ones_share_tasks() -> None:
    sizes = {"large": 50 << 20, "larger": 60 << 20, **{f"small{number}": 1000 + number for number in range(400)}}
    objects = [SourceObject(path=path, size=size, etag="") for path, size in sizes.items()]
    packs = list(packed(objects, cores=4))
    assert packs[:2] == [[("larger", False, 60 << 20)], [("large", False, 50 << 20)]]
    assert sorted(path for pack in packs for path, *_ in pack) == sorted(sizes)
    assert {len(pack) for pack in packs[2:-1]} == {25}
    assert list(packed(objects[:1], cores=100)) == [[("large", False, 50 << 20)]]


@pytest.mark.parametrize("again", [True, False])
def test_a_plan_records_whether_tags_count(tmp_path: Path, again: bool) -> None:
    (tmp_path / "a").write_bytes(b"x")
    stored = LocalLake(str(tmp_path)).stat("a")
    assert stored is not None
    to_rewrite = planned(stored, again=again)
    assert (to_rewrite.path, to_rewrite.size, to_rewrite.etag, is_again(to_rewrite)) == ("a", 1, stored.etag, again)
    assert list(packed([to_rewrite], cores=1)) == [[ToRewrite("a", again, 1)]]
