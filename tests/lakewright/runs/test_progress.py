"""What a run shows while it works."""

import io
import logging
import re

import pytest

from lakewright.runs.progress import LogProgress, TerminalProgress, closing_progress, count_of, make_progress
from tests.conftest import Terminal


def sit_at_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return terminal


def test_a_log_has_one_line_for_each_stage_that_is_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="lakewright")
    progress = LogProgress()
    progress.stage("people", "plan")
    progress.stage("people", "read", "batch 1: 1 object, 16 B")
    assert [re.sub(r"\d+\.\d", "T", message) for message in caplog.messages] == ["people: plan, T s"]
    progress.close()
    assert [re.sub(r"\d+\.\d", "T", message) for message in caplog.messages[1:]] == [
        "people: read (batch 1: 1 object, 16 B), T s"
    ]


def test_debugging_also_logs_the_stage_that_begins(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="lakewright")
    LogProgress().stage("people", "read")
    assert caplog.messages == ["people: read begins"]


def lines_for_good(terminal: Terminal) -> list[str]:
    """Give the lines that stay: those that end before the line of the running stage is drawn again."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", terminal.getvalue())
    return [line for line in text.split("\n") if re.match(r"  \S", line)]


def test_a_terminal_keeps_one_aligned_line_for_each_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = sit_at_terminal(monkeypatch)
    with closing_progress(TerminalProgress()) as progress:
        progress.stage("people", "plan")
        progress.stage("people", "read", "batch 1: 1 object, 16 B")
        progress.stage("people", "committed before", "batch 1")
    assert lines_for_good(terminal) == [
        "  people  plan               0.0 s",
        "  people  read               0.0 s  batch 1: 1 object, 16 B",
        "  people  committed before   0.0 s  batch 1",
    ]
    assert terminal.getvalue().count("\x1b[?25h") == 1, "the cursor is back"


def test_a_long_detail_stays_whole_once_it_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = sit_at_terminal(monkeypatch)
    with closing_progress(TerminalProgress()) as progress:
        progress.stage("people", "dropped", "changed while read: raw/people/" + "x" * 80 + ".csv")
    assert any(line.endswith("x" * 80 + ".csv") for line in lines_for_good(terminal))


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = sit_at_terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    with closing_progress(TerminalProgress()) as progress:
        progress.stage("people", "read")
    assert lines_for_good(terminal)
    assert not re.search(r"\x1b\[3\d|\x1b\[\d;3\d", terminal.getvalue())


@pytest.mark.parametrize(
    ("is_terminal", "level", "kind"),
    [
        pytest.param(True, logging.INFO, TerminalProgress, id="terminal"),
        pytest.param(False, logging.INFO, LogProgress, id="log-file"),
        pytest.param(True, logging.DEBUG, LogProgress, id="the-jvm-logs-to-the-terminal-too"),
    ],
)
def test_make_progress(
    is_terminal: bool, level: int, kind: type, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sys.stderr", Terminal() if is_terminal else io.StringIO())
    caplog.set_level(level, logger="lakewright")
    with closing_progress(make_progress()) as progress:
        assert type(progress) is kind


@pytest.mark.parametrize(("number", "text"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows")])
def test_count_of(number: int, text: str) -> None:
    assert count_of(number, "row") == text
