"""Corrections that no batch has read yet, or no longer, although no rejected row shows that they are there."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import freeze_day
from tests.faults.test_killed_runs import killed
from tests.replay.lakes import ReplayLake
from tests.replay.test_csv_edits import DAY, feed, with_id

NEXT_DAY = "raw/people/year=2026/month=08/day=02"


@pytest.fixture
def lake(tmp_path: Path) -> ReplayLake:
    lake = ReplayLake(tmp_path, feed())
    lake.put(f"{DAY}/a.csv", "id,name\n1,a\nx,b\n")
    lake.put(f"{DAY}/b.csv", "id,name\n3,c\n")
    return lake


def test_a_version_that_returns_after_its_partition_was_rebuilt_without_it(lake: ReplayLake, tmp_path: Path) -> None:
    lake.configure(target__on_missing_source="rebuild")
    lake.run()
    assert lake.run("replay", *lake.edit(with_id("2")))["replayed"] == {"corrected": 1}
    (lake.lake / DAY / "a.csv").rename(tmp_path / "a.csv")
    lake.put(f"{DAY}/c.csv", "id,name\n4,d\n")
    assert lake.run()["exit_code"] == 0
    assert lake.rows() == [("01", 3, "c"), ("01", 4, "d")]
    (tmp_path / "a.csv").rename(lake.lake / DAY / "a.csv")
    lake.configure(max_rejected=0)
    done = lake.run()
    assert (done["exit_code"], done["counts"]["superseded"]) == (0, 1), done["error"]
    assert lake.rows() == [("01", 1, "a"), ("01", 2, "b"), ("01", 3, "c"), ("01", 4, "d")]


def test_a_correction_of_a_refused_batch_after_a_batch_of_other_days(lake: ReplayLake) -> None:
    """A committed batch releases the rejected rows of refused ones, which it need not have read."""
    lake.configure(target__fill="append", max_rejected=0)
    lake.put(f"{NEXT_DAY}/a.csv", "id,name\n5,e\n")
    assert lake.run("run", "--date", "2026-08-02")["exit_code"] == 0
    lake.put(f"{DAY}/b.csv", "id,name\ny,c\n")
    assert lake.run()["exit_code"] == 3
    done = lake.run("replay", *lake.edit(lambda row: {"id": "2"} if row["fields"]["id"] == "x" else None))
    assert (done["exit_code"], "reads the correction" in done["warnings"][-1]) == (3, True), done
    lake.put(f"{NEXT_DAY}/b.csv", "id,name\n6,f\n")
    assert lake.run("run", "--date", "2026-08-02")["exit_code"] == 0
    assert lake.quarantine() == []
    (lake.lake / DAY / "b.csv").unlink()
    done = lake.run()
    assert (done["exit_code"], done["counts"]["superseded"]) == (0, 1), done["error"]
    assert lake.rows() == [("01", 1, "a"), ("01", 2, "b"), ("02", 5, "e"), ("02", 6, "f")]


@pytest.mark.slow
def test_a_replay_that_was_suspended_until_its_rows_had_expired(
    lake: ReplayLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.configure(target__fill="append")
    lake.run()
    options = ["--lake", str(lake.lake), "--config", str(lake.root / "conf"), *lake.edit(with_id("2"))]
    suspended = killed("SIGSTOP", "manifest", 1, "replay", "people", *options)
    os.waitid(os.P_PID, suspended.pid, os.WSTOPPED)
    lake.configure(quarantine_days=1)
    freeze_day(monkeypatch, "2999-01-01")
    assert lake.run()["exit_code"] == 0
    assert lake.quarantine() == []
    suspended.send_signal(signal.SIGCONT)
    assert suspended.wait(60) == 4
    done = lake.run()
    assert (done["exit_code"], "no longer in quarantine" in done["error"]) == (3, True), done["error"]


def test_a_void_correction_is_named_until_it_is_deleted(lake: ReplayLake) -> None:
    lake.run()
    (correction,) = lake.run("replay", *lake.edit(with_id("2")))["corrections"]
    lake.put(f"{DAY}/a.csv", "id,name\n1,a\n2,bb\n")

    def warnings() -> list[Any]:
        return [warning for warning in lake.run()["warnings"] if "no longer counts" in warning]

    assert [len(warnings()) for _ in range(3)] == [1] * 3
    (lake.lake / correction).unlink()
    assert warnings() == []
    assert lake.rows() == [("01", 1, "a"), ("01", 2, "bb"), ("01", 3, "c")]
