from typing import Any, cast

from lakewright.log.actions.files import RemoveFiles
from lakewright.log.actions.objects import CountPerObject, ForgetObjects
from lakewright.log.actions.quarantine import QuarantineRows, ReleaseRows
from lakewright.log.actions.tables import SetColumns
from lakewright.log.log import FORMAT, Append, OverwritePartitions, Plan, Scope
from lakewright.log.records import DataFile, SourceObject
from lakewright.log.state import Outcome, TableState
from lakewright.parquet.table_actions import table_actions
from lakewright.runs.job.batch import Batch

COLUMNS = {"id": "bigint", "name": "string"}


def a_state() -> TableState:
    days = ("1", "2", "3")
    return TableState(
        columns=dict(COLUMNS),
        objects={f"{day}.csv": SourceObject(f"{day}.csv", 1, "e", {"month": "8", "day": day}) for day in days},
        files={f"{day}.parquet": DataFile(f"{day}.parquet", "", f"day={day}", 1, 1) for day in days},
    )


def actions(scope: Scope, columns: dict[str, str]) -> dict[str, Any]:
    plan = Plan(FORMAT, 2, "r", "job", "2026-08-01", "", [SourceObject("2.csv", 1, "f", {"day": "2"})], scope)
    batch = Batch(plan, a_state(), {}, "s/", "a", *[cast(Any, None)] * 3)
    batch_actions = table_actions(batch, layout="", columns=columns, added=(), quarantined=())
    return {type(action).__name__: action for action in batch_actions}


def test_a_partition_overwrite_forgets_objects_and_removes_files() -> None:
    by_name = actions(OverwritePartitions(["day=1", "day=2"]), COLUMNS)
    assert by_name["ForgetObjects"] == ForgetObjects(["1.csv"])
    assert by_name["RemoveFiles"] == RemoveFiles(["1.parquet", "2.parquet"])
    assert list(by_name) == ["ForgetObjects", "TakeObjects", "RemoveFiles"]


def test_columns_in_another_order_are_set() -> None:
    assert "SetColumns" not in actions(Append(), COLUMNS)
    reordered = dict(reversed(COLUMNS.items()))
    state = a_state()
    state.apply(Outcome(FORMAT, 2, "committed", "r", actions=[actions(Append(), reordered)["SetColumns"]]))
    assert list(state.columns) == ["name", "id"]


def test_a_refused_batch_only_releases_rows_of_refused_batches() -> None:
    folder = "quarantine/refused-feed/target=refused-t/batch=000007/"
    (quarantined,) = QuarantineRows([DataFile(f"{folder}a.parquet", "s", "day=1", 1, 1)]).if_refused()
    assert quarantined == QuarantineRows([DataFile(f"{folder}refused-a.parquet", "s", "refused", 1, 1)])
    released = ReleaseRows([f"{folder}a.parquet", f"{folder}refused-a.parquet"])
    assert released.if_refused() == (ReleaseRows([f"{folder}refused-a.parquet"]),)


def test_a_refused_batch_keeps_the_counts_of_its_objects() -> None:
    counts = CountPerObject({"a": {"offset_conflicts": 2}})
    assert counts.if_refused() == (counts,)
    assert SetColumns(COLUMNS).if_refused() == ()
