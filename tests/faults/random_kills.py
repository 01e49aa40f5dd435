"""Kill each job at random moments, run it again, and compare: ``random_kills N [SEED [JOB]]``, as ``make kills`` calls it.

A run is killed with SIGKILL in a process group of its own, its JVM included: half of the time a random while after it took
its lease, else when it reaches a random stage. The rerun is done in this process, whose Spark is warm.
"""

import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.conftest import JARS, ROOT
from tests.faults.kill_cases import CASES, KillCase

DOCUMENT: Final = ROOT / "docs" / "operations.md"
BEGIN, END = "<!-- kill table -->", "<!-- end of kill table -->"
HEAD: Final = (
    "| job | seed | kills | killed in | reruns that equal an undisturbed run | seconds a kill |",
    "|---|---|---|---|---|---|",
)
_LONGEST_RUN_SECONDS: Final = 300
_NEVER: Final = "nothing"
#: Printed by ``killed_run.py`` before the name of a stage.
_STAGE: Final = "stage: "


@dataclass(frozen=True)
class Kill:
    """When a run is killed: at the nth time of a stage, or seconds after it took its lease."""

    stage: str = _NEVER
    nth: int = 1
    seconds: float | None = None

    def __str__(self) -> str:
        return f"{self.stage} {self.nth}" if self.seconds is None else f"{self.seconds:.2f} s after the lease"


@dataclass
class Undisturbed:
    """A feed's lake before the run that is killed, and what that run leaves if nothing disturbs it."""

    case: KillCase
    folder: Path
    seconds: float = 0.0
    outcome: dict[str, Any] = field(default_factory=dict)

    @property
    def before(self) -> Path:
        return self.folder / "before"

    def prepare(self) -> None:
        self.case.first(self.before)
        first = self.case.command(self.before)
        assert first.exit_code == 0, first.stderr
        self.case.second(self.before)
        lake = copy_of(self.before, self.folder / "undisturbed")
        ended = run_and_kill(self.case, lake, Kill())
        assert ended.exit_code == 0, ended.stderr
        self.seconds = ended.seconds
        self.outcome = self.case.outcome(lake)
        assert not self.outcome["leftovers"], self.outcome["leftovers"]
        assert all(entry["waiting_objects"] == 0 for entry in self.outcome["status"])


@dataclass(frozen=True)
class Ended:
    """How a process ended, how long after its lease, and the last stage that it told of."""

    exit_code: int
    seconds: float
    stage: str
    stderr: str

    @property
    def was_killed(self) -> bool:
        return self.exit_code == -signal.SIGKILL


