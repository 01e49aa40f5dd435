"""Download the jars of a lane: ``python -m lanes.jars hudi-1.1``; ``--lock`` writes their checksums instead."""

import argparse

from lakewright.engine.spark.jars import JarList, fetch_jars, lock_jars
from lanes.lane import ROOT, lane_named


def main() -> None:
    """Run in the venv of a lane, whose Spark resolves the packages."""
    parser = argparse.ArgumentParser(description="Download the jars of a lane.")
    parser.add_argument("--lock", action="store_true", help="write SHA256SUMS again")
    parser.add_argument("lane")
    arguments = parser.parse_args()
    lane = lane_named(arguments.lane)
    if lane.jar_list is None:
        parser.error(f"lane {lane.name} has no jars")
    packages, sums = ROOT / lane.jar_list / "packages.txt", ROOT / lane.jar_list / "SHA256SUMS"
    if arguments.lock:
        lock_jars(packages, sums)
    else:
        fetch_jars(JarList.read(packages, sums), ROOT / lane.jars)


if __name__ == "__main__":
    main()
