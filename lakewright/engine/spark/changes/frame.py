"""Files of changes as a frame."""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakewright.dms.files import ChangeFiles, is_load
from lakewright.engine.spark.objects import hadoop_uri
from lakewright.storage.lake import Lake
from transforms.spark.changes import ABSENT, BEFORE, FILE, IS_LOAD, KIND, OBJECT, POSITION, SEQUENCE, TIME
from transforms.spark.names import column, quoted

_LONGEST_PATH: Final = 1 << 16
#: Spark reads so many rows at once, or as many as have these bytes.
_ROWS_AT_ONCE: Final = 4096
_BYTES_AT_ONCE: Final = 64 << 20


def read_changes(spark: SparkSession, files: ChangeFiles) -> DataFrame:
    """Read files of one table, however their schemas differ.

    A column is looked up in a file by the name that the table gives it, without regard to case if no name is exact, and
    is null where the file has none.

    Columns out: ``files.columns``, then those of ``transforms.spark.changes`` that a reader adds; of
                 ``files.names.before`` also the values before the update
    Rows:        every row of every file
    """
    widest = max((footer.row_bytes for footer in files.footers.values()), default=0)
    rows_at_once = max(1, min(_ROWS_AT_ONCE, _BYTES_AT_ONCE // max(widest, 1)))
    spark.conf.set("spark.sql.parquet.columnarReaderBatchSize", rows_at_once)
    alike: dict[tuple[bool, tuple[tuple[str, str], ...]], list[str]] = {}
    for path, footer in files.footers.items():
        physical = footer.columns | footer.read_as
        alike.setdefault((is_load(path), tuple(physical.items())), []).append(path)
    parts = [_read_alike(spark, files, dict(key[1]), paths) for key, paths in alike.items()]
    return reduce(DataFrame.unionByName, parts)


def _read_alike(
    spark: SparkSession, files: ChangeFiles, physical: Mapping[str, str], paths: Sequence[str]
) -> DataFrame:
    lake, folder, columns, names = files.lake, files.folder, files.columns, files.names
    schema = ", ".join(f"{quoted(name)} {kind}" for name, kind in physical.items())
    reader = spark.read.schema(schema).options(recursiveFileLookup=True, __globPaths__=False)
    rows = reader.parquet(*(lake.spark_uri(path) for path in paths))
    # Where the source has op and DMS adds Op, the column of the table is op.
    of_source = [name for name in physical if name not in names.added]
    exact = {names.of_table.name_of(name): name for name in of_source}
    known = {name.casefold(): source for name, source in exact.items()}
    by_case = {name.casefold(): name for name in physical}

    def own(found: str | None, kind: str) -> Column:
        return (column(found) if found is not None and found in physical else F.lit(None)).cast(kind)

    def of_table(name: str) -> str | None:
        return exact.get(name, known.get(name.casefold()))

    def before(name: str) -> str | None:
        """A column without a before image is taken for unchanged."""
        source = of_table(name)
        image = names.before_prefix + (source or files.sources.get(name, name))
        return by_case.get(image.casefold(), source)

    file = _file_below(lake.spark_uri(folder) + "/", paths, lake)
    return rows.select(
        *(own(of_table(name), kind).alias(name) for name, kind in columns.items()),
        *(own(before(name), columns[name]).alias(BEFORE + name) for name in names.before),
        F.array(*(F.lit(name) for name in columns if of_table(name) is None)).cast("array<string>").alias(ABSENT),
        own(names.kind, "string").alias(KIND),
        own(names.sequence, "string").alias(SEQUENCE),
        own(names.time, "timestamp").alias(TIME),
        F.lit(is_load(paths[0])).alias(IS_LOAD),
        F.concat(F.lit(folder), file).alias(OBJECT),
        file.alias(FILE),
        F.col("_metadata.row_index").alias(POSITION),
    )


def _file_below(root: str, paths: Sequence[str], lake: Lake) -> Column:
    """Give the path of a row's file below a folder, as it is named there."""
    uri, start = F.col("_metadata.file_path"), hadoop_uri(root)
    if not any("%" in hadoop_uri(lake.spark_uri(path)) for path in paths):
        return uri.substr(len(start) + 1, _LONGEST_PATH)
    # A plus is a plus in a path, and would be a blank to url_decode.
    decoded = F.url_decode(F.replace(uri, F.lit("+"), F.lit("%2B")))
    return decoded.substr(len(root) + 1, _LONGEST_PATH)
