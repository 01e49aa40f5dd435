"""Workers for tests, and choices of workers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from lakewright.engine import choice
from lakewright.quality.duckdb_table import ParquetTable
from lakewright.workers import Workers

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class InProcessWorkers:
    """Runs tasks in this process, one after another; ``done`` records the tasks of each call."""

    at_once: int
    done: list[Sequence[Any]] = field(default_factory=list)

    def run(self, work: Callable[[T], R], tasks: Sequence[T]) -> list[R]:
        self.done.append(tasks)
        return [work(task) for task in tasks]

    def judged_table(self, *of_files: Any) -> Any:
        return ParquetTable(*of_files)


def use_workers(monkeypatch: pytest.MonkeyPatch, workers: Workers) -> None:
    """Let batches of the local engine run on these workers."""
    monkeypatch.setattr(choice, "LocalWorkers", lambda *_: workers)


def start_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let even small batches of the local engine run in worker processes."""
    monkeypatch.setattr(choice, "_SMALL_BYTES", -1)
