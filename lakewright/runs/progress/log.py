"""Progress in a log: a line per finished stage, and one per interval of a long stage; or JSON lines."""

import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal

from lakewright.runs.progress.stages import Stage
from lakewright.runs.progress.texts import LOGGER, count_of, readable_bytes, readable_time

_SECONDS_BETWEEN_LINES: Final = 10.0
_SECONDS_BETWEEN_JSON_LINES: Final = 2.0


class Intervals:
    """When the next line of a running stage is due: each interval after it has begun."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next: dict[str, float] = {}

    def begin(self, stage: Stage) -> None:
        """Begin a stage."""
        self._next[stage.target] = self._seconds

    def due(self, running: Sequence[Stage]) -> list[Stage]:
        """Return the stages with a line that is due."""
        due = [stage for stage in running if stage.seconds >= self._next.get(stage.target, self._seconds)]
        for stage in due:
            self._next[stage.target] = (stage.seconds // self._seconds + 1) * self._seconds
        return due


class LogLines:
    """Log lines; at debug level, also one per started stage; see ``Display``."""

    seconds = 1.0

    def __init__(self) -> None:
        self._intervals = Intervals(_SECONDS_BETWEEN_LINES)

    def begin(self, stage: Stage) -> None:
        """See ``Display.begin``."""
        self._intervals.begin(stage)
        LOGGER.debug("%s: %s begins", stage.target, stage.name)

    def end(self, stage: Stage) -> None:
        """See ``Display.end``."""
        detail = f" ({stage.detail})" if stage.detail else ""
        LOGGER.info("%s: %s%s, %.1f s", stage.target, stage.name, detail, stage.seconds)

    def show(self, running: Sequence[Stage], waiting: Sequence[str]) -> None:
        """See ``Display.show``."""
        due = self._intervals.due(running)
        for stage in due:
            LOGGER.info("%s: %s, %s", stage.target, stage.name, describe(stage))
        if due and waiting:
            LOGGER.info("%s waiting: %s", count_of(len(waiting), "target"), ", ".join(waiting))

    def close(self) -> None:
        """See ``Display.close``."""


class JsonLines:
    """One JSON object per line on stderr, when a stage begins and ends, and at intervals; see ``Display``."""

    seconds = 0.5

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._intervals = Intervals(_SECONDS_BETWEEN_JSON_LINES)

    def begin(self, stage: Stage) -> None:
        """See ``Display.begin``."""
        self._intervals.begin(stage)
        self._print(stage, "begun")

    def end(self, stage: Stage) -> None:
        """See ``Display.end``."""
        self._print(stage, "ended")

    def show(self, running: Sequence[Stage], waiting: Sequence[str]) -> None:  # noqa: ARG002
        """See ``Display.show``."""
        for stage in self._intervals.due(running):
            self._print(stage, "running")

    def close(self) -> None:
        """See ``Display.close``."""

    def _print(self, stage: Stage, state: Literal["begun", "running", "ended"]) -> None:
        line = {"time": self._now().isoformat(timespec="milliseconds"), **as_json(stage, state)}
        sys.stderr.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.stderr.flush()


def as_json(stage: Stage, state: str) -> dict[str, Any]:
    """Return a stage as its JSON line has it, without the time."""
    left = stage.seconds_left
    return {
        "target": stage.target,
        "stage": stage.name,
        "detail": stage.detail,
        "state": state,
        "unit": stage.unit or None,
        "done": stage.amount if stage.unit else None,
        "total": stage.total if stage.unit else None,
        "rows": stage.done.rows,
        "rejected": stage.done.rejected,
        "seconds": round(stage.seconds, 1),
        "eta": None if left is None or state == "ended" else round(left, 1),
    }


def describe(stage: Stage) -> str:
    """Describe what a stage has done: ``31% (62.1 of 200.0 MB), 1,234 rows, 12 rejected, 20.1 MB/s, 0:07 left``."""
    parts: list[str] = []
    if stage.percent:
        parts.append(f"{stage.percent} ({amount_of(stage)})")
    if stage.done.rows:
        parts.append(f"{stage.done.rows:,} rows")
    if stage.done.rejected:
        parts.append(f"{stage.done.rejected:,} rejected")
    if stage.unit == "bytes" and stage.rate:
        parts.append(f"{readable_bytes(stage.rate)}/s")
    if stage.seconds_left is not None:
        parts.append(f"{readable_time(stage.seconds_left)} left")
    return ", ".join([*parts, f"{stage.seconds:.0f} s so far"])


def amount_of(stage: Stage) -> str:
    """Describe how much of its total a stage has done."""
    if stage.unit == "bytes":
        return f"{readable_bytes(stage.amount)} of {readable_bytes(stage.total)}"
    return f"{stage.amount:,} of {stage.total:,} {stage.unit.replace('spark_', 'Spark ')}"
