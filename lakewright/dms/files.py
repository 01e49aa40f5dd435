"""Parquet files as AWS DMS delivers them: full loads (``LOAD….parquet``) and files of changes, one folder a table.

Each file has a schema of its own, which its footer tells. Footers are read without Spark, a few kilobytes a file. If a
file is written again meanwhile, the run notices: it looks at all of its sources once more before it commits.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakewright.config import MAX_RECORD_BYTES
from lakewright.dms.types import ReadType, UnreadableTypeError, read_type
from lakewright.errors import ObjectRefusedError
from lakewright.log.records import SourceObject
from lakewright.parquet.values import find_long_value
from lakewright.storage.lake import Lake
from lakewright.storage.object_file import ObjectFile
from transforms.changes.column_names import ColumnNames
from transforms.changes.column_types import VOID
from transforms.changes.load_files import LOAD_PATH

_LOAD: Final = re.compile(LOAD_PATH, re.DOTALL)
#: DMS names a file of changes after the moment that it was written: 20260801-101500123.parquet.
_STAMP: Final = re.compile(r"(?:.*/)?(\d{8})-?(\d{6})(\d*)[^/]*\.parquet", re.DOTALL)
_FOOTERS_AT_ONCE: Final = 16
#: What pyarrow raises over a file that is damaged.
_DAMAGE: Final = (pa.ArrowException, OSError, UnicodeDecodeError)
_UNREADABLE: Final = "no Parquet file that can be read"


@dataclass(frozen=True)
class Footer:
    """What a file says of itself.

    Attributes:
        rows: How many it has.
        columns: The types that its columns have in a table.
        read_as: The types that Spark must read columns as, where these are others.
        units: What the counts of a column count that become timestamps or texts; see ``lakewright.dms.types``.
        row_bytes: Bytes of a row once unpacked, on average over the row group where they are most.
    """

    rows: int
    columns: dict[str, str]
    read_as: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    row_bytes: int = 0


@dataclass(frozen=True)
class ChangeColumns:
    """The columns that say what a change is; their names are exact, since a table may have ``op`` beside ``Op``.

    ``before_prefix`` begins the names of the columns that hold values as they were before an update (empty: there are
    none), ``before`` are the columns of the table that are wanted so. ``added`` are columns that are never the table's,
    ``of_table`` names the others as the table does.
    """

    kind: str = "Op"
    time: str = ""
    sequence: str = "AR_H_CHANGE_SEQ"
    before_prefix: str = ""
    before: tuple[str, ...] = ()
    added: frozenset[str] = frozenset()
    of_table: ColumnNames = field(default_factory=lambda: ColumnNames({}))


@dataclass(frozen=True)
class ChangeFiles:
    """The files of a batch of one table, and as what they are read.

    Attributes:
        lake: Where they are.
        folder: The folder of the table there, or empty where it is the lake's root.
        objects: The files as the batch has them.
        footers: What each file says of itself, by path.
        columns: The columns of the table, with their types.
        names: The columns that say what a change is.
        sources: What the source calls those columns of the table that the table calls otherwise.
    """

    lake: Lake
    folder: str
    objects: Sequence[SourceObject]
    footers: Mapping[str, Footer]
    columns: Mapping[str, str]
    names: ChangeColumns
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows they hold, by their footers."""
        return sum(footer.rows for footer in self.footers.values())

    @property
    def are_loads(self) -> bool:
        """Tell whether all of them are files of a full load."""
        return all(map(is_load, self.footers))

    def only(self, paths: Collection[str]) -> "ChangeFiles":
        """Give some of the files."""
        objects = [taken for taken in self.objects if taken.path in paths]
        return replace(self, objects=objects, footers={taken.path: self.footers[taken.path] for taken in objects})

    def damaged(self) -> dict[str, str]:
        """Look for damage that makes a read of the files fail; see ``find_damaged``."""
        return find_damaged(self.lake, self.objects)


def is_load(path: str) -> bool:
    """Tell whether a path is that of a full load's file."""
    return _LOAD.fullmatch(path) is not None


