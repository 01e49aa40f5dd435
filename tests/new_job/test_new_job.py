"""The example job of docs/new-job.md, in the layout of jobs/, jobs/feeds/ and transforms/."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession

import jobs.feeds
import transforms.spark
from lakewright.log.log import Log
from lakewright.storage.uris import open_lake
from tests.conftest import ROOT, command

HERE = Path(__file__).parent
GOOD = '10.0.0.{} - - [01/Aug/2026:10:00:0{} +0200] "GET / HTTP/1.1" 200 {}\n'


@pytest.fixture(autouse=True)
def new_job(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for package, folder in ((jobs, "jobs"), (jobs.feeds, "jobs/feeds"), (transforms.spark, "transforms/spark")):
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(HERE / folder)])
    return


@pytest.fixture
def lake(tmp_path: Path, spark: SparkSession) -> Path:
    (tmp_path / "lake/raw/access").mkdir(parents=True)
    return tmp_path / "lake"


def run(lake: Path, *arguments: str, verb: str = "run") -> dict[str, Any]:
    answer = command(verb, "web", "--lake", str(lake), "--config", str(HERE / "conf"), "--json", *arguments)
    (receipt,) = answer.data
    return receipt


def test_with_request_fields(spark: SparkSession) -> None:
    from transforms.spark.access_logs import with_request_fields

    line = GOOD.format(1, 1, 7).strip()
    lines = spark.createDataFrame([(line,), ("nothing of the kind",)], "_lakewright_text string")
    expected = spark.createDataFrame(
        [
            (line, "10.0.0.1", "01/Aug/2026:10:00:01 +0200", "GET / HTTP/1.1", "200", "7", None),
            ("nothing of the kind", "", "", "", "", "", "request"),
        ],
        "_lakewright_text string, host string, at string, request string, status string, bytes string, "
        "_lakewright_fault string",
    )
    assert_df_equality(lines.transform(with_request_fields), expected, ignore_nullable=True)


@pytest.mark.slow
def test_the_job_keeps_state(lake: Path, spark: SparkSession) -> None:
    (lake / "raw/access/access-2026-08-01.log").write_text(GOOD.format(1, 1, 7) + GOOD.format(2, 2, "-"))
    assert run(lake)["counts"]["written"] == 2
    (lake / "raw/access/access-2026-08-02.log").write_text(GOOD.format(3, 3, 9) + "not a request\n")
    receipt = run(lake, "--set", "max_rejected=0.5")
    assert (receipt["counts"]["read"], receipt["counts"]["written"], receipt["rules"]) == (2, 1, {"request": 1})
    assert run(lake)["status"] == "nothing_new"
    table = spark.read.parquet(str(lake / "refined/requests")).selectExpr("host", "bytes", "day", "hour(at)")
    assert sorted(map(tuple, table.collect())) == [
        ("10.0.0.1", 7, "01", 8),
        ("10.0.0.2", None, "01", 8),
        ("10.0.0.3", 9, "02", 8),
    ]
    state, _ = Log(open_lake(str(lake)), "state/web/requests/").read()
    assert state.properties == {"requests": 3}
    (lake / "raw/access/more").mkdir()
    (lake / "raw/access/more/access-2026-08-01.log").write_text(GOOD.format(1, 1, 8))
    assert run(lake, "--set", "max_rejected=0.5")["counts"]["written"] == 1
    assert [each["rows"] for each in run(lake, verb="compact")["compactions"]] == [3]
    folder = lake / "refined/requests/year=2026/month=08/day=01"
    merged = spark.read.parquet(str(folder)).selectExpr("bytes", "hour(at)")
    assert sorted(map(tuple, merged.collect()), key=str) == [(7, 8), (8, 8), (None, 8)]
    assert run(lake, "--set", "max_rejected=0.5", verb="rebuild")["counts"]["written"] == 4
    assert Log(open_lake(str(lake)), "state/web/requests/").read()[0].properties == {"requests": 4}


@pytest.mark.slow
def test_a_damaged_gzip_is_named_and_others_wait(lake: Path) -> None:
    whole = gzip.compress(GOOD.format(1, 1, 7).encode())
    (lake / "raw/access/access-2026-08-01.log.gz").write_bytes(whole[:-4])
    (lake / "raw/access/access-2026-08-02.log.gz").write_bytes(whole)
    (lake / "raw/access/access-2026-08-03.log").write_bytes(whole)
    settings = ("--set", "source.file_name=access-{year}-{month}-{day}.log*")
    receipt = run(lake, *settings)
    assert receipt["exit_code"] == 3
    assert "gzip, which Spark only decompresses if the name ends in .gz" in receipt["error"]
    (lake / "raw/access/access-2026-08-03.log").unlink()
    receipt = run(lake, *settings)
    assert receipt["refused"] == {
        "raw/access/access-2026-08-01.log.gz": "damaged gzip: it is truncated",
    }
    assert receipt["exit_code"] == 3


def test_blank_lines_are_not_rows(lake: Path) -> None:
    (lake / "raw/access/access-2026-08-01.log").write_text("\n" + GOOD.format(1, 1, 7) + "  \n\n")
    assert run(lake)["counts"]["read"] == 1


@pytest.mark.slow
def test_the_job_runs_as_a_script(lake: Path) -> None:
    (lake / "raw/access/access-2026-08-01.log").write_text(GOOD.format(1, 1, 7))
    places = ["--feed", "web", "--lake", str(lake), "--config", str(HERE / "conf")]
    script = (
        "import runpy, sys, jobs, jobs.feeds, transforms.spark\n"
        f"for package, folder in ((jobs, 'jobs'), (jobs.feeds, 'jobs/feeds'), (transforms.spark, 'transforms/spark')):\n"
        f"    package.__path__.append({str(HERE)!r} + '/' + folder)\n"
        f"runpy.run_path({str(HERE / 'jobs/access_logs.py')!r}, run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *places], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["counts"]["written"] == 1


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("target=state/web/", "a target must be a separate folder"),
        ("target=raw/access/x/", " overlap"),
        ("source.path=../..", "a source must be a folder in the lake"),
        ("source.file_name=access-{yr}.log", "yr"),
    ],
)
def test_an_invalid_feed_is_refused(lake: Path, setting: str, message: str) -> None:
    answer = command("run", "web", "--lake", str(lake), "--config", str(HERE / "conf"), "--set", setting)
    assert answer.exit_code == 2
    assert message in answer.stderr


def test_the_walk_through_shows_the_current_files() -> None:
    text = (ROOT / "docs/new-job.md").read_text()
    for path in (
        "transforms/spark/access_logs.py",
        "jobs/feeds/access_logs.py",
        "jobs/access_logs.py",
        "conf/feeds/web.yaml",
    ):
        assert (HERE / path).read_text().strip() in text, f"docs/new-job.md does not show the current {path}"
