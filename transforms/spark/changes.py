"""From changes as they were delivered to one change per key, by an order in which no two changes are equal.

A change has a kind (insert, update, delete), a key and an order. Rows of a full load come before all changes. Changes
are ordered by the number that the replication gave them where there is one, else by their time; after that by the
file that they came in and their place in it. Where files have neither, the time stamps in their names stand for both.
The order is one string, so that a table can hold it and compare it.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, DataType, DoubleType, FloatType, StringType, TimestampType

from transforms.changes.file_order import STAMP_DIGITS, STAMPED_PATH
from transforms.errors import MissingColumnsError
from transforms.spark.exact_casts import INEXACT
from transforms.spark.names import column
from transforms.spark.settings import require_utc

#: What a reader of changes adds to the columns of the source table.
KIND: Final = "_lakewright_kind"
SEQUENCE: Final = "_lakewright_sequence"
TIME: Final = "_lakewright_time"
IS_LOAD: Final = "_lakewright_is_load"
OBJECT: Final = "_lakewright_object"
FILE: Final = "_lakewright_file"
POSITION: Final = "_lakewright_position"
#: Names of the columns that a change's file lacks.
ABSENT: Final = "_lakewright_absent"
#: Prefix of the columns that hold a key or partition column as it was before an update.
BEFORE: Final = "_lakewright_before_"
#: What is added here.
KEY: Final = "_record_key"
ORDER: Final = "_change_order"
IS_DELETED: Final = "_hoodie_is_deleted"
#: Whether the first change of a key is an update, so that its row must be in the table already.
UPDATES: Final = "_lakewright_updates"
#: The order of a key's first change.
FIRST_ORDER: Final = "_lakewright_first_order"
#: Whether a deletion is that of a key that is now in another partition.
MOVES: Final = "_lakewright_moves"
#: The key that an update has changed, as text; null where it is the same.
FORMER_KEY: Final = "_lakewright_former_key"
#: Whether a deletion follows from an update that changed the key, and has no row of its own.
IS_IMPLIED: Final = "_lakewright_is_implied"
REJECTED: Final = "_lakewright_rejected"
REASONS: Final = "_lakewright_reasons"
_RANK: Final = "_lakewright_rank"
_HELD_KEY: Final = "_lakewright_held_key"
_HELD_ORDER: Final = "_lakewright_held_order"
_HELD_IN: Final = "_lakewright_held_in"

#: A change sequence number has 35 digits, of which the first sixteen are its time.
_SEQUENCE_DIGITS: Final = 35
_POSITION_DIGITS: Final = 10
_FIRST_MICROS: Final = -62_135_596_800_000_000  # year 1
_LAST_MICROS: Final = 253_402_300_799_999_999  # year 9999
_DAY, _HOUR, _MINUTE = 86_400_000_000, 3_600_000_000, 60_000_000
_HIVE_NULL: Final = "__HIVE_DEFAULT_PARTITION__"
_REASONS: Final = "array<struct<rule:string,column:string>>"


def with_change_order(
    changes: DataFrame,
    *,
    key: Sequence[str],
    kind_column: str,
    time_column: str,
    sequence_column: str = "",
    by_file: bool = False,
) -> DataFrame:
    """Add to each change its key as one text, its order, and why it must be rejected.

    Columns in:  those of ``key``; _lakewright_kind, _lakewright_sequence (string), _lakewright_time (timestamp),
                 _lakewright_is_load (boolean), _lakewright_file (string), _lakewright_position (long)
    Columns out: every input column, _record_key, _change_order (string), _hoodie_is_deleted (boolean; true or null),
                 _lakewright_rejected (boolean), _lakewright_reasons (array of struct of rule and column; null where
                 a rule was not broken)
    Rows:        unchanged

    ``transforms.spark.delivered_changes.with_delivery`` adds the columns in to rows that Spark read by itself.
    ``kind_column``, ``time_column`` and ``sequence_column`` (empty where files have none) are the names to give as
    reasons. The rules: null_key, empty_key, encoding (a key that is not UTF-8, which Hudi's Java strings cannot hold),
    kind, order (neither a time nor a number; of each column that could have told).

    With ``by_file`` changes are ordered by the stamps in the names of their files and their places in them, whatever
    other columns say; the reason is (file) if a name has no stamp.

    Raises:
        MissingColumnsError: If a key column or one that a reader adds is absent.
        SessionSettingError: If a key column is a timestamp, and the session's time zone is not UTC.
    """
    require_columns(changes, key)
    require_columns(changes, (KIND, SEQUENCE, TIME, IS_LOAD, FILE, POSITION))
    _require_utc_for_times(changes, key)
    is_load = F.col(IS_LOAD)
    is_deleted = ~is_load & (F.col(KIND) == "D")
    ordered = changes.withColumns(
        {
            KEY: key_text(changes, key),
            ORDER: _order(_stamp_of_file() if by_file else _moment_of_columns()),
            IS_DELETED: F.when(is_deleted, F.lit(True)),
        }
    )
    faults = [(column(name).isNull(), "null_key", name) for name in key]
    if len(key) == 1:
        faults.append((F.col(KEY) == "", "empty_key", key[0]))
    faults += _encoding_faults(changes, key)
    known_kind = F.col(KIND).isNotNull() & F.col(KIND).isin("I", "U", "D")
    faults.append((~is_load & ~known_kind, "kind", kind_column))
    has_no_order = F.col(ORDER).isNull()
    unordered = ["(file)"] if by_file else [name for name in (sequence_column, time_column) if name]
    faults += [(has_no_order, "order", name) for name in unordered or ["(time)"]]
    return with_faults(ordered.withColumns({REJECTED: F.lit(False), REASONS: F.array().cast(_REASONS)}), faults)


def with_partition_reasons(changes: DataFrame, *, partition_by: Sequence[str]) -> DataFrame:
    """Reject also those changes whose partition values are not UTF-8: Hudi would merge their partitions.

    Columns in:  ``partition_by``, _lakewright_rejected and _lakewright_reasons
    Columns out: the same
    Rows:        unchanged; the rule is encoding
    """
    return with_faults(changes, _encoding_faults(changes, partition_by))


def with_value_reasons(changes: DataFrame, *, key: Sequence[str], beside_values: Collection[str] = ()) -> DataFrame:
    """Reject also inserts and updates of files that hold no more than the key, as files of deletes may.

    Columns in:  those of ``with_change_order``, _lakewright_absent (array of string; names of the columns that the
                 change's file lacks)
    Columns out: the same
    Rows:        unchanged; the rule is no_values

    ``beside_values`` are columns that say nothing of a row, such as the time of its change.
    """
    own = [name for name in changes.columns if not name.startswith(("_lakewright_", KEY, ORDER, IS_DELETED))]
    values = [name for name in own if name not in (*key, *beside_values)]
    lacks_all = F.size(F.array_intersect(ABSENT, F.array(*map(F.lit, values)))) == len(values)
    is_whole = ~F.col(IS_LOAD) & F.col(KIND).isin("I", "U")
    return with_faults(changes, [(is_whole & lacks_all, "no_values", key[0])] if values else [])


def with_folder_reasons(changes: DataFrame, *, partition_by: Sequence[str]) -> DataFrame:
    """Reject also those changes whose partition values cannot be read back from the name of a folder.

    Columns in:  ``partition_by``, _lakewright_rejected and _lakewright_reasons
    Columns out: the same
    Rows:        unchanged; the rule is partition: a text that is empty, or stands for null in folder names
    """
    faults = [(column(name).cast("string").isin("", _HIVE_NULL), "partition", name) for name in partition_by]
    return with_faults(changes, faults)


def with_inexact_reasons(changes: DataFrame) -> DataFrame:
    """Reject also those changes with values that their column's type cannot hold exactly.

    Columns in:  _lakewright_inexact (map of column to text), _lakewright_rejected and _lakewright_reasons
    Columns out: the same
    Rows:        unchanged; the rule is inexact
    """
    lost = F.map_keys(INEXACT)
    reasons = F.transform(lost, lambda name: F.struct(F.lit("inexact").alias("rule"), name.alias("column")))
    found = F.concat(REASONS, reasons.cast(_REASONS))
    return changes.withColumns({REJECTED: F.col(REJECTED) | (F.size(lost) > 0), REASONS: found})


def keep_last_changes(changes: DataFrame) -> DataFrame:
    """Keep the last change of each key.

    Columns in:  those of ``with_change_order``; where there, _lakewright_former_key
    Columns out: the same, _lakewright_updates (boolean; whether the first change of the key is an update, so that its
                 row must be in the table already), _lakewright_first_order (string; the order of that change)
    Rows:        without rejected ones, which ``keep_rejected_changes`` gives; one per key. The order is total, so that
                 it is always the same one

    Raises:
        MissingColumnsError: If a column of ``with_change_order`` is absent.
    """
    require_columns(changes, (KEY, ORDER, IS_DELETED, REJECTED, KIND, IS_LOAD))
    of_key = Window.partitionBy(KEY)
    ranked = changes.where(~F.col(REJECTED)).withColumns(
        {
            _RANK: F.row_number().over(of_key.orderBy(F.col(ORDER).desc())),
            UPDATES: F.min_by(is_update_in_place(changes), ORDER).over(of_key),
            FIRST_ORDER: F.min(ORDER).over(of_key),
        }
    )
    return ranked.where(F.col(_RANK) == 1).drop(_RANK)


def keep_newer(changes: DataFrame, *, held: DataFrame) -> DataFrame:
    """Keep the changes that come after what is already held of their key.

    Columns in:  _record_key, _change_order; in ``held`` also, with any number of rows a key
    Columns out: those of ``changes``
    Rows:        without the changes whose key is held with a later order, or the same

    Raises:
        MissingColumnsError: If the key or the order is absent.
    """
    require_columns(changes, (KEY, ORDER))
    require_columns(held, (KEY, ORDER))
    last_held = held.groupBy(KEY).agg(F.max(ORDER).alias(_HELD_ORDER)).withColumnRenamed(KEY, _HELD_KEY)
    joined = changes.join(last_held, on=F.col(KEY) == F.col(_HELD_KEY), how="left")
    newer = F.col(_HELD_ORDER).isNull() | (F.col(ORDER) > F.col(_HELD_ORDER))
    return joined.where(newer).select(changes.columns)


def place_changes(changes: DataFrame, *, held: DataFrame, partition_by: Sequence[str]) -> DataFrame:
    """Delete keys in the partitions that hold them: those that are deleted, and those that moved to another one.

    Columns in:  _record_key, _hoodie_is_deleted and ``partition_by``; in ``held`` the key and ``partition_by``, with a
                 row for each partition that holds a key
    Columns out: those of ``changes``, _lakewright_moves (boolean; whether a deletion is that of a key that has moved)
    Rows:        what is not deleted, as it is; and a deletion for each partition that holds a key which is deleted, or
                 which is now in another one. Deletions of keys that are held nowhere drop out

    Raises:
        MissingColumnsError: If the key, the mark of deletions or a column of ``partition_by`` is absent.
        SessionSettingError: If one of ``partition_by`` is a timestamp, and the session's time zone is not UTC.
    """
    require_columns(changes, (KEY, IS_DELETED, *partition_by))
    require_columns(held, (KEY, *partition_by))
    _require_utc_for_times(changes, partition_by)
    places = held.select(F.col(KEY).alias(_HELD_KEY), F.struct(*map(column, partition_by)).alias(_HELD_IN))
    found = changes.join(places, on=F.col(KEY) == F.col(_HELD_KEY))
    held_in = {name: F.col(_HELD_IN)[name] for name in partition_by}
    has_moved = reduce(or_, (_folder(column(name)) != _folder(held_in[name]) for name in partition_by))
    moves = F.col(IS_DELETED).isNull()
    gone = found.where(~moves | has_moved).withColumns({MOVES: moves, **held_in, IS_DELETED: F.lit(True)})
    stays = changes.where(F.col(IS_DELETED).isNull()).withColumn(MOVES, F.lit(False))
    return stays.unionByName(gone.select(*map(column, changes.columns), MOVES))


def keep_rejected_changes(changes: DataFrame, *, columns: Sequence[str]) -> DataFrame:
    """Keep the rejected changes, with every reason and what they held.

    Columns in:  those of ``with_change_order``, _lakewright_object and ``columns``
    Columns out: object (string), reasons (array of struct of rule and column), text (string; always null: a Parquet
                 file holds none), fields (map of column to text; also the kind of change and its place in the file)
    Rows:        those that are rejected
    """
    texts = {name: column(name).cast("string") for name in columns}
    if INEXACT in changes.columns:
        texts = {name: F.coalesce(F.col(INEXACT)[name], text) for name, text in texts.items()}
    fields = [part for name, text in texts.items() for part in (F.lit(name), text)]
    place = [F.lit("(kind)"), F.col(KIND), F.lit("(position)"), F.col(POSITION).cast("string")]
    return changes.where(REJECTED).select(
        F.col(OBJECT).alias("object"),
        F.filter(REASONS, lambda reason: reason.isNotNull()).alias("reasons"),
        F.lit(None).cast("string").alias("text"),
        F.create_map(*fields, *place).alias("fields"),
    )


def key_text(changes: DataFrame, names: Sequence[str]) -> Column:
    """Write a key as one text; no two keys share one, and each is valid UTF-8 if its texts are.

    Bytes are written as hexadecimal digits, since text holds no others than those of its encoding. The zero of float
    and double has one text, as -0.0 equals it. Of several columns each is escaped, with commas between.
    """
    return text_of_key([(column(name), changes.schema[name].dataType) for name in names])


def text_of_key(fields: Sequence[tuple[Column, DataType]]) -> Column:
    """Write values of a key as one text; see ``key_text``."""
    texts = [_text_of(value, kind) for value, kind in fields]
    if len(texts) == 1:
        return texts[0]
    escaped = [F.replace(F.replace(text, F.lit("%"), F.lit("%25")), F.lit(","), F.lit("%2C")) for text in texts]
    return F.concat_ws(",", *escaped)


def is_utf8(text: Column) -> Column:
    """Tell whether a text is UTF-8: Java replaces what it cannot decode, so that other bytes come back."""
    return F.decode(text.cast("binary"), "UTF-8").cast("binary") == text.cast("binary")


def _text_of(value: Column, kind: DataType) -> Column:
    if isinstance(kind, BinaryType):
        return F.hex(value)
    if isinstance(kind, FloatType | DoubleType):
        return F.when(value == 0, F.lit("0.0")).otherwise(value.cast("string"))
    return value.cast("string")


def _encoding_faults(changes: DataFrame, names: Sequence[str]) -> list[tuple[Column, str, str]]:
    types = {field.name: field.dataType for field in changes.schema}
    texts = [name for name in names if isinstance(types.get(name), StringType)]
    return [(~is_utf8(column(name)), "encoding", name) for name in texts]


def highest_load_order(file: str) -> str:
    """Give an order that no row of a full load's file exceeds."""
    return f"0 {file} {'9' * _POSITION_DIGITS}"


def needs_key_column(types: Mapping[str, str]) -> bool:
    """Tell whether a table must hold the key's text in a column of its own: ``types`` are key columns and their types.

    A single text or whole number is its own text, whichever way a table writes it. Dates, decimals and keys of several
    columns are not.
    """
    return len(types) > 1 or not set(types.values()) <= {"string", "int", "bigint"}


def is_update_in_place(changes: DataFrame) -> Column:
    """Tell updates of a row that keeps its key; anything else is a whole row, or ends one.

    Columns in: _lakewright_kind, _lakewright_is_load, _hoodie_is_deleted; where there, _lakewright_former_key
    """
    is_update = ~F.col(IS_LOAD) & F.col(IS_DELETED).isNull() & F.coalesce(F.col(KIND) == "U", F.lit(False))
    return is_update & F.col(FORMER_KEY).isNull() if FORMER_KEY in changes.columns else is_update


def require_columns(frame: DataFrame, names: Sequence[str]) -> None:
    """Make sure that columns are there.

    Raises:
        MissingColumnsError: If one is not.
    """
    if missing := [name for name in names if name not in frame.columns]:
        raise MissingColumnsError(missing, [name for name in frame.columns if not name.startswith("_")])


def _order(of_change: Column) -> Column:
    """Write the order of a change as text: 0 for loads and 1 for changes, the moment of a change, file, place in it."""
    moment = F.when(F.col(IS_LOAD), F.lit("0")).otherwise(F.concat(F.lit("1"), of_change))
    place = F.lpad(F.col(POSITION).cast("string"), _POSITION_DIGITS, "0")
    return F.concat(moment, F.lit(" "), FILE, F.lit(" "), place)


def _moment_of_columns() -> Column:
    """Give the sequence of a change, else its time; null if it has neither."""
    sequence = F.when(F.col(SEQUENCE).rlike(f"^[0-9]{{1,{_SEQUENCE_DIGITS}}}$"), F.col(SEQUENCE))
    time = F.when(F.unix_micros(TIME).between(_FIRST_MICROS, _LAST_MICROS), _digits_of_time())
    return F.coalesce(F.lpad(sequence, _SEQUENCE_DIGITS, "0"), time)


def _stamp_of_file() -> Column:
    """Give the stamp in the name of a change's file; null if it has none."""
    pattern = rf"(?s)^{STAMPED_PATH}\z"
    digits = F.concat(*(F.regexp_extract(FILE, pattern, group) for group in (1, 2, 3)))
    return F.when(digits != "", F.rpad(digits, STAMP_DIGITS, "0"))


def _digits_of_time() -> Column:
    """Write a time as twenty digits, in UTC whatever the session's time zone is."""
    micros = f"unix_micros({TIME})"
    of_day, of_minute = f"pmod({micros}, {_DAY})", f"pmod({micros}, {_MINUTE})"
    day = f"date_from_unix_date(cast(({micros} - {of_day}) div {_DAY} as int))"
    clock = f"{of_day} div {_HOUR} * 10000000000 + {of_day} div {_MINUTE} % 60 * 100000000 + {of_minute}"
    return F.expr(f"concat(replace(cast({day} as string), '-', ''), lpad(cast({clock} as string), 12, '0'))")


def with_faults(changes: DataFrame, faults: Sequence[tuple[Column, str, str]]) -> DataFrame:
    """Reject changes for further faults: a condition, the rule that it breaks, and the column at fault.

    Whether a change is rejected is told apart from its reasons, which are then only made for those that are.
    """
    if not faults:
        return changes
    broken = [F.coalesce(condition, F.lit(False)) for condition, _, _ in faults]
    reasons = [
        F.when(condition, F.struct(F.lit(rule).alias("rule"), F.lit(name).alias("column")))
        for condition, rule, name in faults
    ]
    found = F.concat(REASONS, F.array(*reasons).cast(_REASONS))
    return changes.withColumns({REJECTED: reduce(or_, broken, F.col(REJECTED)), REASONS: found})


def _require_utc_for_times(frame: DataFrame, names: Sequence[str]) -> None:
    """Make sure that timestamps whose text counts are written as the same text in every session."""
    if any(isinstance(frame.schema[name].dataType, TimestampType) for name in names):
        require_utc(frame)


def _folder(value: Column) -> Column:
    """Give what a partition's folder is named after; null and empty text share one."""
    text = value.cast("string")
    return F.when(text.isNull() | (text == ""), F.lit(_HIVE_NULL)).otherwise(text)
