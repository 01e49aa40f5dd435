"""Run the tests in lanes: ``python -m lanes.run [LANE]... [--only FILE]``; without names in all of them, one by one.

``--only`` names a file with one test a line; such a run is not written to the table in ``docs/runtimes.md``.
Exit codes: 0 if all tests passed, 1 if a test failed, 2 if a lane cannot run here.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from lanes.lane import DEFAULT, ROOT, Lane, LaneError, lane_named, lanes
from lanes.prepare import prepare
from lanes.results import read_junit, write_table


def run(lane: Lane, only: Path | None) -> int:
    """Run the tests of one lane; 0 if they passed, else 1.

    Raises:
        LaneError: If the lane cannot run here.
    """
    environment = os.environ | prepare(lane)
    report = ROOT / lane.folder / "report.xml"
    report.unlink(missing_ok=True)
    chosen = [f"@{only}"] if only else ["-m", f"{lane.only} or lane"] if lane.only else []
    command = [str(lane.venv / "bin/python"), "-m", "pytest", f"--junitxml={report}", *chosen]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    if not report.exists():
        raise LaneError(f"the tests of lane {lane.name} did not run")
    result = read_junit(report, lane.name)
    if only is None:
        result.write()
        write_table()
    if lane.name == DEFAULT and result.skipped:
        print(f"error: the default lane skips no test, and skipped {sum(result.skipped.values())}", file=sys.stderr)
        return 1
    return int(done.returncode != 0)


def main(arguments: list[str]) -> int:
    """Run the tests of the named lanes, or of all."""
    parser = argparse.ArgumentParser(prog="lanes.run", description="Run the tests in lanes.")
    parser.add_argument("lanes", nargs="*", metavar="LANE", help=f"one of {', '.join(lanes())}; all by default")
    parser.add_argument("--only", type=Path, help="a file with one test a line")
    options = parser.parse_args(arguments)
    codes = []
    for name in options.lanes or lanes():
        try:
            codes.append(run(lane_named(name), options.only))
        except LaneError as error:
            print(f"error: {error}", file=sys.stderr)
            codes.append(2)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
