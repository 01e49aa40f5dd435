"""Replays beside other runs, and large objects."""

from pathlib import Path

import pytest

from lakewright.corrections.manifests import CorrectionFolder, NewCorrection
from lakewright.csv import tasks
from lakewright.runs.lease import Lease
from lakewright.runs.lifecycle.attempt import Attempt
from lakewright.storage.uris import open_lake
from tests.conftest import freeze_day
from tests.replay.lakes import ReplayLake
from tests.replay.test_csv_edits import DAY, feed, with_id


@pytest.fixture
def lake(tmp_path: Path) -> ReplayLake:
    lake = ReplayLake(tmp_path, feed())
    lake.configure(target__fill="append")
    lake.put(f"{DAY}/a.csv", "id,name\n1,a\nx,b\n")
    lake.run()
    return lake


def test_a_replay_beside_another_run_writes_nothing(lake: ReplayLake) -> None:
    edited = lake.edit(with_id("2"))
    with Lease(open_lake(str(lake.lake)), "state/people/people/", run="other", seconds=1):
        done = lake.run("replay", *edited)
    assert done["exit_code"] == 4
    assert not (lake.lake / "corrections").exists()
    assert lake.run("replay", *edited)["replayed"] == {"corrected": 1}


def test_an_open_batch_is_finished_before_its_rows_are_replayed(
    lake: ReplayLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.put(f"{DAY}/b.csv", "id,name\nNA,c\n")
    with monkeypatch.context() as patch:
        patch.setattr(Attempt, "__call__", _killed)
        assert lake.run()["exit_code"] == 1
    lake.configure(source__csv={"null_text": ["NA"]})
    done = lake.run("replay")
    assert [batch["status"] for batch in done["batches"]] == ["dropped", "committed"]
    assert lake.rows() == [("01", 1, "a"), ("01", None, "c")]


def test_a_correction_whose_row_is_in_the_table_is_refused(lake: ReplayLake) -> None:
    """A replay that was suspended beyond its lease may write a correction of a row that another run has replaced."""
    lake.run("replay", *lake.edit(with_id("2")))
    (source,) = (each for each in lake.state().objects.values() if each.path.startswith("raw/"))
    folder = CorrectionFolder(open_lake(str(lake.lake)), "corrections/people/people/")
    name = "year=2026/month=08/day=01/a.csv"
    folder.write([NewCorrection(source.path, source.etag, name, [8], b"id,name\n8,a\n")])
    done = lake.run()
    assert (done["exit_code"], "may be in the table" in done["error"]) == (3, True), done["error"]
    assert lake.rows() == [("01", 1, "a"), ("01", 2, "b")]
    folder.write([NewCorrection(source.path, source.etag, name, [12], b"id,name\n9,b\n")])
    done = lake.run()
    assert any("corrects a record that" in reason for reason in done["refused"].values())
    assert lake.rows() == [("01", 1, "a"), ("01", 2, "b")]


def test_records_of_objects_read_in_ranges_are_corrected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_SMALL_TASK_BYTES", "_OPEN_BYTES"):
        monkeypatch.setattr(tasks, name, 64)
    lake = ReplayLake(tmp_path, feed())
    identities = [str(n) if n % 3 else f"x{n}" for n in range(60)]
    lake.put(f"{DAY}/a.csv", "id,name\n" + "".join(f'{each},"é\n{each}"\n' for each in identities))
    lake.run()
    done = lake.run("replay", *lake.edit(lambda row: {"id": str(row["fields"]["id"][1:])}))
    assert (done["replayed"], done["counts"]["superseded"]) == ({"corrected": 20}, 20)
    assert [row[1] for row in sorted(lake.rows(), key=lambda row: row[1])] == list(range(60))


def test_expired_rows_wait_for_their_correction(lake: ReplayLake, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("lakewright.runs.lifecycle.run.Log.write_plan", _killed)
        assert lake.run("replay", *lake.edit(with_id("2")))["exit_code"] == 1
    lake.configure(quarantine_days=1)
    freeze_day(monkeypatch, "2999-01-01")
    assert lake.run()["exit_code"] == 0
    assert lake.rows() == [("01", 1, "a"), ("01", 2, "b")]


def test_rows_that_are_due_to_expire_are_replayed_first(lake: ReplayLake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.configure(quarantine_days=1)
    edited = lake.edit(with_id("2"))
    freeze_day(monkeypatch, "2999-01-01")
    done = lake.run("replay", *edited)
    assert (done["exit_code"], done["replayed"]) == (0, {"corrected": 1}), done["error"]
    assert (lake.rows(), lake.quarantine()) == ([("01", 1, "a"), ("01", 2, "b")], [])


def test_expired_rows_wait_for_a_correction_of_a_former_target(
    lake: ReplayLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source,) = lake.state().objects.values()
    folder = CorrectionFolder(open_lake(str(lake.lake)), "corrections/people/former_people/")
    name = "year=2026/month=08/day=01/a.csv"
    folder.write([NewCorrection(source.path, source.etag, name, [12], b"id,name\n2,b\n")])
    lake.configure(quarantine_days=1)
    freeze_day(monkeypatch, "2999-01-01")
    assert (done := lake.run())["exit_code"] == 0, done["error"]
    assert lake.rows() == [("01", 1, "a"), ("01", 2, "b")]


def test_rows_expire_although_a_void_correction_is_of_their_object(
    lake: ReplayLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source,) = lake.state().objects.values()
    folder = CorrectionFolder(open_lake(str(lake.lake)), "corrections/people/people/")
    name = "year=2026/month=08/day=01/a.csv"
    folder.write([NewCorrection(source.path, "former", name, [12], b"id,name\n2,b\n")])
    lake.configure(quarantine_days=1)
    freeze_day(monkeypatch, "2999-01-01")
    assert lake.run()["exit_code"] == 0
    assert lake.quarantine() == []


def _killed(*_: object) -> str:
    raise RuntimeError
