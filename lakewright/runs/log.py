"""A target's log: numbered plans and outcomes, each written once, and the state of the table that follows from them."""

from collections.abc import Iterable
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from lakewright.errors import OvertakenError, StateError
from lakewright.storage.lake import Lake

SNAPSHOT_EVERY: Final = 50


class Entry(BaseModel):
    """Base of what is written to the log."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class SourceObject(Entry):
    """A source object as a batch takes it; ``values`` are its year, month and day in the table.

    ``superseded`` are its rows that another object had given before. Of an object that is rewritten where it lies,
    ``done_by`` names the rules that it was rewritten by, and ``again`` says that its own marks are not to be trusted.
    """

    path: str
    size: int
    etag: str
    values: dict[str, str] = {}
    superseded: int = 0
    done_by: str = ""
    again: bool = False


class TableFile(Entry):
    """A file that a batch makes: where it was staged, where it is published, in which partition, with how many rows.

    Where each row keeps its source object, ``objects`` are those, and ``offsets`` the first and the last offset that
    the file has of each topic and Kafka partition.
    """

    path: str
    staged: str
    partition: str
    rows: int
    size: int
    objects: list[str] = []
    offsets: dict[str, tuple[int, int]] = {}


class SchemaVersion(Entry):
    """What a batch has added to the columns of a table that learns its schema; ``anew``: it has replaced them all."""

    number: int
    batch: int
    run: str
    day: str
    separator: str
    anew: bool
    columns: list[dict[str, Any]]


class Counts(Entry):
    """Rows of a batch; ``read = written + deleted + superseded + rejected``.

    Of a batch that was refused nothing is written: its good rows are ``withheld``, and stand in that sum for them.
    ``rekeyed`` are old keys that were deleted because an update changed them: they have no row, and no part in the sum.
    """

    read: int = 0
    written: int = 0
    deleted: int = 0
    superseded: int = 0
    rejected: int = 0
    withheld: int = 0
    rekeyed: int = 0

    def holds(self) -> bool:
        """Tell whether every row is accounted for."""
        return self.read == self.written + self.deleted + self.superseded + self.rejected + self.withheld

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in Counts.model_fields})


class Before(Entry):
    """What a table was when a batch was planned: the number of its last batch, and its columns.

    A table of changes also has the highest order that it has seen, and files that remember deleted keys.
    """

    number: int = 0
    columns: dict[str, str] = {}
    mark: str = ""
    memory: list[str] = []


class Plan(Entry):
    """A batch, written down before any data is read. ``replaces`` are the partitions that are made again; None is all.

    The processing date is that of the first try, so that a rerun after midnight changes nothing.
    """

    number: int
    run: str
    processing_date: str
    config_hash: str
    objects: list[SourceObject]
    replaces: list[str] | None = []
    before: Before = Before()


class Outcome(Entry):
    """How a batch ended. From the moment that this is in the log, it has.

    ``taken`` are the batch's objects as they are afterwards, where it rewrote them (None: as they were planned), and
    ``numbers`` what was done to each. ``set_aside`` counts the values that went to each text column because they did
    not fit the column beside it.
    ``table_commit`` is what a table that commits by itself said of it; ``memory`` and ``forgotten`` are files that
    remember deleted keys.
    """

    number: int
    status: Literal["committed", "dropped"]
    run: str
    attempt: str
    config_hash: str = ""
    reason: str = ""
    counts: Counts = Counts()
    rules: dict[str, int] = {}
    columns: dict[str, str] = {}
    taken: list[SourceObject] | None = None
    numbers: dict[str, dict[str, int]] = {}
    schema_version: SchemaVersion | None = None
    set_aside: dict[str, int] = {}
    layout: str = ""
    added: list[TableFile] = []
    removed: list[str] = []
    quarantined: list[TableFile] = []
    released: list[str] = []
    mark: str = ""
    memory: list[TableFile] = []
    forgotten: list[str] = []
    table_commit: dict[str, str | int] = {}


class TableState(Entry):
    """What the log adds up to: the committed objects, the files of the table and of the quarantine, the columns.

    ``published`` are the columns that any file of the table may hold, also those that the feed has dropped since;
    ``committed`` is the number of the last batch that was.
    """

    number: int = 0
    committed: int = 0
    objects: dict[str, SourceObject] = {}
    files: dict[str, TableFile] = {}
    quarantine: dict[str, TableFile] = {}
    columns: dict[str, str] = {}
    published: dict[str, str] = {}
    schema_versions: list[SchemaVersion] = []
    layout: str = ""
    mark: str = ""
    memory: dict[str, TableFile] = {}
    last: Outcome | None = None

    def has(self, path: str, etag: str) -> bool:
        """Tell whether an object was committed as it is."""
        taken = self.objects.get(path)
        return taken is not None and taken.etag == etag

    def other_layout(self, wanted: str) -> str:
        """Say that the table lies otherwise than a feed wants it; empty if it does not, or nothing lies there yet."""
        if self.layout in ("", wanted):
            return ""
        return f"the table was laid out as {self.layout}, and the feed says {wanted}"

    def before(self) -> Before:
        """Give what the plan of the next batch says of the table."""
        return Before(number=self.committed, columns=self.columns, mark=self.mark, memory=list(self.memory))

    def after(self, plan: Plan, outcome: Outcome) -> "TableState":
        """Give the state after one more batch."""
        quarantine = _replaced(self.quarantine, outcome.released, outcome.quarantined)
        if outcome.status == "dropped":
            return self.model_copy(update={"number": plan.number, "quarantine": quarantine, "last": outcome})
        objects = self.objects
        if plan.replaces is None:
            objects = {}
        elif plan.replaces:
            replaced = set(plan.replaces)
            objects = {path: taken for path, taken in objects.items() if partition_in(taken, replaced) not in replaced}
        return TableState(
            number=plan.number,
            committed=plan.number,
            objects=objects
            | {taken.path: taken for taken in (plan.objects if outcome.taken is None else outcome.taken)},
            files=_replaced(self.files, outcome.removed, outcome.added),
            quarantine=quarantine,
            columns=outcome.columns,
            published=outcome.columns if plan.replaces is None else self.published | outcome.columns,
            schema_versions=[*self.schema_versions, *([outcome.schema_version] if outcome.schema_version else [])],
            layout=outcome.layout,
            mark=outcome.mark if plan.replaces is None else max(self.mark, outcome.mark),
            memory=_replaced(self.memory, outcome.forgotten, outcome.memory),
            last=outcome,
        )


def partition_in(taken: SourceObject, partitions: Iterable[str]) -> str:
    """Name the partition of an object, with the keys that these partitions have."""
    keys = [part.split("=", 1)[0] for part in next(iter(partitions)).split("/") if part]
    return "/".join(f"{key}={taken.values.get(key, '')}" for key in keys)


def _replaced(files: dict[str, TableFile], removed: Iterable[str], added: Iterable[TableFile]) -> dict[str, TableFile]:
    gone = set(removed)
    return {path: file for path, file in files.items() if path not in gone} | {file.path: file for file in added}


E = TypeVar("E", Plan, Outcome, TableState)


class Log:
    """The log of one target, in ``state/<feed>/<target>/log/``."""

    def __init__(self, lake: Lake, folder: str) -> None:
        self._lake = lake
        self._folder = f"{folder}log/"

    def read(self) -> tuple[TableState, Plan | None]:
        """Add the log up: the state after the last outcome, and the plan that is still open."""
        state = self._snapshot()
        open_plan = None
        entries = {entry.path for entry in self._lake.list(self._folder, after=f"{self._folder}{state.number:06d}.z")}
        while open_plan is None and (path := self._path(state.number + 1, "plan")) in entries:
            plan = self._entry(Plan, path)
            outcome_path = self._path(plan.number, "outcome")
            if outcome_path in entries:
                state = state.after(plan, self._entry(Outcome, outcome_path))
            else:
                open_plan = plan
        return state, open_plan

    def write_plan(self, plan: Plan) -> None:
        """Write a plan.

        Raises:
            OvertakenError: If another run wrote one of this number first.
        """
        self._write(self._path(plan.number, "plan"), plan)

    def write_outcome(self, outcome: Outcome) -> None:
        """Write how a batch ended: from then on it has.

        Raises:
            OvertakenError: If another run ended it first.
        """
        self._write(self._path(outcome.number, "outcome"), outcome)

    def write_snapshot(self, state: TableState) -> None:
        """Write the state down now and then, so that reading the log does not grow with its length."""
        if state.number % SNAPSHOT_EVERY == 0:
            self._lake.create(f"{self._folder}snapshot-{state.number:06d}.json", state.model_dump_json().encode())

    def _snapshot(self) -> TableState:
        snapshots = [entry.path for entry in self._lake.list(self._folder, after=f"{self._folder}snapshot-")]
        return self._entry(TableState, snapshots[-1]) if snapshots else TableState()

    def _entry(self, model: type[E], path: str) -> E:
        try:
            return model.model_validate_json(self._lake.read(path))
        except ValidationError as error:
            raise StateError(f"{path} is no entry of a log: {error.errors()[0]['msg']}; restore it") from error

    def _path(self, number: int, kind: str) -> str:
        return f"{self._folder}{number:06d}.{kind}.json"

    def _write(self, path: str, entry: Entry) -> None:
        if not self._lake.create(path, entry.model_dump_json().encode()):
            raise OvertakenError(f"another run wrote {path} first; this run's work is discarded, nothing is lost")