def written_at(path: str) -> str:
    """Read off the name of a file of changes when it was written, as digits; empty where the name does not say."""
    match = _STAMP.fullmatch(path)
    return "".join(match.groups()) if match else ""


def read_footers(
    lake: Lake,
    objects: Iterable[SourceObject],
    *,
    left_out: Collection[str] = (),
    max_record_bytes: int = MAX_RECORD_BYTES,
) -> tuple[dict[str, Footer], dict[str, str]]:
    """Read the footers of files: what they say by path, and why some cannot be read.

    A file with a value above ``max_record_bytes`` cannot be: Spark's memory would not do for it. Columns that are
    ``left_out`` may be of any type, unless Spark then opens the file no more.
    """
    found: dict[str, Footer] = {}
    refused: dict[str, str] = {}

    def look(taken: SourceObject) -> Footer | str:
        try:
            file = ObjectFile(lake, taken.path, taken.size)
            metadata = pq.read_metadata(pa.PythonFile(file, mode="r"))
            return find_long_value(file, metadata, max_record_bytes) or _footer(metadata, left_out)
        except FileNotFoundError:
            return "gone since it was listed"
        except ObjectRefusedError as error:
            return error.reasons[taken.path]
        except UnreadableTypeError as error:
            return str(error)
        except _DAMAGE as error:
            return f"{_UNREADABLE}: {str(error).splitlines()[0]}"

    wanted = list(objects)
    with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
        for taken, answer in zip(wanted, pool.map(look, wanted), strict=True):
            if isinstance(answer, Footer):
                found[taken.path] = answer
            else:
                refused[taken.path] = answer
    return found, refused


def first_time(lake: Lake, loads: Iterable[SourceObject], time_column: str) -> str:
    """Give the lowest time of a full load's rows, as digits; empty if its files do not tell."""
    times: list[str] = []
    for taken in loads:
        file = pq.ParquetFile(_open(lake, taken))
        if time_column not in file.schema_arrow.names:
            return ""
        columns = (file.read_row_group(number, [time_column])[time_column] for number in range(file.num_row_groups))
        lowest = [pc.min(column).as_py() for column in columns]
        if not lowest or None in lowest:
            return ""
        times.append(min("".join(filter(str.isdigit, str(time))) for time in lowest))
    return min(times, default="")


def find_damaged(lake: Lake, objects: Iterable[SourceObject]) -> dict[str, str]:
    """Read whole files for damage that their footers do not show; a row group of a file is in memory at a time.

    Returns:
        Why files are damaged, by path.
    """
    damaged = {}
    for taken in objects:
        try:
            file = pq.ParquetFile(_open(lake, taken))
            for group in range(file.num_row_groups):
                file.read_row_group(group)
        except _DAMAGE as error:
            damaged[taken.path] = f"damaged Parquet file: {str(error).splitlines()[0]}"
    return damaged


def _footer(metadata: Any, left_out: Collection[str]) -> Footer:
    leaves = {leaf.path: leaf.physical_type for leaf in map(metadata.schema.column, range(metadata.num_columns))}
    types: dict[str, ReadType] = {}
    for column in metadata.schema.to_arrow_schema():
        try:
            types[column.name] = read_type(column.type, leaves.get(column.name, ""))
        except UnreadableTypeError as error:
            if column.name not in left_out or pa.types.is_float16(column.type):
                raise UnreadableTypeError(f"column {column.name!r} is {error}") from None
            types[column.name] = ReadType(VOID)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    return Footer(
        metadata.num_rows,
        {name: found.column for name, found in types.items()},
        {name: found.read_as for name, found in types.items() if found.read_as},
        {name: found.unit for name, found in types.items() if found.unit},
        max((group.total_byte_size // max(group.num_rows, 1) for group in groups), default=0),
    )


def _open(lake: Lake, taken: SourceObject) -> Any:
    # A chunk's own metadata are not looked at from here: where they are damaged, pyarrow ends the process.
    return pa.PythonFile(ObjectFile(lake, taken.path, taken.size), mode="r")
