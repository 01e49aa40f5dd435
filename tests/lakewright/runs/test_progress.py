"""What a run shows while it works: stages, amounts and time left, on a terminal, in a log, and as JSON."""

import io
import json
import logging
import re
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from lakewright.errors import ConfigError
from lakewright.measuring.work import Done
from lakewright.runs.progress import SilentProgress, closing_progress, count_of, log_progress, make_progress
from lakewright.runs.progress.interface import Display
from lakewright.runs.progress.log import JsonLines, LogLines
from lakewright.runs.progress.shown import ShownProgress
from lakewright.runs.progress.stages import Stage
from lakewright.runs.progress.terminal import Terminal as TerminalDisplay
from lakewright.runs.progress.texts import readable_time
from tests.conftest import Terminal
from tests.screen import screen_of


class Clock:
    """A clock that only tests move."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Still:
    """A display that is never shown by itself: the thread that would is asleep."""

    def __init__(self, display: Display) -> None:
        self._display, self.seconds = display, 1e6

    def __getattr__(self, name: str) -> object:
        return getattr(self._display, name)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def shown_on(display: Display, clock: Clock) -> ShownProgress:
    return ShownProgress(Still(display), clock)  # type: ignore[arg-type]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="lakewright")
    return caplog


def sit_at_terminal(monkeypatch: pytest.MonkeyPatch, columns: int = 60) -> Terminal:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.delenv("NO_COLOR", raising=False)
    return terminal


def plain(terminal: Terminal) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", terminal.getvalue())


def lines_for_good(terminal: Terminal) -> list[str]:
    """Give the lines that stay on the terminal when the run has ended."""
    return screen_of(terminal.getvalue())


def test_a_log_has_one_line_for_each_stage_that_is_over(log: pytest.LogCaptureFixture, clock: Clock) -> None:
    progress = shown_on(LogLines(), clock)
    progress.stage("people", "plan")
    clock.now += 0.25
    progress.stage("people", "read", "batch 1: 1 object, 16 B")
    assert log.messages == ["people: plan, 0.2 s"]
    clock.now += 1
    progress.stage("people", "receipt")
    progress.finish("people")
    progress.close()
    assert log.messages[1:] == ["people: read (batch 1: 1 object, 16 B), 1.0 s", "people: receipt, 0.0 s"]


def test_debugging_also_logs_the_stage_that_begins(caplog: pytest.LogCaptureFixture, clock: Clock) -> None:
    caplog.set_level(logging.DEBUG, logger="lakewright")
    shown_on(LogLines(), clock).stage("people", "read")
    assert caplog.messages == ["people: read begins"]


def test_only_what_is_done_has_100_percent(log: pytest.LogCaptureFixture, clock: Clock) -> None:
    progress = shown_on(LogLines(), clock)
    progress.stage("people", "read")
    progress.expect("people", 1000)
    progress.advance("people", Done(bytes=999))
    clock.now += 11
    progress.show()
    progress.advance("people", Done(bytes=1))
    clock.now += 11
    progress.show()
    assert [message.split()[2] for message in log.messages] == ["99%", "100%"]


def test_a_long_stage_has_a_log_line_each_ten_seconds(log: pytest.LogCaptureFixture, clock: Clock) -> None:
    progress = shown_on(LogLines(), clock)
    progress.wait(["orders"])
    progress.stage("people", "read")
    progress.expect("people", 200_000_000)
    for _ in range(9):
        clock.now += 1
        progress.advance("people", Done(bytes=1_000_000, rows=1000, rejected=1))
        progress.show()
    assert log.messages == [], "none before ten seconds are over"
    clock.now += 1.5
    progress.show()
    assert log.messages == [
        "people: read, 4% (9.0 MB of 200.0 MB), 9,000 rows, 9 rejected, 842.1 kB/s, 3:47 left, 10 s so far",
        "1 target waiting: orders",
    ]
    clock.now += 5
    progress.show()
    assert len(log.messages) == 2
    clock.now += 5
    progress.show()
    assert len(log.messages) == 4


def test_a_stage_that_counts_nothing_says_how_long_it_runs(log: pytest.LogCaptureFixture, clock: Clock) -> None:
    progress = shown_on(LogLines(), clock)
    progress.stage("people", "apply")
    clock.now += 61
    progress.show()
    assert log.messages == ["people: apply, 61 s so far"]


def stage_after(*done: tuple[float, int], total: int = 1000, unit: str = "bytes") -> Stage:
    """Return a stage that has done an amount at each moment, in seconds."""
    clock, shown = Clock(), list[Stage]()

    class Kept(LogLines):
        def show(self, running: Sequence[Stage], waiting: Sequence[str]) -> None:
            shown[:] = running

    progress = shown_on(Kept(), clock)
    progress.stage("t", "read")
    if total:
        progress.expect("t", total, unit)  # type: ignore[arg-type]
    for seconds, amount in done:
        clock.now = 100.0 + seconds
        progress.advance("t", Done(**{unit: amount}) if amount else Done())
    progress.show()
    return shown[0]


@pytest.mark.parametrize(
    ("stage", "seconds_left"),
    [
        pytest.param(stage_after((0, 0)), None, id="nothing is done"),
        pytest.param(stage_after((5, 100)), None, id="one part is done: workers may have started late"),
        pytest.param(stage_after((5, 100), (6, 100)), None, id="too short a time"),
        pytest.param(stage_after((5, 1), (9, 4)), None, id="too small a part"),
        pytest.param(stage_after((5, 100), (15, 400)), 12.5, id="at the rate since the first part"),
        pytest.param(stage_after((5, 100), (15, 900)), None, id="all is read"),
        pytest.param(stage_after((5, 100), (15, 5000)), None, id="more was read than expected"),
        pytest.param(stage_after((5, 100), (15, 100), total=0), None, id="without a total"),
        pytest.param(stage_after((5, 100), (15, 400), unit="tasks"), None, id="tasks differ"),
        pytest.param(stage_after((5, 100), (15, 400), unit="files"), 12.5, id="files"),
        pytest.param(stage_after((5, 100), (4, 400)), None, id="the clock went back"),
    ],
)
def test_seconds_left(stage: Stage, seconds_left: float | None) -> None:
    left = stage.seconds_left
    assert left == (None if seconds_left is None else pytest.approx(seconds_left))
    assert left is None or left > 0
    assert stage.amount <= stage.total


def test_tasks_are_counted_if_nothing_else_is(log: pytest.LogCaptureFixture, clock: Clock) -> None:
    progress = shown_on(LogLines(), clock)
    progress.stage("t", "settle")
    for _ in range(2):
        progress.expect_tasks("t", 2)
        progress.advance("t", Done(tasks=1, bytes=9))
    clock.now += 10
    progress.show()
    assert log.messages == ["t: settle, 50% (2 of 4 tasks), 10 s so far"]


def test_json_lines_have_a_stable_schema(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr("sys.stderr", io.StringIO())
    progress = shown_on(JsonLines(lambda: datetime(2026, 8, 1, tzinfo=UTC)), clock)
    progress.stage("людi\n", "read", "batch 1")
    progress.expect("людi\n", 1000)
    progress.advance("людi\n", Done(bytes=100, rows=3, rejected=1))
    clock.now += 4
    progress.advance("людi\n", Done(bytes=400))
    progress.show()
    progress.show()
    progress.close()
    begun, running, ended = map(json.loads, sys.stderr.getvalue().splitlines())  # type: ignore[attr-defined]
    assert begun == {
        "time": "2026-08-01T00:00:00.000+00:00",
        "target": "людi\\n",
        "stage": "read",
        "detail": "batch 1",
        "state": "begun",
        "unit": None,
        "done": None,
        "total": None,
        "rows": 0,
        "rejected": 0,
        "seconds": 0.0,
        "eta": None,
    }
    counted = {"unit": "bytes", "done": 500, "total": 1000, "rows": 3, "rejected": 1, "seconds": 4.0}
    assert running == begun | counted | {"state": "running", "eta": 5.0}
    assert ended == begun | counted | {"state": "ended"}


def test_a_terminal_keeps_one_aligned_line_for_each_stage(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    terminal = sit_at_terminal(monkeypatch)
    with closing_progress(shown_on(TerminalDisplay(), clock)) as progress:
        progress.stage("people", "plan")
        progress.stage("people", "read", "batch 1: 1 object, 16 B")
        progress.stage("people", "committed before", "batch 1")
    assert lines_for_good(terminal) == [
        "  people  plan               0.0 s",
        "  people  read               0.0 s  batch 1: 1 object, 16 B",
        "  people  committed before   0.0 s  batch 1",
    ]


def test_the_cursor_stays_visible_even_if_the_process_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = sit_at_terminal(monkeypatch)
    progress = ShownProgress(TerminalDisplay())
    progress.stage("people", "plan")
    sequences = re.findall(r"\x1b\[\?25[hl]", terminal.getvalue())
    progress.close()
    assert sequences[-1] == "\x1b[?25h"


@pytest.mark.parametrize(
    ("columns", "bar"),
    [
        pytest.param(120, "  50%  1,234,567 rows  12 rejected  125.0 MB/s  0:04 left", id="all"),
        pytest.param(80, "  50%  1,234,567 rows  12 rejected  0:04 left", id="without the rate"),
        pytest.param(50, "  50%  12 rejected  0:04 left", id="without the rows"),
        pytest.param(40, "  50%  0:04 left", id="without the rejected"),
        pytest.param(20, "  50%", id="only the share"),
    ],
)
def test_a_bar_shows_the_numbers_that_fit(
    columns: int, bar: str, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    terminal = sit_at_terminal(monkeypatch, columns)
    with closing_progress(shown_on(TerminalDisplay(), clock)) as progress:
        progress.stage("people", "read")
        progress.expect("people", 1_000_000_000)
        progress.advance("people", Done(bytes=1))
        clock.now += 4
        progress.advance("people", Done(bytes=499_999_999, rows=1_234_567, rejected=12))
        progress.show()
        stage, shown = screen_of(terminal.getvalue())
    assert re.sub(r"^ *[━╸╺]+ *", "  ", shown) == bar
    assert max(len(stage), len(shown)) <= columns


def test_targets_that_wait_are_named(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    terminal = sit_at_terminal(monkeypatch)
    with closing_progress(shown_on(TerminalDisplay(), clock)) as progress:
        progress.wait(["orders", "items"])
        progress.stage("people", "plan")
        progress.stage("orders", "plan")
    assert "  2 waiting: orders, items" in plain(terminal)
    assert "  1 waiting: items" in plain(terminal)


def test_a_terminal_without_utf8_gets_ascii(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    terminal = sit_at_terminal(monkeypatch)
    monkeypatch.setattr("locale.getencoding", lambda: "ISO-8859-1")
    with closing_progress(shown_on(TerminalDisplay(), clock)) as progress:
        progress.stage("people", "read")
        progress.expect("people", 10)
        progress.advance("people", Done(bytes=5))
        progress.show()
    assert plain(terminal).isascii()
    assert "50%" in plain(terminal)


def test_a_long_detail_stays_whole_once_it_is_printed(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    terminal = sit_at_terminal(monkeypatch)
    with closing_progress(shown_on(TerminalDisplay(), clock)) as progress:
        progress.stage("people", "dropped", "changed while read: raw/people/" + "x" * 80 + ".csv")
    assert any(line.endswith("x" * 80 + ".csv") for line in lines_for_good(terminal))


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    terminal = sit_at_terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    with closing_progress(shown_on(TerminalDisplay(), clock)) as progress:
        progress.stage("people", "read")
        progress.expect("people", 10)
        progress.advance("people", Done(bytes=5))
        progress.show()
    assert "50%" in plain(terminal)
    assert not re.search(r"\x1b\[3\d|\x1b\[\d;3\d", terminal.getvalue())


@pytest.mark.parametrize(
    ("is_terminal", "term", "level", "kind"),
    [
        pytest.param(True, "xterm", logging.INFO, TerminalDisplay, id="terminal"),
        pytest.param(True, "dumb", logging.INFO, LogLines, id="terminal-that-cannot-move-its-cursor"),
        pytest.param(False, "xterm", logging.INFO, LogLines, id="log-file"),
        pytest.param(True, "xterm", logging.DEBUG, LogLines, id="the-jvm-logs-to-the-terminal-too"),
    ],
)
def test_make_progress(
    is_terminal: bool,
    term: str,
    level: int,
    kind: type,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("sys.stderr", Terminal() if is_terminal else io.StringIO())
    monkeypatch.setenv("TERM", term)
    caplog.set_level(level, logger="lakewright")
    with closing_progress(make_progress()) as progress:
        assert type(progress._display) is kind  # type: ignore[attr-defined]


def test_a_quiet_run_shows_no_progress(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="lakewright")
    assert isinstance(make_progress(), SilentProgress)
    with pytest.raises(ConfigError, match="--quiet and --progress json exclude each other"):
        make_progress("json")


def test_a_display_that_fails_does_not_fail_the_run(log: pytest.LogCaptureFixture, clock: Clock) -> None:
    class Broken(LogLines):
        closed = 0

        def show(self, running: Sequence[Stage], waiting: Sequence[str]) -> None:
            raise ValueError

        def close(self) -> None:
            self.closed += 1
            raise ValueError

    broken = Broken()
    progress = shown_on(broken, clock)
    for _ in range(3):
        progress.stage("people", "read")
        progress.advance("people", Done(rows=1))
        progress.show()
    progress.close()
    assert log.messages == ["progress is no longer shown: ValueError"]
    assert broken.closed == 1


@pytest.mark.parametrize("error", [BrokenPipeError, OSError])
def test_a_terminal_that_is_gone_does_not_fail_the_run(
    error: type[OSError], monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture, clock: Clock
) -> None:
    terminal, muted = sit_at_terminal(monkeypatch), list[str]()
    monkeypatch.setattr("lakewright.runs.progress.shown.mute_stderr", lambda: muted.append("stderr"))
    progress = shown_on(TerminalDisplay(), clock)
    progress.stage("people", "plan")

    def fail(text: str) -> int:
        raise error

    monkeypatch.setattr(terminal, "write", fail)
    progress.stage("people", "read")
    progress.stage("people", "receipt")
    progress.close()
    assert log.messages == [f"progress is no longer shown: {error.__name__}"]
    assert muted == ["stderr"]
    assert sys.stderr is terminal


def test_tasks_do_not_wait_for_the_display(clock: Clock) -> None:
    is_shown, may_end = threading.Event(), threading.Event()

    class Slow(LogLines):
        def show(self, running: Sequence[Stage], waiting: Sequence[str]) -> None:
            is_shown.set()
            may_end.wait(10)

    progress = shown_on(Slow(), clock)
    progress._stages.begin(Stage("people", "read"))
    thread = threading.Thread(target=progress.show)
    thread.start()
    assert is_shown.wait(10)
    began = time.perf_counter()
    for _ in range(100_000):
        progress.advance("people", Done(tasks=1, rows=10))
    seconds = time.perf_counter() - began
    may_end.set()
    thread.join()
    assert progress._stages.running()[0].done == Done(tasks=100_000, rows=1_000_000)
    assert seconds < 10, "some microseconds for each task"


def test_running_stages_are_shown_again_and_again(log: pytest.LogCaptureFixture) -> None:
    shown = threading.Event()

    class Fast(LogLines):
        seconds = 0.01

        def show(self, running: Sequence[Stage], waiting: Sequence[str]) -> None:
            if running and running[0].seconds > 0.02:
                shown.set()

    with closing_progress(ShownProgress(Fast())) as progress:
        progress.stage("people", "read")
        assert shown.wait(10)
    progress._thread.join(5)  # type: ignore[attr-defined]
    assert not progress._thread.is_alive(), "the thread ends with the run"  # type: ignore[attr-defined]


def test_log_progress_writes_json_on_request() -> None:
    assert type(log_progress("json")._display) is JsonLines  # type: ignore[attr-defined]
    assert type(log_progress()._display) is LogLines  # type: ignore[attr-defined]


@pytest.mark.parametrize(("number", "text"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows")])
def test_count_of(number: int, text: str) -> None:
    assert count_of(number, "row") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (7.4, "0:07"), (59.6, "1:00"), (754, "12:34"), (3723, "1:02:03"), (36000, "10:00:00")],
)
def test_readable_time(seconds: float, text: str) -> None:
    assert readable_time(seconds) == text
