"""A total order of changes, as one string that tables can store and compare.

Rows of a full load come before all changes. Changes are ordered by sequence number if there is one, else by time; then
by file and position in it. If files have neither, the time stamps in their names replace both.
"""

from collections.abc import Sequence
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transforms.changes.columns import (
    FILE,
    IS_DELETED,
    IS_LOAD,
    KEY,
    KIND,
    ORDER,
    POSITION,
    REASONS,
    REJECTED,
    SEQUENCE,
    TIME,
    TIME_DIGITS,
)
from transforms.changes.file_order import STAMP_DIGITS, STAMPED_PATH
from transforms.instants import FIRST_MICROS, LAST_MICROS
from transforms.spark.changes.columns import require_columns
from transforms.spark.changes.keys import key_text, require_utc_for_times
from transforms.spark.changes.rejection import REASONS_TYPE, encoding_faults, with_faults
from transforms.spark.exact_casts import INEXACT
from transforms.spark.names import column

#: Digits of a change sequence number; the first sixteen are its time.
_SEQUENCE_DIGITS: Final = 35
_POSITION_DIGITS: Final = 10
_DAY, _HOUR, _MINUTE = 86_400_000_000, 3_600_000_000, 60_000_000


def with_change_order(
    changes: DataFrame,
    *,
    key: Sequence[str],
    kind_column: str,
    time_column: str,
    sequence_column: str = "",
    by_file: bool = False,
) -> DataFrame:
    """Add to each change its key as text, its order, and the reasons for rejecting it.

    Columns in:  those of ``key``; _lakewright_kind, _lakewright_sequence (string), _lakewright_time (timestamp),
                 _lakewright_is_load (boolean), _lakewright_file (string), _lakewright_position (long); if present,
                 _lakewright_time_digits (string; digits of the time below a microsecond, without zeros at the end)
    Columns out: every input column, _record_key, _change_order (string), _hoodie_is_deleted (boolean; true or null),
                 _lakewright_rejected (boolean), _lakewright_reasons (array of struct of rule and column; null for
                 rules that are not broken)
    Rows:        unchanged

    ``transforms.spark.delivered_changes.with_delivery`` adds the input columns to rows read by Spark. ``kind_column``,
    ``time_column`` and ``sequence_column`` (empty if there is none) are the columns to name in reasons. Rules:
    null_key, empty_key, encoding (a key that is not valid UTF-8, as Hudi's Java strings require), kind, order (neither
    time nor sequence; one reason per column that could have one).

    With ``by_file`` changes are ordered by the time stamp in the file name and the position in the file, regardless of
    other columns; the reason's column is (file) if a name has no stamp.

    Raises:
        MissingColumnsError: If a key column or a reader's column is missing.
        SessionSettingError: If a key column is a timestamp, and the session's time zone is not UTC.
    """
    require_columns(changes, key)
    require_columns(changes, (KIND, SEQUENCE, TIME, IS_LOAD, FILE, POSITION))
    require_utc_for_times(changes, key)
    is_load = F.col(IS_LOAD)
    is_deleted = ~is_load & (F.col(KIND) == "D")
    ordered = changes.withColumns(
        {
            KEY: key_text(changes, key),
            ORDER: _order(_stamp_of_file() if by_file else _moment_of_columns(changes)),
            IS_DELETED: F.when(is_deleted, F.lit(True)),
        }
    )
    faults = [(_is_null(changes, name), "null_key", name) for name in key]
    if len(key) == 1:
        faults.append((F.col(KEY) == "", "empty_key", key[0]))
    faults += encoding_faults(changes, key)
    known_kind = F.col(KIND).isNotNull() & F.col(KIND).isin("I", "U", "D")
    faults.append((~is_load & ~known_kind, "kind", kind_column))
    has_no_order = F.col(ORDER).isNull()
    unordered = ["(file)"] if by_file else [name for name in (sequence_column, time_column) if name]
    faults += [(has_no_order, "order", name) for name in unordered or ["(time)"]]
    return with_faults(ordered.withColumns({REJECTED: F.lit(False), REASONS: F.array().cast(REASONS_TYPE)}), faults)


def highest_load_order(file: str) -> str:
    """Return an upper bound for the order of rows in a full-load file."""
    return f"0 {file} {'9' * _POSITION_DIGITS}"


def _is_null(changes: DataFrame, name: str) -> Column:
    """Whether a value is null in its file, rather than one that the column cannot represent."""
    is_null = column(name).isNull()
    return is_null & F.col(INEXACT)[name].isNull() if INEXACT in changes.columns else is_null


def _order(of_change: Column) -> Column:
    """Encode the order of a change as text: 0 for loads or 1 and the moment of a change; file; position."""
    moment = F.when(F.col(IS_LOAD), F.lit("0")).otherwise(F.concat(F.lit("1"), of_change))
    place = F.lpad(F.col(POSITION).cast("string"), _POSITION_DIGITS, "0")
    return F.concat(moment, F.lit(" "), FILE, F.lit(" "), place)


def _moment_of_columns(changes: DataFrame) -> Column:
    """Return the sequence of a change, else its time; null if it has neither."""
    sequence = F.when(F.col(SEQUENCE).rlike(f"^[0-9]{{1,{_SEQUENCE_DIGITS}}}$"), F.col(SEQUENCE))
    time = F.when(F.unix_micros(TIME).between(FIRST_MICROS, LAST_MICROS), _digits_of_time())
    if TIME_DIGITS in changes.columns:
        # A blank follows, which sorts before any further digit.
        time = F.concat(time, F.coalesce(F.col(TIME_DIGITS), F.lit("")))
    return F.coalesce(F.lpad(sequence, _SEQUENCE_DIGITS, "0"), time)


def _stamp_of_file() -> Column:
    """Return the time stamp in the name of a change's file; null if it has none."""
    pattern = rf"(?s)^{STAMPED_PATH}\z"
    digits = F.concat(*(F.regexp_extract(FILE, pattern, group) for group in (1, 2, 3)))
    return F.when(digits != "", F.rpad(digits, STAMP_DIGITS, "0"))


def _digits_of_time() -> Column:
    """Format a time as twenty digits in UTC, independent of the session's time zone."""
    micros = f"unix_micros({TIME})"
    of_day, of_minute = f"pmod({micros}, {_DAY})", f"pmod({micros}, {_MINUTE})"
    day = f"date_from_unix_date(cast(({micros} - {of_day}) div {_DAY} as int))"
    clock = f"{of_day} div {_HOUR} * 10000000000 + {of_day} div {_MINUTE} % 60 * 100000000 + {of_minute}"
    return F.expr(f"concat(replace(cast({day} as string), '-', ''), lpad(cast({clock} as string), 12, '0'))")
