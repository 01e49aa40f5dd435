"""Keys of changes as text."""

from collections.abc import Mapping, Sequence
from typing import cast

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, DataType, DoubleType, FloatType, TimestampType

from transforms.spark.names import column
from transforms.spark.settings import require_utc


def key_text(changes: DataFrame, names: Sequence[str]) -> Column:
    """Encode a key as text. Different keys have different texts, which are valid UTF-8 if the key's strings are.

    Binary values become hexadecimal digits, since strings cannot represent all bytes. Float and double zeros have one
    text, as -0.0 equals 0.0. Texts of several columns are escaped and joined with commas.
    """
    return text_of_key([(column(name), changes.schema[name].dataType) for name in names])


def text_of_key(fields: Sequence[tuple[Column, DataType]]) -> Column:
    """Encode key values as text; see ``key_text``."""
    texts = [_text_of(value, kind) for value, kind in fields]
    if len(texts) == 1:
        return texts[0]
    escaped = [F.replace(F.replace(text, F.lit("%"), F.lit("%25")), F.lit(","), F.lit("%2C")) for text in texts]
    return F.concat_ws(",", *escaped)


def needs_key_column(types: Mapping[str, str]) -> bool:
    """Whether a table needs a separate column for the key's text; ``types`` are the types of the key columns.

    A single string or integer equals its text in every storage format. Dates, decimals and composite keys do not.
    """
    return len(types) > 1 or not set(types.values()) <= {"string", "int", "bigint"}


def is_utf8(text: Column) -> Column:
    """Whether a string is valid UTF-8.

    Spark 3.5 has no function for it, but replaces invalid bytes when it decodes; Spark 4 fails there.
    """
    if hasattr(F, "is_valid_utf8"):
        return cast(Column, F.is_valid_utf8(text))
    return F.decode(text.cast("binary"), "UTF-8").cast("binary") == text.cast("binary")


def require_utc_for_times(frame: DataFrame, names: Sequence[str]) -> None:
    """Require UTC if a column is a timestamp, so that its text is the same in every session.

    Raises:
        SessionSettingError: If one is, and the session's time zone is not UTC.
    """
    if any(isinstance(frame.schema[name].dataType, TimestampType) for name in names):
        require_utc(frame)


def _text_of(value: Column, kind: DataType) -> Column:
    if isinstance(kind, BinaryType):
        return F.hex(value)
    if isinstance(kind, FloatType | DoubleType):
        return F.when(value == 0, F.lit("0.0")).otherwise(value.cast("string"))
    return value.cast("string")
