"""The interface to what samples the records of a batch before it is read, for plans."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lakewright.log.records import SourceObject
from lakewright.log.state import TableState
from transforms.schema_changes import SchemaChange


@dataclass(frozen=True)
class Sample:
    """What a few records of a batch say about the columns that it adds.

    Attributes:
        changes: The columns that they add.
        objects: How many objects were sampled.
        records: How many records were read.
        bytes: The size of their texts.
    """

    changes: list[SchemaChange]
    objects: int
    records: int
    bytes: int


class Sampler(Protocol):
    """Samples the records of a batch whose columns are learned."""

    def sample(self, objects: Sequence[SourceObject], state: TableState) -> Sample:
        """Read a bounded number of records, and write nothing."""
