"""Runs as a person watches them: on a real terminal, in a pipe, and where nobody reads any more."""

import contextlib
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.screen import screen_of

_FEED = {
    "job": "csv_to_parquet",
    "source": {"path": "raw/people/", "columns": {"id": "long", "name": "string"}},
    "target": {"path": "refined/people/"},
    "max_rejected": 1.0,
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "conf/feeds").mkdir(parents=True)
    (tmp_path / "conf/feeds/people.yaml").write_text(yaml.safe_dump(_FEED))
    (tmp_path / "lake/raw/people").mkdir(parents=True)
    (tmp_path / "lake/raw/people/small.csv").write_text("id,name\n1,Ann\nx,Bob\n")
    return tmp_path


def put_large(root: Path) -> None:
    """Put an object that is large enough for worker processes."""
    rows = "".join(f"{number},{'name' * 8} {number}\n" for number in range(30_000))
    (root / "lake/raw/people/large.csv").write_text("id,name\n" + rows * 8)


def command(root: Path, *options: str) -> list[str]:
    where = ["--lake", str(root / "lake"), "--config", str(root / "conf")]
    return [sys.executable, "-m", "jobs", "run", "people", *where, *options]


def watch(
    arguments: Sequence[str], columns: int, act: Callable[[int, str], None], **environment: str
) -> tuple[int, str]:
    """Run a command on a terminal of this width; ``act`` receives its process id and what it has written so far."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(ROOT)
        os.execve(arguments[0], arguments, {**os.environ, "TERM": "xterm-256color", **environment})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    output = b""
    with contextlib.suppress(OSError):  # the terminal closes with its last process
        while piece := os.read(terminal, 1 << 16):
            output += piece
            act(process, output.decode(errors="ignore"))
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), output.decode()


def nothing(process: int, output: str) -> None:
    """Let the command run."""


@pytest.mark.parametrize("columns", [80, 45])
def test_a_terminal_shows_a_bar_and_keeps_a_line_per_stage(root: Path, columns: int) -> None:
    put_large(root)
    exit_code, output = watch(command(root), columns, nothing)
    assert exit_code == 0, output
    assert "━" in output
    assert " rows" in output or columns < 80
    assert output.rfind("\x1b[?25h") > output.rfind("\x1b[?25l"), "the cursor is visible"
    stages = screen_of(output)[: screen_of(output).index("receipt of people → people")]
    assert [line.split()[1] for line in stages] == [
        *("lease", "plan", "read", "check", "committed", "publish", "clean", "receipt")
    ], "no remains of bars"


@pytest.mark.parametrize(
    ("interrupt", "exit_codes"),
    [
        pytest.param(signal.SIGINT, {130}, id="ctrl-c"),
        pytest.param(signal.SIGTERM, {130}, id="terminated"),
        pytest.param(signal.SIGKILL, {-signal.SIGKILL}, id="killed"),
    ],
)
def test_an_interrupted_run_leaves_the_cursor_visible(
    root: Path, interrupt: signal.Signals, exit_codes: set[int]
) -> None:
    put_large(root)
    sent: list[int] = []

    def act(process: int, output: str) -> None:
        if "%" in output and not sent:
            sent.append(process)
            os.kill(process, interrupt)

    exit_code, output = watch(command(root), 80, act)
    assert exit_code in exit_codes, output
    assert output.rfind("\x1b[?25h") > output.rfind("\x1b[?25l")


def test_a_dumb_terminal_gets_a_log(root: Path) -> None:
    exit_code, output = watch(command(root, "--json"), 80, nothing, TERM="dumb")
    assert exit_code == 0
    assert "\x1b" not in output
    assert "people: read (batch 1: 1 object, " in output


@pytest.mark.parametrize("stderr", ["2>&-", "2>&1 >/dev/null | true"])
def test_a_run_does_not_fail_with_its_stderr(root: Path, stderr: str) -> None:
    """Also not in its worker processes, which inherit it."""
    put_large(root)
    quoted = " ".join(f"'{word}'" for word in command(root))
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {quoted} {stderr}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done
    assert list((root / "lake/refined/people").glob("*.parquet"))
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_an_answer_that_cannot_be_written_is_an_error_on_one_line(root: Path, options: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command(root, "--quiet", *options), cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (1, "error: stdout cannot be written: No space left on device\n")


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        pytest.param([], ["lease", "plan", "read", "check", "committed", "publish", "clean up", "receipt"], id="log"),
        pytest.param(["--quiet"], [], id="quiet"),
    ],
)
def test_json_is_one_document_on_stdout(root: Path, options: list[str], lines: list[str]) -> None:
    done = subprocess.run(command(root, "--json", *options), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    (receipt,) = json.loads(done.stdout)
    assert receipt["counts"]["rejected"] == 1
    stages = [line.partition("people: ")[2].partition(",")[0].partition(" (")[0] for line in done.stderr.splitlines()]
    assert stages == lines


def test_progress_is_json_on_request(root: Path) -> None:
    put_large(root)
    arguments = command(root, "--json", "--progress", "json")
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    (receipt,) = json.loads(done.stdout)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {line["target"] for line in lines} == {"people"}
    (read,) = [line for line in lines if (line["stage"], line["state"]) == ("read", "ended")]
    size = sum(path.stat().st_size for path in (root / "lake/raw/people").iterdir())
    assert (read["unit"], read["done"], read["total"]) == ("bytes", size, size)
    assert (read["rows"], read["rejected"]) == (receipt["counts"]["read"], receipt["counts"]["rejected"])
    assert [line["stage"] for line in lines if line["state"] == "begun"][-1] == "receipt"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--quiet", "--verbose"], "--quiet and --verbose exclude each other"),
        (["--quiet", "--progress", "json"], "--quiet and --progress json exclude each other"),
    ],
)
def test_options_that_contradict_each_other(root: Path, options: list[str], error: str) -> None:
    done = subprocess.run(command(root, *options), cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"error: {error}\n")
