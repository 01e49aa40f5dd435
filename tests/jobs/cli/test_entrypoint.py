"""Job modules as scripts, on Glue and elsewhere."""

import json
import logging
import runpy
import sys
import traceback
from unittest import mock

import pytest
import yaml
from awsglue.context import GlueContext
from awsglue.job import Job
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

from jobs.cli import entrypoint
from jobs.cli.entrypoint import rebuild_as_script, run_as_script
from jobs.cli.registry import job_names
from jobs.cli.verbs import app
from lakewright.errors import RunFailedError
from lakewright.runs.job.request import Request
from tests.conftest import ROOT, Bench

OURS = (
    ["--feed", "people"],
    ["--lake", "s3://lake"],
    ["--config=s3://lake/conf"],
    ["--target", "people,addresses"],
    ["--set", "max_rejected=1,lease_seconds=2"],
    ["--date", "2026-08-01"],
    ["--engine", "spark"],
    ["--drop-open"],
)
GLUES = (
    ["--JOB_NAME", "people"],
    ["--JOB_ID", "j_1"],
    ["--job-bookmark-option", "job-bookmark-disable"],
    ["--TempDir", "s3://temp/"],
    ["--enable-metrics"],
    ["--enable-glue-datacatalog=true"],
    ["--additional-python-modules", "s3://code/lakewright.whl"],
    ["--conf", "spark.sql.shuffle.partitions=8 --conf spark.task.maxFailures=1"],
    ["--python-modules-installer-option", "--upgrade"],
    ["--WORKFLOW_RUN_ID", "wr_1"],
)


def where(bench: Bench, feed: str = "people") -> list[str]:
    return ["--feed", feed, "--lake", str(bench.lake), "--config", str(bench.root / "conf")]


