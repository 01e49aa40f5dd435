"""Parquet files of AWS DMS: full loads (``LOAD….parquet``) and change files, one folder per table.

Each file has its own schema, read from its footer without Spark, a few kilobytes per file. A file rewritten during a
run is detected: the run lists its sources again before it commits.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakewright.concurrency import map_in_threads
from lakewright.config import MAX_RECORD_BYTES
from lakewright.corrections.manifests import CORRECTS
from lakewright.dms.suitability import find_unsuitable_column
from lakewright.dms.types import ReadType, UnreadableTypeError, read_type
from lakewright.errors import ObjectRefusedError
from lakewright.log.records import SourceObject
from lakewright.parquet.values import chunks_of, find_long_value
from lakewright.storage.lake import Lake
from lakewright.storage.object_file import ObjectFile
from transforms.changes.column_names import ColumnNames
from transforms.changes.column_types import VOID
from transforms.changes.columns import BEFORE, FILE, KIND, POSITION, SEQUENCE, TIME_TEXT
from transforms.changes.load_files import LOAD_PATH

_LOAD: Final = re.compile(LOAD_PATH, re.DOTALL)
#: DMS names a change file after the time of writing: 20260801-101500123.parquet.
_STAMP: Final = re.compile(r"(?:.*/)?(\d{8})-?(\d{6})(\d*)[^/]*", re.DOTALL)
_FOOTERS_AT_ONCE: Final = 16
#: What pyarrow raises for damaged files.
_DAMAGE: Final = (pa.ArrowException, OSError, UnicodeDecodeError)
#: Columns of correction files: file and row of the change that each row replaces.
OF_CORRECTIONS: Final = (FILE, POSITION)
_UNREADABLE: Final = "not a readable Parquet file"


@dataclass(frozen=True)
class Footer:
    """The footer of a file.

    Attributes:
        rows: Number of rows.
        columns: Table types of its columns.
        read_as: Types that Spark must read columns as, if different.
        units: Units of counts that become timestamps or strings; see ``lakewright.dms.types``.
        row_bytes: Uncompressed bytes per row, averaged over the row group with the largest rows.
    """

    rows: int
    columns: dict[str, str]
    read_as: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    row_bytes: int = 0


@dataclass(frozen=True)
class ChangeColumns:
    """The columns that describe a change; names are case-sensitive, since a table may have both ``op`` and ``Op``.

    Attributes:
        kind: The kind of change.
        time: Its commit time; empty if none.
        sequence: Its sequence number.
        before_prefix: Prefix of before-image columns; empty if there are none.
        before: Table columns whose before images are read.
        key: The table's key.
        added: Columns that are never part of the table.
        of_table: Naming rules for all others.
    """

    kind: str = "Op"
    time: str = ""
    sequence: str = "AR_H_CHANGE_SEQ"
    before_prefix: str = ""
    before: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    added: frozenset[str] = frozenset()
    of_table: ColumnNames = field(default_factory=lambda: ColumnNames({}))


@dataclass(frozen=True)
class ChangeFiles:
    """The files of one table's batch, and how to read them.

    Attributes:
        lake: The lake with the files.
        folder: The folder of the table there; empty for the root.
        objects: The files as in the batch.
        footers: Footers by path.
        columns: Types by column of the table.
        names: The columns that describe a change.
        sources: Source names of renamed columns.
        corrections_lake: The lake with those of the files that are corrections.
        superseded: The positions of rows that corrections replace, by path.
    """

    lake: Lake
    folder: str
    objects: Sequence[SourceObject]
    footers: Mapping[str, Footer]
    columns: Mapping[str, str]
    names: ChangeColumns
    sources: Mapping[str, str] = field(default_factory=dict)
    corrections_lake: Lake | None = None
    superseded: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Total rows, from the footers, without those that corrections replace."""
        return sum(footer.rows for footer in self.footers.values()) - self.superseded_rows

    @property
    def superseded_rows(self) -> int:
        """Number of rows that corrections replace."""
        return sum(len(self.superseded.get(path, ())) for path in self.footers)

    def lake_of(self, path: str) -> Lake:
        """Return the lake with a file."""
        return self.corrections_lake if self.corrections_lake and path in self.corrections else self.lake

    @cached_property
    def corrections(self) -> frozenset[str]:
        """The paths of corrections; their rows have the place of the rows that they replace."""
        return frozenset(source_file.path for source_file in self.objects if CORRECTS in source_file.notes)

    @property
    def are_loads(self) -> bool:
        """Whether all are files of a full load."""
        return all(map(is_load, self.footers))

    @property
    def source_names(self) -> dict[str, str]:
        """The names in the source of renamed columns, and of those that describe a change."""
        names, sources = self.names, self.sources
        of_change = {KIND: names.kind, SEQUENCE: names.sequence, TIME_TEXT: names.time}
        if names.before_prefix:
            of_change |= {BEFORE + name: names.before_prefix + sources.get(name, name) for name in names.before}
        in_files = {name for footer in self.footers.values() for name in footer.columns}
        return {**sources, **{column: name for column, name in of_change.items() if name in in_files}}

    def only(self, paths: Collection[str]) -> "ChangeFiles":
        """Return a subset of the files."""
        objects = [source_file for source_file in self.objects if source_file.path in paths]
        return replace(
            self, objects=objects, footers={source_file.path: self.footers[source_file.path] for source_file in objects}
        )

    def damaged(self) -> dict[str, str]:
        """Find damage that makes reading fail; see ``find_damaged``."""
        return {
            path: reason
            for source_file in self.objects
            for path, reason in find_damaged(self.lake_of(source_file.path), [source_file]).items()
        }


