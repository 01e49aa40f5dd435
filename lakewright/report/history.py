"""The recent runs of a target, from their receipts."""

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec

from lakewright.log.records import Counts
from lakewright.measuring.runtime import Runtime
from lakewright.measuring.usage import Usage
from lakewright.report.problems import Problem, problem_of
from lakewright.storage.lake import Lake, StoredObject
from transforms.errors import LakewrightError

#: The most receipts that are read per target: a run every ten minutes for a week.
MOST_RECEIPTS: Final = 1000
#: By how much the clock of a run may be ahead of that of the report.
CLOCK_TOLERANCE: Final = timedelta(minutes=5)

#: A run that is said to have lasted longer did not.
_LONGEST: Final = timedelta(days=366)

_RECEIPT: Final = re.compile(r"(\d{8}T\d{12})Z-[0-9a-f]+\.json")
_RUN_TIME: Final = "%Y%m%dT%H%M%S%f"


class PastRun(msgspec.Struct, frozen=True):
    """What a report needs of a receipt (``lakewright.runs.receipts.Receipt``), of any version and size."""

    run: str
    job: str
    verb: str
    started: str
    finished: str = ""
    status: str = ""
    exit_code: int = 0
    error: str = ""
    seconds: dict[str, float] = {}
    counts: Counts = Counts()
    warnings: list[str] = []
    process: str = ""
    usage: Usage = Usage()
    runtime: Runtime = Runtime()

    @property
    def began(self) -> datetime:
        """When it began."""
        return datetime.fromisoformat(self.started)

    @property
    def ended(self) -> datetime:
        """When it wrote its receipt."""
        return datetime.fromisoformat(self.finished or self.started)

    @property
    def lasted(self) -> float:
        """Its seconds; older receipts only have those of each stage."""
        return self.usage.seconds or sum(self.seconds.values())


#: Built on import; see ``lakewright.log.entries``.
_DECODER: Final = msgspec.json.Decoder(PastRun)


@dataclass(frozen=True)
class ListedReceipts:
    """The receipts of a target that a report reads.

    Attributes:
        paths: Those to read, oldest first.
        not_read: The number of older ones per day, which are above ``MOST_RECEIPTS``.
        ahead: Those of runs in the future, by the clock of the report; they are not read.
    """

    paths: Sequence[str] = ()
    not_read: Mapping[date, int] = field(default_factory=dict)
    ahead: Sequence[str] = ()


@dataclass(frozen=True)
class RunHistory:
    """The recent runs of a target.

    Attributes:
        runs: The runs, oldest first.
        damaged: The runs whose receipts cannot be read.
        problems: Why they cannot be read.
    """

    runs: list[PastRun] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def list_receipts(lake: Lake, state_folder: str, *, since: date, now: datetime) -> ListedReceipts:
    """List the receipts of a target since a day; if there is none, the last one before.

    Run IDs begin with the time of the run, so that their names are sorted by it.
    """
    folder = f"{state_folder}receipts/"
    ahead: list[str] = []
    past: list[tuple[str, datetime]] = []
    for path, began in _receipts_in(lake.list(folder, after=f"{folder}{since:%Y%m%d}")):
        if began > now + CLOCK_TOLERANCE:
            ahead.append(path)
        else:
            past.append((path, began))
    if not past:
        older = (each for each in _receipts_in(lake.list(folder)) if each[1] <= now + CLOCK_TOLERANCE)
        past = list(deque(older, maxlen=1))
    not_read = Counter(began.date() for _, began in past[:-MOST_RECEIPTS])
    return ListedReceipts([path for path, _ in past[-MOST_RECEIPTS:]], not_read, ahead)


def read_past_run(lake: Lake, path: str) -> PastRun | Problem | None:
    """Read a receipt; None if it was deleted meanwhile."""
    try:
        run = _DECODER.decode(lake.read(path))
        wrong = _what_is_wrong(run)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return Problem(f"{path} is not a valid receipt: {error}; restore or delete it", LakewrightError.exit_code)
    except Exception as error:  # noqa: BLE001 - other receipts can still be read
        return problem_of(error, path)
    if wrong:
        return Problem(f"{path} is not a valid receipt: {wrong}; restore or delete it", LakewrightError.exit_code)
    return run


def _what_is_wrong(run: PastRun) -> str:
    """Return what no run can have written; empty if there is nothing. Sums over such values would be wrong, or fail."""
    if run.began.tzinfo is None or run.ended.tzinfo is None:
        return "its times have no time zone"
    if not 0 <= run.lasted <= _LONGEST.total_seconds():
        return "its seconds are not those of a run"
    if any(rows < 0 for rows in msgspec.structs.asdict(run.counts).values()):
        return "it has a negative number of rows"
    return ""


def history_of(listed: ListedReceipts, read: Iterable[PastRun | Problem | None]) -> RunHistory:
    """Sort what was read of the listed receipts."""
    history = RunHistory()
    for path, entry in zip(listed.paths, read, strict=True):
        if isinstance(entry, PastRun):
            history.runs.append(entry)
        elif entry is not None:
            history.damaged.append(_run_of(path))
            history.problems.append(entry)
    return history


def time_of_run(run: str) -> datetime | None:
    """Return when a run began, which is part of its ID; None if the ID is not of a run."""
    try:
        return datetime.strptime(run.partition("Z-")[0], _RUN_TIME).replace(tzinfo=UTC)
    except ValueError:
        return None


def _receipts_in(entries: Iterable[StoredObject]) -> Iterator[tuple[str, datetime]]:
    """Return the receipts among the objects of a folder, and when their runs began."""
    for entry in entries:
        if _RECEIPT.fullmatch(entry.path.rpartition("/")[2]) and (began := time_of_run(_run_of(entry.path))):
            yield entry.path, began


def _run_of(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".json")
