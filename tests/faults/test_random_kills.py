"""Each job is killed once at a random moment; ``make kills`` does so as often as it is asked to."""

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.faults.kill_cases import CASES, KillCase, rows_of
from tests.faults.random_kills import Kill, Tally, choose, differences, kill_job, run_and_kill, write

SEED = 16


@pytest.mark.slow
@pytest.mark.parametrize("job", CASES)
def test_a_job_that_is_killed_at_random_and_run_again_leaves_what_an_undisturbed_run_does(
    spark: SparkSession, tmp_path: Path, job: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = kill_job(job, 1, SEED, tmp_path)
    assert (tally.kills, tally.right) == (1, 1), capsys.readouterr().out


def test_a_run_is_killed_while_it_runs(tmp_path: Path) -> None:
    case = CASES["csv_to_parquet"][1]
    case.first(tmp_path)
    ended = run_and_kill(case, tmp_path, Kill(seconds=0))
    assert (ended.was_killed, ended.stage) == (True, "lease"), ended
    ended = run_and_kill(case, tmp_path, Kill("read"))
    assert (ended.was_killed, ended.stage) == (True, "read"), ended


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=[pytest.mark.slow] if job == "cdc_to_hudi" else [], id=case.feed)
        for job, cases in CASES.items()
        for case in cases
    ],
)
def test_nothing_refuses_what_a_killed_run_reads(case: KillCase, tmp_path: Path) -> None:
    for deliver in (case.first, case.second):
        deliver(tmp_path)
        answer = case.command(tmp_path)
        assert answer.exit_code == 0, answer.stderr


def test_a_kill_follows_from_its_seed() -> None:
    case = CASES["csv_to_parquet"][0]
    kills = [[choose(case, 10.0, random.Random(f"{seed}/{number}")) for number in range(40)] for seed in (1, 1, 2)]
    assert kills[0] == kills[1] != kills[2]
    assert {kill.seconds is None for kill in kills[0]} == {True, False}
    assert all(kill.seconds is None or 0 <= kill.seconds <= 10 for kill in kills[0])


def test_a_row_that_is_there_twice_is_a_difference(tmp_path: Path) -> None:
    (tmp_path / "t/day=01").mkdir(parents=True)
    pq.write_table(pa.table({"id": [1, 2]}), tmp_path / "t/day=01/a.parquet")
    expected = rows_of(tmp_path)
    assert expected == {"t/day=01": ["{'id': 1}", "{'id': 2}"]}
    pq.write_table(pa.table({"id": [2]}), tmp_path / "t/day=01/b.parquet")
    (difference,) = differences({"rows": expected}, {"rows": rows_of(tmp_path)})
    assert difference.startswith("rows: expected")


def test_the_line_of_a_job_takes_the_place_of_its_former_one(tmp_path: Path) -> None:
    document = tmp_path / "operations.md"
    document.write_text("before\n<!-- kill table -->\n<!-- end of kill table -->\nafter\n")
    write(document, Tally("json_scrub", 1, 1, 0))
    write(document, Tally("csv_to_parquet", 1, 2, 2))
    write(document, Tally("json_scrub", 7, 3, 3))
    lines = document.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("before", "after")
    assert [line.split(" | ")[:2] for line in lines if line.startswith("| `")] == [
        ["| `csv_to_parquet`", "1"],
        ["| `json_scrub`", "7"],
    ]
