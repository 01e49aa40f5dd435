"""The location of a batch's files, and how to write them."""

from dataclasses import dataclass
from typing import Literal

Compression = Literal["snappy", "zstd"]


@dataclass(frozen=True)
class TablePlace:
    """The location of files of one kind, and how to write them.

    Attributes:
        staging: The folder in which they are staged.
        destination: The folder in which they are published.
        prefix: The prefix of the names of published files.
        partition_by: Partition columns, outermost first, if the writer does not determine them.
    """

    staging: str
    destination: str
    prefix: str
    compression: Compression = "snappy"
    sort_by: tuple[str, ...] = ()
    partition_by: tuple[str, ...] = ()
