"""Arguments of a Glue job, and its log of unexpected errors."""

import logging
from unittest import mock

import pytest

from jobs.cli import entrypoint
from jobs.cli.entrypoint import run_as_script
from lakewright.json import scrub_timer
from lakewright.json.scrub_timer import ScrubJob
from tests.conftest import Bench


def test_an_unexpected_error_logs_its_traceback_at_INFO_or_above(  # noqa: N802
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = mock.patch.object(entrypoint, "run_targets", side_effect=ZeroDivisionError("by zero"))
    monkeypatch.setenv("LAKEWRIGHT_CONFIG", str(bench.root / "conf"))
    with broken, pytest.raises(SystemExit):
        run_as_script("csv_to_parquet", ["--feed", "people", "--lake", str(bench.lake)])
    messages = [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]
    (trace,) = [message for message in messages if "Traceback" in message]
    assert "ZeroDivisionError" in trace


def test_the_lambda_starts_the_job_without_arguments_reserved_by_glue(monkeypatch: pytest.MonkeyPatch) -> None:
    glue = mock.Mock()
    monkeypatch.setattr(scrub_timer, "bounded_client", lambda _: glue)
    ScrubJob("scrub", "uploads", "s3://lake", "s3://lake/conf", source="s3://lake/u/").start(
        ["s3://lake/u/a,b.json", "s3://lake/u/c=1.json"]
    )
    arguments = glue.start_job_run.call_args.kwargs["Arguments"]
    assert "--conf" not in arguments
    assert arguments["--config"] == "s3://lake/conf"
    with mock.patch.object(entrypoint, "_run") as run:
        run_as_script("json_scrub", [word for pair in arguments.items() for word in pair])
    options = run.call_args.args[1]
    (setting,) = options.settings if isinstance(options.settings, list) else [options.settings]
    assert setting == 'source.objects=["a,b.json", "c=1.json"]'