def copy_of(lake: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    return Path(shutil.copytree(lake, to, symlinks=True))  # with times of writing, by which objects are known


def run_and_kill(case: KillCase, lake: Path, kill: Kill) -> Ended:
    """Run a feed in a process group of its own until it is killed, or ends by itself."""
    script = str(Path(__file__).with_name("killed_run.py"))
    with subprocess.Popen(
        [sys.executable, script, "GROUP", kill.stage, str(kill.nth), *case.arguments(lake)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "LAKEWRIGHT_JARS": JARS, "TZ": "UTC"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        lines: list[str] = []
        leased = threading.Event()
        reader = threading.Thread(target=_read, args=[process.stderr, lines, leased], daemon=True)
        reader.start()
        try:
            leased.wait(_LONGEST_RUN_SECONDS)
            began = time.monotonic()
            if kill.seconds is not None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(kill.seconds)
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            code, ended = process.wait(_LONGEST_RUN_SECONDS), time.monotonic()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        reader.join(1)  # workers of Spark may outlive their JVM for a moment, and so they may here
    stages = [line.removeprefix(_STAGE) for line in lines if line.startswith(_STAGE)]
    return Ended(code, ended - began, (stages or ["start"])[-1], "\n".join(lines))


def _read(stderr: Iterable[str], lines: list[str], leased: threading.Event) -> None:
    """Read what a run tells, so that no full pipe stops it; note when it has its lease, or will have none."""
    for line in stderr:
        lines.append(line.rstrip())
        if lines[-1] == f"{_STAGE}lease":
            leased.set()
    leased.set()


def choose(case: KillCase, seconds: float, chance: random.Random) -> Kill:
    """Choose when to kill."""
    if chance.random() < 0.5:
        return Kill(seconds=chance.uniform(0, seconds))
    stage, nth = chance.choice(case.stages)
    return Kill(stage, nth)


def differences(expected: dict[str, Any], seen: dict[str, Any]) -> list[str]:
    """Name what is not as it must be."""
    return [
        f"{name}: expected {expected[name]!r}, seen {seen[name]!r}" for name in expected if seen[name] != expected[name]
    ]


@dataclass
class Tally:
    """What became of the kills of one job."""

    job: str
    seed: int
    kills: int = 0
    right: int = 0
    seconds: float = 0.0
    stages: Counter[str] = field(default_factory=Counter)

    def line(self) -> str:
        stages = ", ".join(f"{stage} {count}" for stage, count in self.stages.most_common())
        verdict = f"{self.right} of {self.kills}"
        return f"| `{self.job}` | {self.seed} | {self.kills} | {stages} | {verdict} | {self.seconds / max(1, self.kills):.0f} |"


def kill_job(job: str, kills: int, seed: int, folder: Path) -> Tally:
    """Kill a job again and again; each kill follows from the seed and its number alone."""
    tally, prepared = Tally(job, seed), dict[str, Undisturbed]()
    for number in range(kills):
        chance = random.Random(f"{seed}/{job}/{number}")
        case = CASES[job][chance.randrange(len(CASES[job]))]
        if case.feed not in prepared:
            prepared[case.feed] = Undisturbed(case, folder / case.feed)
            prepared[case.feed].prepare()
        undisturbed = prepared[case.feed]
        began = time.monotonic()
        kill = choose(case, undisturbed.seconds, chance)
        problems = kill_once(undisturbed, kill, folder / "killed", tally)
        tally.kills += 1
        tally.right += not problems
        tally.seconds += time.monotonic() - began
        verdict = "right" if not problems else "WRONG"
        print(f"{job} {number} (seed {seed}): {case.feed}, {kill}: {verdict}", flush=True)
        for problem in problems:
            print(f"    {problem}", flush=True)
    return tally


def kill_once(undisturbed: Undisturbed, kill: Kill, where: Path, tally: Tally) -> list[str]:
    """Kill one run, run the feed again, and say what is not as it must be."""
    case, lake = undisturbed.case, copy_of(undisturbed.before, where)
    ended = run_and_kill(case, lake, kill)
    tally.stages[ended.stage if ended.was_killed else "ended before"] += 1
    if not ended.was_killed and ended.exit_code:
        return [f"the run ended by itself with exit code {ended.exit_code}: {ended.stderr[-2000:]}"]
    rerun = case.command(lake)
    if rerun.exit_code:
        return [f"the rerun ended with exit code {rerun.exit_code}: {rerun.last_line}"]
    return differences(undisturbed.outcome, case.outcome(lake))


def write(document: Path, tally: Tally) -> None:
    """Put the line of a job into the table, in place of its former one."""
    before, rest = document.read_text().split(BEGIN, 1)
    table, after = rest.split(END, 1)
    lines = {line.split("|")[1].strip(" `"): line for line in table.splitlines() if line.startswith("| `")}
    lines[tally.job] = tally.line()
    ordered = [lines[job] for job in CASES if job in lines]
    document.write_text(before + "\n".join((BEGIN, *HEAD, *ordered, END)) + after)


def main(arguments: list[str]) -> int:
    """Kill every job, or the one that is named; exit code 1 if a rerun left anything else than an undisturbed run."""
    from lakewright.engine.spark.session import get_session

    kills = int(arguments[0])
    seed = int(arguments[1]) if len(arguments) > 1 and arguments[1] else int(datetime.now(UTC).strftime("%Y%m%d"))
    jobs = arguments[2:] or list(CASES)
    if unknown := [job for job in jobs if job not in CASES]:
        print(f"error: no job {unknown[0]!r}; known are {', '.join(CASES)}", file=sys.stderr)
        return 2
    get_session().sparkContext.setLogLevel("OFF")
    logging.getLogger("lakewright").setLevel(logging.WARNING)
    wrong = 0
    for job in jobs:
        with tempfile.TemporaryDirectory() as folder:
            tally = kill_job(job, kills, seed, Path(folder))
        print(tally.line(), flush=True)
        write(DOCUMENT, tally)
        wrong += tally.kills - tally.right
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
