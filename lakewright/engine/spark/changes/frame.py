"""Reads change files as one frame."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from lakewright.dms.files import ChangeFiles, Footer, is_load
from lakewright.engine.spark.objects import hadoop_uri
from lakewright.storage.lake import Lake
from transforms.changes.column_types import VOID, holds
from transforms.changes.columns import TIME_TEXT
from transforms.spark.changes import ABSENT, BEFORE, FILE, IS_LOAD, KIND, OBJECT, POSITION, SEQUENCE, TIME, TIME_DIGITS
from transforms.spark.exact_casts import (
    INEXACT,
    digits_below_microseconds,
    exact_cast,
    if_dated,
    text_of_time,
    timestamp_of_nanoseconds,
)
from transforms.spark.names import column, quoted

_LONGEST_PATH: Final = 1 << 16
#: Maximum rows, and bytes, that Spark reads at once.
_ROWS_AT_ONCE: Final = 4096
_BYTES_AT_ONCE: Final = 64 << 20
_PER_MICROSECOND: Final = 1000
_PER_SECOND: Final = 1_000_000_000


def read_changes(spark: SparkSession, files: ChangeFiles) -> DataFrame:
    """Read files of one table that may differ in schema.

    Columns are matched by table name, ignoring case unless a name matches exactly; missing ones are null.

    Columns out: ``files.columns``, then the reader's columns of ``transforms.spark.changes``; for
                 ``files.names.before`` also the values before the update; _lakewright_inexact (map of column to text;
                 values that a column cannot represent, which are null there)
    Rows:        every row of every file, except those that corrections replace
    """
    widest = max((footer.row_bytes for footer in files.footers.values()), default=0)
    rows_at_once = max(1, min(_ROWS_AT_ONCE, _BYTES_AT_ONCE // max(widest, 1)))
    spark.conf.set("spark.sql.parquet.columnarReaderBatchSize", rows_at_once)
    alike: dict[Any, list[str]] = {}
    for path, footer in files.footers.items():
        types = (tuple(by_name.items()) for by_name in (footer.columns, footer.read_as, footer.units))
        alone = path if files.superseded.get(path) else path in files.corrections
        alike.setdefault((is_load(path), alone, *types), []).append(path)
    parts = [_read_alike(spark, files, files.footers[paths[0]], paths) for paths in alike.values()]
    return reduce(DataFrame.unionByName, parts)


def _read_alike(spark: SparkSession, files: ChangeFiles, footer: Footer, paths: Sequence[str]) -> DataFrame:
    lake, columns, names = files.lake_of(paths[0]), files.columns, files.names
    is_correction = paths[0] in files.corrections
    folder = "" if is_correction else files.folder
    # If the source has op and DMS adds Op, the table's column is op.
    of_source = [name for name in footer.columns if name not in names.added]
    exact = {names.of_table.name_of(name): name for name in of_source}
    known = {name.casefold(): source for name, source in exact.items()}
    by_case = {name.casefold(): name for name in footer.columns}

    def of_table(name: str) -> str:
        return exact.get(name, known.get(name.casefold(), ""))

    def before(name: str) -> str:
        """Without a before image a column counts as unchanged."""
        source = of_table(name)
        image = names.before_prefix + (source or files.sources.get(name, name))
        return by_case.get(image.casefold(), source)

    values = {name: ColumnOfFile(footer, of_table(name), kind, name in names.key) for name, kind in columns.items()}
    former = {name: ColumnOfFile(footer, before(name), columns[name], name in names.key) for name in names.before}
    kind, sequence, time_text = (
        ColumnOfFile(footer, name, "string") for name in (names.kind, names.sequence, names.time)
    )
    time = replace(time_text, wanted="timestamp")
    inexact = {name: value.inexact for name, value in values.items()}
    inexact |= {value.name: value.inexact for name, value in former.items() if value.name != of_table(name)}
    used = [*values.values(), *former.values(), kind, sequence, time]
    read = {value.name: value.physical for value in used if value.is_there}
    read |= {FILE: "string", POSITION: "bigint"} if is_correction else {}
    schema = ", ".join(f"{quoted(name)} {physical}" for name, physical in read.items())
    reader = spark.read.schema(schema or StructType()).options(recursiveFileLookup=True, __globPaths__=False)
    rows = reader.parquet(*(lake.spark_uri(path) for path in paths))
    metadata = _metadata(rows)
    file = _file_below(metadata, lake.spark_uri(folder) + "/", paths, lake)
    changes = rows.select(
        *(value.cast.alias(name) for name, value in values.items()),
        *(value.cast.alias(BEFORE + name) for name, value in former.items()),
        F.array(*(F.lit(name) for name in columns if not of_table(name))).cast("array<string>").alias(ABSENT),
        _by_column(inexact).alias(INEXACT),
        kind.read.alias(KIND),
        sequence.read.alias(SEQUENCE),
        (if_dated(time_text.read, time.read) if time.is_text else time.read).alias(TIME),
        time_text.read.alias(TIME_TEXT),
        time_text.digits_below_microseconds.alias(TIME_DIGITS),
        F.lit(is_load(paths[0])).alias(IS_LOAD),
        F.concat(F.lit(folder), file).alias(OBJECT),
        (F.col(FILE) if is_correction else file).alias(FILE),
        (F.col(POSITION) if is_correction else metadata["row_index"]).alias(POSITION),
    )
    superseded = files.superseded.get(paths[0])
    return changes.where(~F.col(POSITION).isin(list(superseded))) if superseded else changes


@dataclass(frozen=True)
class ColumnOfFile:
    """A column of files with equal schemas, and its wanted type.

    Attributes:
        name: Its name in the files; empty if they lack it.
        is_key: Whether different texts must stay different: "7" and "07" are one integer.
    """

    footer: Footer
    name: str
    wanted: str
    is_key: bool = False

    @property
    def is_there(self) -> bool:
        """Whether the files have values of it."""
        return self._kind != VOID

    @property
    def is_text(self) -> bool:
        """Whether its values are strings, before they are cast."""
        return self._kind == "string"

    @property
    def physical(self) -> str:
        """The type that Spark reads it as."""
        return self.footer.read_as.get(self.name, self._kind)

    @property
    def read(self) -> Column:
        """Its values in the wanted type, by Spark's cast."""
        return self._value.cast(self.wanted) if self.is_there else F.lit(None).cast(self.wanted)

    @property
    def digits_below_microseconds(self) -> Column:
        """See the function; its values are times."""
        if self._unit == "timestamp(ns)":
            nanoseconds = F.pmod(column(self.name), F.lit(_PER_SECOND))
            return digits_below_microseconds(F.format_string(".%09d", nanoseconds))
        return digits_below_microseconds(self.read)

    @property
    def cast(self) -> Column:
        """Its values in the wanted type; null if it cannot represent them."""
        if not self.is_there or self._loses_nothing:
            return self.read
        made = exact_cast(self._value, self._kind, self.wanted)
        if self.is_key and self.is_text:
            return F.when(made.cast("string") == self._value, made)
        if self._unit == "timestamp(ns)":
            return F.when(column(self.name) % _PER_MICROSECOND == 0, made)
        return made

    @property
    def inexact(self) -> Column | None:
        """Text of values that the wanted type cannot represent; None if it represents all."""
        if not self.is_there or self._loses_nothing:
            return None
        return F.when(self.cast.isNull(), column(self.name).cast("string"))

    @property
    def _kind(self) -> str:
        return self.footer.columns.get(self.name, VOID)

    @property
    def _unit(self) -> str:
        return self.footer.units.get(self.name, "")

    @property
    def _loses_nothing(self) -> bool:
        return holds(self.wanted, self._kind) and not self._unit

    @property
    def _value(self) -> Column:
        """Its values in the column's type before widening or casting."""
        value, (what, _, unit) = column(self.name), self._unit.rstrip(")").partition("(")
        if what == "time":
            return text_of_time(value, unit)
        return timestamp_of_nanoseconds(value) if what == "timestamp" else value


def _by_column(texts: Mapping[str, Column | None]) -> Column:
    """Map columns to their texts, without null ones."""
    entries = [
        F.when(text.isNotNull(), F.struct(F.lit(name), text)) for name, text in texts.items() if text is not None
    ]
    by_column = F.map_from_entries(F.array_compact(F.array(*entries))) if entries else F.create_map()
    return by_column.cast("map<string,string>")


def _metadata(rows: DataFrame) -> Column:
    """Spark's file metadata of a row, even if a column has that name."""
    return Column(rows._jdf.metadataColumn("_metadata"))


def _file_below(metadata: Column, root: str, paths: Sequence[str], lake: Lake) -> Column:
    """The path of a row's file below a folder."""
    uri, start = metadata["file_path"], hadoop_uri(root)
    if not any("%" in hadoop_uri(lake.spark_uri(path)) for path in paths):
        return uri.substr(len(start) + 1, _LONGEST_PATH)
    # A plus sign is literal in paths, but url_decode would turn it into a blank.
    decoded = F.url_decode(F.replace(uri, F.lit("+"), F.lit("%2B")))
    return decoded.substr(len(root) + 1, _LONGEST_PATH)
