from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright.errors import OvertakenError
from lakewright.runs.log import Log, Plan
from lakewright.runs.actions import Outcome, TableState
from lakewright.runs.records import SourceObject, DataFile
from lakewright.storage.uris import open_lake


def plan(number: int, *paths: str, day: str = "1", replaces: list[str] | None = None) -> Plan:
    objects = [SourceObject(path=path, size=1, etag=str(number), values={"day": day}) for path in paths]
    return Plan(
        number=number,
        run="r",
        processing_date="2026-08-01",
        config_hash="",
        objects=objects,
        replaces=[f"day={day}"] if replaces is None else replaces,
    )


def outcome(number: int, added: list[str], removed: list[str], status: str = "committed") -> Outcome:
    files = [DataFile(path=path, staged="", partition="day=1", rows=1, size=1) for path in added]
    return Outcome.model_validate(
        {"number": number, "status": status, "run": "r", "attempt": "a", "added": files, "removed": removed}
    )


def test_the_state_follows_from_the_log(tmp_path: Path) -> None:
    log = Log(open_lake(str(tmp_path)), "state/f/t/")
    assert log.read() == (TableState(), None)
    log.write_plan(plan(1, "a", "b"))
    assert log.read()[1] == plan(1, "a", "b")
    log.write_outcome(outcome(1, ["x"], []))
    log.write_plan(plan(2, "a"))
    log.write_outcome(outcome(2, ["y"], ["x"]))
    log.write_plan(plan(3, "c"))
    log.write_outcome(outcome(3, ["z"], ["y"], status="dropped"))
    state, open_plan = log.read()
    assert (state.number, list(state.objects), list(state.files), open_plan) == (3, ["a"], ["y"], None)
    assert state.has("a", "2")
    assert not state.has("a", "1")


def test_one_key_so_never_two_outcomes(tmp_path: Path) -> None:
    log = Log(open_lake(str(tmp_path)), "state/f/t/")
    log.write_plan(plan(1, "a"))
    log.write_plan(plan(1, "a"))
    with pytest.raises(OvertakenError, match=r"another run wrote state/f/t/log/000001.plan.json first"):
        log.write_plan(plan(1, "b"))
    log.write_outcome(outcome(1, ["x"], []))
    with pytest.raises(OvertakenError):
        log.write_outcome(outcome(1, ["x"], [], status="dropped"))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("12"), st.booleans()), max_size=8))
def test_a_snapshot_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, batches: list[tuple[str, str, bool]]
) -> None:
    from lakewright.runs import log as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SNAPSHOT_EVERY", 2)
        lake = open_lake(str(tmp_path_factory.mktemp("log")))
        log = Log(lake, "s/")
        expected = TableState()
        for number, (path, day, dropped) in enumerate(batches, start=1):
            log.write_plan(plan(number, path, day=day))
            written = outcome(number, [f"{number}"], [str(number - 1)], "dropped" if dropped else "committed")
            log.write_outcome(written)
            expected = expected.after(plan(number, path, day=day), written)
            log.write_snapshot(expected)
        assert log.read() == (expected, None)
        assert list(lake.list("s/log/snapshot/")) == []
        assert len([found for found in lake.list("s/log/") if "snapshot" in found.path]) == len(batches) // 2


def test_replacing_the_whole_table_forgets_what_was(tmp_path: Path) -> None:
    state = TableState().after(plan(1, "a"), outcome(1, ["x"], []))
    whole = Plan(number=2, run="r", processing_date="", config_hash="", objects=[], replaces=None)
    assert state.after(whole, outcome(2, [], ["x"])).objects == {}
