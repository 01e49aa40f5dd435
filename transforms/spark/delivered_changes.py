"""Adds the reader's columns to rows of AWS DMS files that Spark has read."""

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from transforms.changes.load_files import LOAD_PATH
from transforms.spark.changes import FILE, IS_LOAD, KIND, OBJECT, POSITION, SEQUENCE, TIME, TIME_DIGITS, require_columns
from transforms.spark.exact_casts import digits_below_microseconds, if_dated
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
    """Add the input columns of ``transforms.spark.changes.with_change_order``.

    Columns in:  ``file_column`` (string; the path of the row's file), ``position_column`` (integer; the row's position
                 in the file), ``time_column`` (timestamp, or string in UTC unless it has an offset); if present,
                 ``kind_column`` (string: I, U, D) and ``sequence_column`` (string)
    Columns out: every input column, _lakewright_kind, _lakewright_sequence, _lakewright_object, _lakewright_file,
                 _lakewright_time_digits (string), _lakewright_time (timestamp), _lakewright_is_load (boolean; whether
                 the file is named ``LOAD….parquet``), _lakewright_position (long; null above ten
                 digits, the limit of the order)
    Rows:        unchanged

    Spark has file and position in ``_metadata.file_path`` and ``_metadata.row_index``. The path is part of the order:
    orders are only comparable if all paths start at the same folder.

    Raises:
        MissingColumnsError: If the column of file, position or time is missing.
    """
    require_columns(rows, (file_column, position_column, time_column))
    file, position = column(file_column), column(position_column).cast("long")
    is_load = F.coalesce(file.rlike(rf"(?s)^{LOAD_PATH}\z"), F.lit(False))
    return rows.withColumns(
        {
            KIND: _text_or_null(rows, kind_column),
            SEQUENCE: _text_or_null(rows, sequence_column),
            TIME: _time(rows, time_column),
            TIME_DIGITS: digits_below_microseconds(column(time_column).cast("string")),
            IS_LOAD: is_load,
            OBJECT: file,
            FILE: file,
            POSITION: F.when(position.between(0, _LAST_POSITION), position),
        }
    )


def _time(rows: DataFrame, name: str) -> Column:
    if not isinstance(rows.schema[name].dataType, StringType):
        return column(name).cast("timestamp")
    # With a time zone a string is the same time in every session; one with an offset does not parse with another.
    written = quoted(name)
    texts = (f"concat(trim({written}), 'Z')", f"concat(trim({written}), ' 00:00:00Z')", written)
    return if_dated(column(name), F.coalesce(*(F.expr(f"try_cast({text} as timestamp)") for text in texts)))


def _text_or_null(rows: DataFrame, name: str) -> Column:
    return column(name).cast("string") if name in rows.columns else F.lit(None).cast("string")
