"""The records of log entries: source objects, data files, schema versions, counts."""

from typing import Any

import msgspec


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of all log records: frozen; unknown fields are refused."""


class SourceObject(Record, frozen=True):
    """A source object as a batch read it.

    Attributes:
        values: Year, month and day of its rows, if the object determines them.
        notes: Notes of its job.
    """

    path: str
    size: int
    etag: str
    values: dict[str, str] = {}
    notes: dict[str, str | int] = {}


class DataFile(Record, frozen=True):
    """A file of a batch: where it was staged, where it is published, its partition and number of rows.

    Attributes:
        objects: The source objects of its rows, if each row names its object.
        offsets: The first and last offset per topic and Kafka partition.
        rules: Of rejected rows: how many break each rule, with its column.
        first_seen: Of rejected rows: the first and last processing date on which they were first rejected. Of
            tombstones: the days between which their keys were deleted.
        arrow_bytes: Size of its rows in memory, as Arrow; 0 if it is unknown.
    """

    path: str
    staged: str
    partition: str
    rows: int
    size: int
    objects: list[str] = []
    offsets: dict[str, tuple[int, int]] = {}
    rules: dict[str, int] = {}
    first_seen: tuple[str, str] | None = None
    arrow_bytes: int = 0


class MergedFile(Record, frozen=True):
    """A file of the table that replaces smaller ones of its partition.

    Attributes:
        inputs: The number of rows of each file that it replaces, by path.
        is_sorted: Whether its rows were sorted; if not, they are in the order of ``inputs``.
    """

    file: DataFile
    inputs: dict[str, int]
    is_sorted: bool = False


class SchemaVersion(Record, frozen=True):
    """The columns that a batch added to a learned schema; ``anew``: it replaced all columns."""

    number: int
    batch: int
    run: str
    day: str
    separator: str
    anew: bool
    columns: list[dict[str, Any]]


class Counts(Record, frozen=True, omit_defaults=False):
    """Row counts of a batch; ``read = written + deleted + superseded + rejected + skipped + withheld``.

    Attributes:
        read: Rows in the input.
        written: Rows written to the table.
        deleted: Rows that delete a row of the table.
        superseded: Rows that a later change of the same key, another copy, or a correction replaces.
        rejected: Rows in quarantine.
        skipped: Records and lines that hold no row, such as tombstones, comments and footers.
        withheld: Good rows of a refused batch, which are not published.
        rekeyed: Old keys deleted because an update changed them; not rows of the input, and not part of the sum.
    """

    read: int = 0
    written: int = 0
    deleted: int = 0
    superseded: int = 0
    rejected: int = 0
    skipped: int = 0
    withheld: int = 0
    rekeyed: int = 0

    def holds(self) -> bool:
        """Return whether every row is accounted for."""
        passed = self.written + self.deleted + self.superseded + self.withheld
        return self.read == passed + self.rejected + self.skipped

    def if_refused(self) -> "Counts":
        """Return the counts of the batch if it is refused."""
        withheld = self.written + self.deleted
        return msgspec.structs.replace(self, written=0, deleted=0, rekeyed=0, withheld=withheld)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})
