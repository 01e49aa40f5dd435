"""A compaction is killed in the middle of its publishing; ``make kills`` kills it at every stage."""

from tests.faults.killed_compactions import bench, filled, kill_and_continue
from tests.jobs.event_bench import EventBench

__all__ = ["bench", "filled"]


def test_killed_while_publishing_and_run_again(bench: EventBench) -> None:
    kill_and_continue(bench, "move", 2, "run")