def is_load(path: str) -> bool:
    """Whether a path is a full-load file."""
    return _LOAD.fullmatch(path) is not None


def written_at(path: str) -> str:
    """Return the time stamp in the name of a change file, as digits; empty if there is none."""
    match = _STAMP.fullmatch(path)
    return "".join(match.groups()) if match else ""


def read_footers(
    lake: Lake,
    objects: Iterable[SourceObject],
    *,
    left_out: Collection[str] = (),
    max_record_bytes: int = MAX_RECORD_BYTES,
) -> tuple[dict[str, Footer], dict[str, str]]:
    """Read the footers of files.

    Columns in ``left_out`` may have any type that does not keep Spark from opening the file.

    Returns:
        Footers by path, and reasons why other files cannot be read. Files with a value above ``max_record_bytes``
        would exceed Spark's memory, and count as unreadable.
    """
    footers: dict[str, Footer] = {}
    refused: dict[str, str] = {}

    def look(source_file: SourceObject) -> Footer | str:
        try:
            file = ObjectFile(lake, source_file.path, source_file.size)
            metadata = pq.read_metadata(pa.PythonFile(file, mode="r"))
            groups = chunks_of(file, metadata)
            problem = find_unsuitable_column(metadata, groups)
            problem = problem or find_long_value(file, metadata, groups, max_record_bytes)
            return problem or _footer(metadata, left_out)
        except FileNotFoundError:
            return "deleted since it was listed"
        except ObjectRefusedError as error:
            return error.reasons[source_file.path]
        except UnreadableTypeError as error:
            return str(error)
        except _DAMAGE as error:
            return f"{_UNREADABLE}: {str(error).splitlines()[0]}"

    wanted = list(objects)
    results = map_in_threads(look, wanted, threads=_FOOTERS_AT_ONCE)
    for source_file, result in zip(wanted, results, strict=True):
        if isinstance(result, Footer):
            footers[source_file.path] = result
        else:
            refused[source_file.path] = result
    return footers, refused


def first_time(lake: Lake, loads: Iterable[SourceObject], time_column: str) -> str:
    """Return the lowest time among a full load's rows, as digits; empty if files lack the column or values."""
    times: list[str] = []
    for source_file in loads:
        file = pq.ParquetFile(_open(lake, source_file))
        if time_column not in file.schema_arrow.names:
            return ""
        columns = (file.read_row_group(number, [time_column])[time_column] for number in range(file.num_row_groups))
        lowest = [pc.min(column).as_py() for column in columns]
        if not lowest or None in lowest:
            return ""
        times.append(min("".join(filter(str.isdigit, str(time))) for time in lowest))
    return min(times, default="")


def find_damaged(lake: Lake, objects: Iterable[SourceObject]) -> dict[str, str]:
    """Find damage that footers do not show, by reading whole files, one row group at a time.

    Returns:
        Reasons by path.
    """
    damaged = {}
    for source_file in objects:
        try:
            file = pq.ParquetFile(_open(lake, source_file))
            for group in range(file.num_row_groups):
                file.read_row_group(group)
        except _DAMAGE as error:
            damaged[source_file.path] = f"damaged Parquet file: {str(error).splitlines()[0]}"
    return damaged


def _footer(metadata: Any, left_out: Collection[str]) -> Footer:
    leaves = {leaf.path: leaf.physical_type for leaf in map(metadata.schema.column, range(metadata.num_columns))}
    types: dict[str, ReadType] = {}
    for column in metadata.schema.to_arrow_schema():
        if column.name in OF_CORRECTIONS:
            continue
        try:
            types[column.name] = read_type(column.type, leaves.get(column.name, ""))
        except UnreadableTypeError as error:
            if column.name not in left_out or pa.types.is_float16(column.type):
                raise UnreadableTypeError(f"column {column.name!r} is {error}") from None
            types[column.name] = ReadType(VOID)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    return Footer(
        metadata.num_rows,
        {name: kind.column for name, kind in types.items()},
        {name: kind.read_as for name, kind in types.items() if kind.read_as},
        {name: kind.unit for name, kind in types.items() if kind.unit},
        max((group.total_byte_size // max(group.num_rows, 1) for group in groups), default=0),
    )


def _open(lake: Lake, source_file: SourceObject) -> Any:
    # Column chunk metadata are not read here: pyarrow crashes the process if they are damaged.
    return pa.PythonFile(ObjectFile(lake, source_file.path, source_file.size), mode="r")
