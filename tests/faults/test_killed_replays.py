"""A replay is killed with SIGKILL in a separate process, and replayed again."""

import shutil
import signal
from pathlib import Path

import pytest

from tests.faults.test_killed_runs import killed
from tests.replay.lakes import ReplayLake
from tests.replay.test_csv_edits import DAY, add_gate, feed

SLOW = pytest.mark.slow
STAGES = [
    pytest.param("replay", 1, marks=SLOW, id="before-corrections-are-written"),
    pytest.param("manifest", 1, id="before-the-manifest-is-written"),
    pytest.param("plan", 1, marks=SLOW, id="after-the-manifest"),
    pytest.param("read", 1, marks=SLOW, id="after-the-plan"),
    pytest.param("check", 1, marks=SLOW, id="between-stage-and-outcome"),
    pytest.param("committed", 1, marks=SLOW, id="after-the-outcome"),
    pytest.param("move", 1, marks=SLOW, id="before-files-are-published"),
    pytest.param("move", 2, marks=SLOW, id="in-the-middle-of-publish"),
    pytest.param("remove", 1, marks=SLOW, id="before-corrected-rows-leave-quarantine"),
    pytest.param("clean up", 1, marks=SLOW, id="before-staging-is-deleted"),
]


@pytest.mark.parametrize(("stage", "nth"), STAGES)
@pytest.mark.parametrize("again", ["replay", pytest.param("run", marks=SLOW)])
def test_a_killed_replay_is_completed(tmp_path: Path, stage: str, nth: int, again: str) -> None:
    """A run completes what a replay has written before it was killed; replayed again, all rows are corrected once."""
    lake = ReplayLake(tmp_path, feed())
    lake.configure(target__fill="append")
    lake.put(f"{DAY}/a.csv", "id,name\n1,a\nx,b\nx,c\nstill,d\n")
    lake.run()
    edited = lake.edit(lambda row: {"id": "2"} if row["fields"]["id"] == "x" else None)
    options = ["--lake", str(lake.lake), "--config", str(lake.root / "conf")]
    assert killed("SIGKILL", stage, nth, "replay", "people", *options, *edited).wait(60) == -signal.SIGKILL
    lake.run(again, *(edited if again == "replay" and lake.state().number == 1 else ()))
    lake.run("replay", *edited) if len(lake.quarantine()) > 1 else None
    assert lake.rows() == [("01", 1, "a"), ("01", 2, "b"), ("01", 2, "c")]
    assert [row["text"] for row in lake.quarantine()] == ["still,d"]
    files = {path.relative_to(lake.lake).as_posix() for path in lake.lake.rglob("*.parquet")}
    assert files == {*lake.state().files, *lake.state().quarantine}
    lake.run("rebuild")
    assert lake.rows() == [("01", 1, "a"), ("01", 2, "b"), ("01", 2, "c")]
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.mark.parametrize("nth", [pytest.param(1, marks=SLOW), 2], ids=["before-the-first", "between-two"])
def test_a_killed_withdrawal_is_completed(tmp_path: Path, nth: int) -> None:
    """The corrections of a refused batch do not count one by one: either alone would pass the gate."""
    lake = ReplayLake(tmp_path, feed())
    add_gate(lake, "unique", "refuse_batch")
    lake.configure(target__fill="append")
    lake.put(f"{DAY}/a.csv", "id,name\nx,a\n")
    lake.put(f"{DAY}/b.csv", "id,name\ny,b\n")
    lake.run()
    edited = lake.edit(lambda _: {"id": "7"})
    options = ["--lake", str(lake.lake), "--config", str(lake.root / "conf")]
    assert killed("SIGKILL", "withdraw", nth, "replay", "people", *options, *edited).wait(60) == -signal.SIGKILL
    done = lake.run()
    assert (done["exit_code"], done["status"], lake.rows()) == (0, "nothing_new", [])
    assert sum("withdrew the correction" in warning for warning in done["warnings"]) == 3 - nth
    assert [row["text"] for row in lake.quarantine()] == ["x,a", "y,b"]
    ids = iter("12")
    assert lake.run("replay", *lake.edit(lambda _: {"id": next(ids)}))["exit_code"] == 0
    assert lake.rows() == [("01", 1, "a"), ("01", 2, "b")]
