"""What entries of a log are made of: source objects, data files, schema versions, counts."""

from typing import Any

import msgspec


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of what is written to the log: frozen, and an unknown field is refused."""


class SourceObject(Record, frozen=True):
    """A source object as a batch takes it.

    Attributes:
        values: Year, month and day of its rows in the table, where the object says them.
        notes: What its job remembers of it.
    """

    path: str
    size: int
    etag: str
    values: dict[str, str] = {}
    notes: dict[str, str | int] = {}


class DataFile(Record, frozen=True):
    """A file that a batch makes: where it was staged, where it is published, in which partition, with how many rows.

    Attributes:
        objects: The source objects of its rows, where each row keeps its own.
        offsets: The first and the last offset that it has of each topic and Kafka partition.
    """

    path: str
    staged: str
    partition: str
    rows: int
    size: int
    objects: list[str] = []
    offsets: dict[str, tuple[int, int]] = {}


class SchemaVersion(Record, frozen=True):
    """What a batch has added to the columns of a table that learns its schema; ``anew``: it has replaced them all."""

    number: int
    batch: int
    run: str
    day: str
    separator: str
    anew: bool
    columns: list[dict[str, Any]]


class Counts(Record, frozen=True, omit_defaults=False):
    """Rows of a batch; ``read = written + deleted + superseded + rejected``.

    If a batch is refused, nothing is written: its good rows are ``withheld`` and take the place of ``written`` in the
    sum. ``rekeyed`` are old keys deleted because an update changed them: they have no row, and no part in the sum.
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

    def if_refused(self) -> "Counts":
        """Give the counts of the batch if nothing of it is published."""
        return Counts(read=self.read, rejected=self.rejected, withheld=self.written)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})
