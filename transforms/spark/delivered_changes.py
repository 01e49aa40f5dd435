"""Rows as AWS DMS delivers them to changes: what the job's reader adds, for frames that Spark read by itself."""

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from transforms.changes.load_files import LOAD_PATH
from transforms.spark.changes import FILE, IS_LOAD, KIND, OBJECT, POSITION, SEQUENCE, TIME, require_columns
from transforms.spark.names import column, quoted

_LAST_POSITION: Final = 9_999_999_999


def with_delivery(
    rows: DataFrame,
    *,
    file_column: str,
    position_column: str,
    time_column: str,
    kind_column: str = "Op",
    sequence_column: str = "AR_H_CHANGE_SEQ",
) -> DataFrame:
    """Add what ``transforms.spark.changes.with_change_order`` needs to know of each row.

    Columns in:  ``file_column`` (string; the path of the row's file), ``position_column`` (whole number; its place in
                 the file), ``time_column`` (timestamp, or string, which is in UTC unless it says its offset); where
                 there, ``kind_column`` (string: I, U, D) and ``sequence_column`` (string)
    Columns out: every input column, _lakewright_kind, _lakewright_sequence, _lakewright_object, _lakewright_file
                 (string), _lakewright_time (timestamp), _lakewright_is_load (boolean; whether the file is named
                 ``LOAD….parquet``), _lakewright_position (long; null above ten digits, which no order has room for)
    Rows:        unchanged

    Read from files, a row has file and position in ``_metadata.file_path`` and ``_metadata.row_index``. The path is
    part of the order: orders can be compared where all paths begin at the same folder.

    Raises:
        MissingColumnsError: If the column of file, position or time is absent.
    """
    require_columns(rows, (file_column, position_column, time_column))
    file, position = column(file_column), column(position_column).cast("long")
    is_load = F.coalesce(file.rlike(rf"(?s)^{LOAD_PATH}\z"), F.lit(False))
    return rows.withColumns(
        {
            KIND: _text_or_null(rows, kind_column),
            SEQUENCE: _text_or_null(rows, sequence_column),
            TIME: _time(rows, time_column),
            IS_LOAD: is_load,
            OBJECT: file,
            FILE: file,
            POSITION: F.when(position.between(0, _LAST_POSITION), position),
        }
    )


def _time(rows: DataFrame, name: str) -> Column:
    if not isinstance(rows.schema[name].dataType, StringType):
        return column(name).cast("timestamp")
    # With its zone a text is the same time in every session; one that says its own cannot be read with another.
    written = quoted(name)
    texts = (f"concat(trim({written}), 'Z')", f"concat(trim({written}), ' 00:00:00Z')", written)
    return F.coalesce(*(F.expr(f"try_cast({text} as timestamp)") for text in texts))


def _text_or_null(rows: DataFrame, name: str) -> Column:
    return column(name).cast("string") if name in rows.columns else F.lit(None).cast("string")
