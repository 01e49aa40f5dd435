"""The location of a batch's files, and how to write them."""

from dataclasses import dataclass
from typing import Final, Literal

Compression = Literal["snappy", "zstd"]

#: Size of the rows of a file in memory, as Arrow; as Parquet they take a third to a tenth of it.
FILE_BYTES: Final = 384 << 20


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