@pytest.fixture
def glue(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this process look like a Glue job run."""
    context = mock.create_autospec(GlueContext, instance=True)
    context.spark_session = bench.spark
    monkeypatch.setattr("awsglue.context.GlueContext", mock.create_autospec(GlueContext, return_value=context))
    monkeypatch.setattr(sys, "argv", ["csv_to_parquet.py", "--JOB_NAME", "people", *where(bench)])


@given(st.permutations([*OURS, *GLUES]))
def test_glues_arguments_have_no_effect_in_any_position(groups: list[list[str]]) -> None:
    with mock.patch.object(entrypoint, "_run") as run:
        run_as_script("csv_to_parquet", [word for group in groups for word in group])
    job, options, request, engine, progress = run.call_args.args
    assert (job, options.feed, options.lake, options.config) == (
        "csv_to_parquet",
        "people",
        "s3://lake",
        "s3://lake/conf",
    )
    assert (options.wanted_targets(), options.settings) == (["people", "addresses"], ["max_rejected=1,lease_seconds=2"])
    assert (engine, progress) == ("spark", "auto")
    assert request == Request("run", {"year": "2026", "month": "08", "day": "01"}, drop_open=True)


def test_a_script_has_the_options_of_run() -> None:
    run = get_command(app).commands["run"]  # type: ignore[attr-defined]
    script = get_command(entrypoint._command_line("json_scrub"))
    of_run = {option: parameter.help for parameter in run.params for option in parameter.opts}
    of_script = {option: parameter.help for parameter in script.params for option in parameter.opts}
    assert of_script.pop("--feed") == of_run.pop("feed")
    assert of_run.pop("--json")
    assert of_run.pop("--verbose")
    assert of_run.pop("--quiet")
    assert [of_script.pop(option) is None for option in ("--year", "--month", "--day")] == [False] * 3
    assert of_script == of_run


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        pytest.param(
            ["--year", "2026", "--month", "08", "--day", "02"],
            {"year": "2026", "month": "08", "day": "02"},
            id="a-day-in-three-arguments",
        ),
        pytest.param(["--month=8", "--date", "2026-08-02"], {"year": "2026", "month": "08", "day": "02"}, id="twice"),
        pytest.param(["--year", "2026", "--partition", "month=08"], {"month": "08", "year": "2026"}, id="combined"),
    ],
)
def test_a_script_accepts_the_parts_of_a_day(arguments: list[str], wanted: dict[str, str]) -> None:
    with mock.patch.object(entrypoint, "_run") as run:
        run_as_script("csv_to_parquet", ["--feed", "customers", *arguments])
    assert run.call_args.args[2].wanted == wanted


@pytest.mark.parametrize(
    ("partition_by", "arguments", "line"),
    [
        pytest.param(
            ["year", "month", "day"],
            ["--day", "02", "--date", "2026-08-01"],
            "day is both 01 and 02; name it once, in --date or --partition",
            id="contradictory",
        ),
        pytest.param(["year", "month", "day"], ["--month", "aug"], "--month needs a number, not 'aug'", id="no-number"),
        pytest.param(
            ["year", "month"],
            ["--year", "2026", "--month", "08", "--day", "02"],
            "feed people is partitioned by year/month, and --day selects partitions; omit it, or select source objects "
            "with --date or --partition",
            id="not-a-partition",
        ),
        pytest.param(
            [],
            ["--year", "2026"],
            "feed people is partitioned by no part of the date, and --year selects partitions; omit it, or select source "
            "objects with --date or --partition",
            id="no-partitions",
        ),
    ],
)
def test_a_script_refuses_parts_of_a_day(
    bench: Bench, capsys: pytest.CaptureFixture[str], partition_by: list[str], arguments: list[str], line: str
) -> None:
    bench.feed(target__partition_by=partition_by)
    with pytest.raises(SystemExit) as ended:
        run_as_script("csv_to_parquet", [*where(bench), *arguments])
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"error: {line}"


def test_the_parts_of_a_day_select_its_objects(bench: Bench) -> None:
    bench.put("a.csv", "id,name\n1,a\n", day="01")
    bench.put("b.csv", "id,name\n2,b\n", day="02")
    run_as_script("csv_to_parquet", [*where(bench), "--year", "2026", "--month", "8", "--day", "2"])
    assert bench.rows() == [(2, "b")]


@pytest.mark.parametrize("job", job_names())
def test_each_module_runs_its_job(monkeypatch: pytest.MonkeyPatch, job: str) -> None:
    run = mock.create_autospec(run_as_script)
    monkeypatch.setattr(entrypoint, "run_as_script", run)
    runpy.run_path(str(ROOT / f"jobs/{job}.py"), run_name="__main__")
    run.assert_called_once_with(job)


def test_a_successful_run_prints_a_receipt_per_line_and_returns(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.put("a.csv", "id,name\n1,ä\n")
    run_as_script("csv_to_parquet", where(bench))
    (receipt,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (receipt["status"], receipt["exit_code"]) == ("committed", 0)
    assert bench.rows() == [(1, "ä")]


@pytest.mark.parametrize(
    ("arguments", "exit_code", "line"),
    [
        pytest.param([], 2, "Missing option '--feed'.", id="no-feed"),
        pytest.param(["--feed"], 2, "option --feed needs a value", id="no-value"),
        pytest.param(
            ["--feed", "peeple", "--config", "{conf}"], 2, "unknown feed 'peeple' in {conf}", id="unknown-feed"
        ),
        pytest.param(
            ["--feed", "uploads", "--config", "{conf}"],
            2,
            "feed uploads is a json_scrub feed, not one of csv_to_parquet; run jobs/json_scrub.py",
            id="a-feed-of-another-job",
        ),
        pytest.param(
            ["--feed", "people", "--config", "{conf}", "--lake", "{lake}"],
            3,
            "people: no objects found below raw/people/",
            id="data-refused",
        ),
    ],
)
def test_a_failed_run_prints_one_line_and_exits_with_its_code(
    bench: Bench, capsys: pytest.CaptureFixture[str], arguments: list[str], exit_code: int, line: str
) -> None:
    scrub = {"job": "json_scrub", "source": {"path": "landing/"}, "scrub": {"fields": ["email"]}}
    (bench.root / "conf/feeds/uploads.yaml").write_text(yaml.safe_dump(scrub))
    names = {"lake": str(bench.lake), "conf": str(bench.root / "conf")}
    with pytest.raises(SystemExit) as ended:
        run_as_script("csv_to_parquet", [argument.format(**names) for argument in arguments])
    assert ended.value.code == exit_code
    last_line = capsys.readouterr().err.splitlines()[-1]
    assert last_line.startswith("error: " + line.format(**names))


def test_unexpected_errors_are_logged_with_a_traceback(
    bench: Bench, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    broken = mock.patch.object(entrypoint, "run_targets", side_effect=ZeroDivisionError("by zero"))
    with broken, pytest.raises(SystemExit) as ended:
        run_as_script("csv_to_parquet", where(bench))
    assert ended.value.code == 1
    assert 'entrypoint.py", line' in caplog.text
    assert "by zero" not in caplog.text
    last_line = capsys.readouterr().err.splitlines()[-1]
    assert last_line.startswith("error: unexpected ZeroDivisionError at jobs/cli/entrypoint.py:")


@pytest.mark.parametrize(
    ("raised", "ends_with"),
    [
        pytest.param(KeyboardInterrupt(), KeyboardInterrupt, id="interrupt"),
        pytest.param(BrokenPipeError(32, "gone"), SystemExit, id="broken-pipe"),
        pytest.param(EOFError("truncated"), SystemExit, id="end-of-file"),
    ],
)
def test_an_aborted_run_never_exits_with_success(
    bench: Bench, raised: BaseException, ends_with: type[BaseException]
) -> None:
    broken = mock.patch.object(entrypoint, "run_targets", side_effect=raised)
    with broken, pytest.raises(ends_with) as ended:
        run_as_script("csv_to_parquet", where(bench))
    assert getattr(ended.value, "code", 1) == 1


@pytest.mark.parametrize("script", ["compact", "rebuild"])
def test_a_maintenance_script_ends_like_a_job(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], script: str
) -> None:
    monkeypatch.setattr(sys, "argv", [f"{script}.py", "--help"])
    runpy.run_path(str(ROOT / f"jobs/{script}.py"), run_name="__main__")
    assert f"Usage: {script}.py" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", [f"{script}.py", "--feeds", "x"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / f"jobs/{script}.py"), run_name="__main__")
    assert ended.value.code == 2
    assert capsys.readouterr().err == "error: unknown option --feeds; did you mean '--feed'?\n"


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    run_as_script("csv_to_parquet", ["--help"])
    assert "--drop-open" in capsys.readouterr().out


@pytest.mark.usefixtures("glue")
def test_on_glue_a_successful_run_returns(bench: Bench) -> None:
    bench.put("a.csv", "id,name\n1,a\n")
    run_as_script("csv_to_parquet")
    assert bench.rows() == [(1, "a")]
    run_as_script("csv_to_parquet")


@pytest.mark.usefixtures("glue")
def test_on_glue_a_failed_run_raises_its_message(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RunFailedError) as failure:
        run_as_script("json_scrub")
    assert (
        str(failure.value) == "feed people is a csv_to_parquet feed, not one of json_scrub; run jobs/csv_to_parquet.py"
    )
    bench.put("a.csv", "id\n1\n")
    with pytest.raises(RunFailedError, match=r"^people: refused raw/people/.*a\.csv: the header has no 'name'"):
        run_as_script("csv_to_parquet")
    monkeypatch.setattr(sys, "argv", ["csv_to_parquet.py", "--JOB_NAME", "people"])
    with pytest.raises(RunFailedError, match=r"^Missing option '--feed'\.$"):
        run_as_script("csv_to_parquet")


@pytest.mark.usefixtures("glue")
def test_on_glue_a_failure_is_one_line(bench: Bench) -> None:
    bench.feed(source__paths="raw/", target__parth="refined/")
    with pytest.raises(
        RunFailedError, match=r"^[^\n]*unknown key source\.paths[^\n]*; [^\n]*unknown key target\.parth"
    ):
        run_as_script("csv_to_parquet")


@pytest.fixture
def bookmark(glue: None, monkeypatch: pytest.MonkeyPatch) -> mock.Mock:
    """Enable the job bookmark of the Glue job run, and return the calls of awsglue's Job."""
    job = mock.create_autospec(Job, instance=True)
    monkeypatch.setattr("awsglue.job.Job", mock.create_autospec(Job, return_value=job))
    monkeypatch.setattr(
        sys, "argv", [*sys.argv, "--job-bookmark-option", "job-bookmark-enable", "--JOB_RUN_ID", "jr_1"]
    )
    return job


def test_a_bookmark_is_committed_after_success(bench: Bench, bookmark: mock.Mock) -> None:
    bench.put("a.csv", "id,name\n1,a\n")
    bookmark.init.side_effect = lambda *_: bench.rows() == [] or pytest.fail("the run precedes the bookmark")
    bookmark.commit.side_effect = lambda: bench.rows() == [(1, "a")] or pytest.fail("the bookmark precedes the run")
    run_as_script("csv_to_parquet")
    ((name, arguments), _) = bookmark.init.call_args
    assert (name, arguments["job_bookmark_option"], arguments["JOB_RUN_ID"]) == (
        "people",
        "job-bookmark-enable",
        "jr_1",
    )
    bookmark.commit.assert_called_once_with()


def test_a_bookmark_is_not_committed_after_a_failure(bench: Bench, bookmark: mock.Mock) -> None:
    with pytest.raises(RunFailedError):
        run_as_script("csv_to_parquet")
    bookmark.init.assert_called_once()
    bookmark.commit.assert_not_called()


def test_a_bookmark_that_cannot_be_committed_is_a_warning(
    bench: Bench, bookmark: mock.Mock, caplog: pytest.LogCaptureFixture
) -> None:
    bench.put("a.csv", "id,name\n1,a\n")
    bookmark.commit.side_effect = RuntimeError("VersionMismatchException")
    run_as_script("csv_to_parquet")
    assert bench.rows() == [(1, "a")]
    (warning,) = [record.getMessage() for record in caplog.records if "bookmark" in record.getMessage()]
    assert warning.startswith("the run succeeded, but its job bookmark could not be committed: RuntimeError")


@pytest.mark.parametrize("option", [[], ["--job-bookmark-option=job-bookmark-disable"]], ids=["unset", "disabled"])
def test_without_a_bookmark_awsglues_job_is_not_used(
    bench: Bench, bookmark: mock.Mock, monkeypatch: pytest.MonkeyPatch, option: list[str]
) -> None:
    bench.put("a.csv", "id,name\n1,a\n")
    monkeypatch.setattr(sys, "argv", ["csv_to_parquet.py", "--JOB_NAME", "people", *where(bench), *option])
    run_as_script("csv_to_parquet")
    assert bookmark.mock_calls == []


def test_the_rebuild_script_rebuilds_a_feed_of_any_job(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.put("a.csv", "id,name\n1,a\n")
    bench.put("b.csv", "id,name\n2,b\n", day="02")
    rebuild_as_script(where(bench))
    rebuild_as_script([*where(bench), "--day", "02", "--target", "people", "--JOB_NAME", "rebuild"])
    both, one = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (both["verb"], both["counts"]["read"], one["counts"]["read"]) == ("rebuild", 2, 1)
    assert bench.rows() == [(1, "a"), (2, "b")]


@pytest.mark.usefixtures("glue")
def test_on_glue_unexpected_errors_are_raised(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrypoint, "run_targets", mock.Mock(side_effect=ZeroDivisionError("by zero")))
    with pytest.raises(RunFailedError, match=r"^unexpected ZeroDivisionError at jobs/") as failure:
        run_as_script("csv_to_parquet")
    assert "by zero" not in "".join(traceback.format_exception(failure.value))


@pytest.mark.usefixtures("glue")
def test_on_glue_tracebacks_are_logged_as_errors(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.setLevel(logging.INFO)
    bench.put("a.csv", "id,name\n1,a\n")
    broken = mock.Mock(side_effect=ZeroDivisionError("by zero"))
    monkeypatch.setattr("lakewright.runs.lifecycle.run.Run._batch", broken)
    with pytest.raises(RunFailedError, match=r"^people: unexpected ZeroDivisionError at "):
        run_as_script("csv_to_parquet")
    assert [record.levelname for record in caplog.records if "Traceback" in record.getMessage()] == ["ERROR"]


@pytest.mark.parametrize(
    ("arguments", "environment", "shown"),
    [
        pytest.param([], {}, False, id="not-in-local-mode"),
        pytest.param(["--verbose"], {}, True, id="with-verbose"),
        pytest.param([], {"SPARK_ENV_LOADED": "1"}, True, id="on-emr"),
    ],
)
def test_verbs_show_tracebacks(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    arguments: list[str],
    environment: dict[str, str],
    shown: bool,
) -> None:
    bench.put("a.csv", "id,name\n1,a\n")
    broken = mock.Mock(side_effect=ZeroDivisionError("by zero"))
    monkeypatch.setattr("lakewright.runs.lifecycle.run.Run._batch", broken)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert bench.command("run", *arguments).exit_code == 1
    assert ("Traceback" in caplog.text) is shown
