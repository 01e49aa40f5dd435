"""What the user asked a run to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from lakewright.costs.prices import Prices


@dataclass(frozen=True)
class Replay:
    """Which rejected rows are replayed: all, those that broke a rule, or those of an edited CSV, with its values."""

    rule: str = ""
    edited: Path | None = None


@dataclass(frozen=True)
class Request:
    """What the user asked for: new objects or a rebuild, optionally of some partitions only.

    ``drop_open`` drops an open batch of an earlier run instead of finishing it; ``execution`` is what started the run,
    for its receipt; ``today`` is the processing date of a new batch; ``replay`` selects the rejected rows to replay
    before objects are chosen; ``prices`` are those of its receipt's cost. Without ``opens_objects``, a survey only
    lists the source, and knows neither columns nor damage.
    """

    verb: str = "run"
    wanted: Mapping[str, str] = field(default_factory=dict)
    drop_open: bool = False
    execution: str = ""
    today: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())
    replay: Replay | None = None
    opens_objects: bool = True
    prices: Prices | None = None

    @property
    def everything(self) -> bool:
        """Whether committed objects are processed again."""
        return self.verb == "rebuild"

    @property
    def is_whole(self) -> bool:
        """Whether the whole table is rebuilt."""
        return self.everything and not self.wanted
