"""Where the files of a batch go, and how they are written."""

from dataclasses import dataclass
from typing import Literal

Compression = Literal["snappy", "zstd"]


@dataclass(frozen=True)
class TablePlace:
    """Where files of one kind are staged and published, and how they are written.

    Attributes:
        staging: The folder where they are staged.
        destination: The folder where they are published.
        prefix: What the names of published files begin with.
        partition_by: Columns that become folders, outermost first, where the writer does not know them itself.
    """

    staging: str
    destination: str
    prefix: str
    compression: Compression = "snappy"
    sort_by: tuple[str, ...] = ()
    partition_by: tuple[str, ...] = ()
