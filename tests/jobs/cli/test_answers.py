"""How verbs answer beside what they print on stdout."""

import io
import logging
from pathlib import Path

import pytest

from jobs.cli import answers
from lakewright.engine.jvm_log import JvmLog
from lakewright.runs.progress import closing_progress, make_progress
from lakewright.runs.progress.stderr import StderrHandler
from tests.conftest import Terminal
from tests.screen import screen_of


def test_a_log_line_stands_above_the_running_stage(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="lakewright")
    handler = StderrHandler()
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr("sys.stderr", terminal)
    with closing_progress(make_progress()) as progress:
        progress.stage("people", "read")
        handler.emit(logging.LogRecord("lakewright", logging.WARNING, "", 0, "S3 has not answered", (), None))
    lines = screen_of(terminal.getvalue())
    assert [line.split("  ")[0].strip() or line[:8] for line in lines] == ["S3 has not answered", "  people"], lines


def test_a_log_line_is_written_after_a_former_stderr_was_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    handler, former, later = StderrHandler(), io.StringIO(), io.StringIO()
    for stream in (former, later):
        monkeypatch.setattr("sys.stderr", stream)
        handler.emit(logging.LogRecord("lakewright", logging.WARNING, "", 0, "S3 has not answered", (), None))
        former.close()
    assert later.getvalue() == "S3 has not answered\n"


@pytest.mark.parametrize(
    ("exit_code", "named"),
    [
        pytest.param(0, False, id="done"),
        pytest.param(1, True, id="unexpected"),
        pytest.param(2, False, id="config"),
        pytest.param(3, False, id="data-refused"),
        pytest.param(5, True, id="out-of-reach"),
    ],
)
def test_the_log_of_the_jvm_is_named_where_it_may_explain_a_failure(
    exit_code: int, named: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = JvmLog()
    monkeypatch.setattr(answers, "JVM_LOG", log)
    with log.open() as file:
        file.write(b"WARN\n")
    answers.name_jvm_log(exit_code)
    said = capsys.readouterr().err
    assert bool(said) is named
    if named:
        Path(said.removeprefix("log of the JVM: ").strip()).unlink()
