"""From text columns to typed rows: what fits its declared type goes on, what does not is rejected with its reasons.

Nothing is guessed and nothing becomes null in silence. The rules are those of ``try_cast`` (Spark's ANSI casts), made
narrower where that would alter a value: a fraction that a decimal's scale has no room for, a double that overflows or
underflows, ``NaN``, Java's ``1d``, a time that a change of clocks leaves out. They hold in any session, whatever its
time zone and ANSI mode.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transforms.errors import MissingColumnsError
from transforms.spark.names import column as named_column
from transforms.spark.names import quoted
from transforms.spark.settings import require_corrected_patterns

OBJECT: Final = "_lakewright_object"
TEXT: Final = "_lakewright_text"
FAULT: Final = "_lakewright_fault"
REJECTED: Final = "_lakewright_rejected"
_TYPED: Final = "_lakewright_typed_"
RESERVED_PREFIX: Final = "_lakewright_"

ISO_DATE: Final = "yyyy-MM-dd"
_REPLACEMENT: Final = "\ufffd"
_HIVE_NULL: Final = "__HIVE_DEFAULT_PARTITION__"
_LONGEST_FOLDER: Final = 80
_NOT_CUT_INTO_FIELDS: Final = ("field_count", "quote")
_ZONE_LETTERS: Final = "VzOXxZ"
#: A text without a zone is parsed as UTC, whatever the session's zone is; no optional part of a pattern takes the mark.
_UTC_TEXT: Final = "\u0001Z"
_UTC_PATTERN: Final = "\u0001X"
_FIRST_MICROS: Final = -62_135_596_800_000_000  # year 1
_LAST_MICROS: Final = 253_402_300_799_999_999  # year 9999


@dataclass(frozen=True)
class TypedColumn:
    """One declared column.

    Attributes:
        name: Its name in the frame, before and after.
        type: string, long, int, double, decimal(p,s), boolean, date or timestamp.
        format: Pattern of a date or timestamp (Spark's datetime patterns).
        decimal_separator: ``.`` or ``,``, for double and decimal.
        timezone: Where a timestamp without a zone of its own was written, such as ``UTC`` or ``Europe/Paris``.
        null_text: Texts that mean null.
        is_folder: Whether its values become names of folders, which some texts cannot.
    """

    name: str
    type: str
    format: str = ISO_DATE
    decimal_separator: str = "."
    timezone: str = "UTC"
    null_text: tuple[str, ...] = ()
    is_folder: bool = False

    @property
    def ddl_type(self) -> str:
        """The type in Spark's words."""
        return "bigint" if self.type == "long" else self.type

    @property
    def precision_and_scale(self) -> tuple[int, int]:
        """Of a decimal: all its digits, and those of its fraction."""
        precision, scale = self.type.removeprefix("decimal(").removesuffix(")").split(",")
        return int(precision), int(scale)


def with_typed_values(rows: DataFrame, *, columns: Sequence[TypedColumn]) -> DataFrame:
    """Add the typed value of each declared column, and whether the row is rejected.

    Columns in:  every declared column (string); where there, _lakewright_fault (string; null where the row could be
                 cut into fields, as all rows could without the column)
    Columns out: every input column, a typed column for each that is declared, _lakewright_rejected (boolean)
    Rows:        unchanged; ``keep_good`` gives those that fit, ``keep_rejected`` the others with their reasons

    Raises:
        MissingColumnsError: If a declared column is absent.
        SessionSettingError: If a column has a pattern, and the session reads patterns as Spark 2 did, or fails where
            Spark 2 would have read something else.
    """
    missing = [column.name for column in columns if column.name not in rows.columns]
    if missing:
        raise MissingColumnsError(missing, rows.columns)
    if any(_is_parsed(column) for column in columns):
        require_corrected_patterns(rows)
    cleaned = rows.withColumns({_TYPED + column.name: _cleaned_text(column) for column in columns})
    typed = cleaned.withColumns({_TYPED + column.name: _typed_value(column) for column in columns})
    faults = [_text_or_null(rows, FAULT).isNotNull(), *(_is_broken(column) for column in columns)]
    return typed.withColumn(REJECTED, reduce(or_, faults))


def keep_good(rows: DataFrame, *, columns: Sequence[TypedColumn], also: Sequence[str] = ()) -> DataFrame:
    """Keep the rows that are not rejected, with their typed values.

    Columns in:  those of ``with_typed_values``
    Columns out: every declared column, typed, in their order, then ``also``
    Rows:        those that are not rejected
    """
    values = [named_column(_TYPED + column.name).alias(column.name) for column in columns]
    return rows.where(~F.col(REJECTED)).select(*values, *(named_column(name) for name in also))


def keep_rejected(rows: DataFrame, *, columns: Sequence[TypedColumn], also: Sequence[str] = ()) -> DataFrame:
    """Keep the rejected rows, with every reason and what they held.

    Columns in:  those of ``with_typed_values``; where there, _lakewright_object and _lakewright_text (string)
    Columns out: object (string), reasons (array of struct of rule and column; column is null where the row as a whole
                 is at fault), text (string; the row as it was written; both null where the reader did not keep
                 them), fields (map of column to text; null where the row could not be cut into fields), then ``also``
    Rows:        those that are rejected

    The rules: field_count, quote, repeated_header (of a row); encoding, type, range, partition (of a column).
    """
    fault = _text_or_null(rows, FAULT)
    whole = F.when(fault.isNotNull(), _reason(fault, None))
    single = [F.when(fault.isNull(), _reason_of_column(column)) for column in columns]
    is_cut = fault.isNull() | ~fault.isin(*_NOT_CUT_INTO_FIELDS)
    pairs = [part for column in columns for part in (F.lit(column.name), named_column(column.name))]
    return rows.where(F.col(REJECTED)).select(
        _text_or_null(rows, OBJECT).alias("object"),
        F.array_compact(F.array(whole, *single)).alias("reasons"),
        _text_or_null(rows, TEXT).alias("text"),
        F.when(is_cut, F.create_map(*pairs)).alias("fields"),
        *(named_column(name) for name in also),
    )


def _text_or_null(rows: DataFrame, name: str) -> Column:
    return F.col(name) if name in rows.columns else F.lit(None).cast("string")


def _is_parsed(column: TypedColumn) -> bool:
    return column.type == "timestamp" or (column.type == "date" and column.format != ISO_DATE)


def _cleaned_text(column: TypedColumn) -> Column:
    text = named_column(column.name)
    return F.when(~text.isin(*column.null_text), text) if column.null_text else text


def _typed_value(column: TypedColumn) -> Column:
    text = named_column(_TYPED + column.name)
    if column.type == "string":
        return text
    if column.type == "double":
        return _double(column, text)
    if column.type.startswith("decimal"):
        return _decimal(column, text)
    if column.type == "date":
        return _date(column, text)
    if column.type == "timestamp":
        return _timestamp(column, text)
    return _try_cast(column, column.ddl_type)


def _try_cast(column: TypedColumn, ddl_type: str) -> Column:
    name = quoted(_TYPED + column.name)
    if column.decimal_separator == ",":
        name = f"replace({name}, ',', '.')"
    return F.expr(f"try_cast({name} as {ddl_type})")


def _double(column: TypedColumn, text: Column) -> Column:
    value = F.when(text.rlike(_number(column, exponent=True)), _try_cast(column, "double"))
    underflows = (value == 0) & text.rlike("^[^eE]*[1-9]")
    return F.when((F.abs(value) != float("inf")) & ~underflows, value)


def _decimal(column: TypedColumn, text: Column) -> Column:
    """Cast what the precision and the scale hold without rounding; ``1.500`` fits one fraction digit, ``1.55`` not."""
    precision, scale = column.precision_and_scale
    separator = "[" + column.decimal_separator + "]"
    exact = rf"^\s*[+-]?0*\d{{0,{precision - scale}}}({separator}\d{{0,{scale}}}0*)?\s*$"
    # As with dates, a regular expression a value is what costs most: the usual shape is told by cheaper means.
    short = F.instr(F.substring(text, -(scale + 1), scale + 1), column.decimal_separator) > 0
    plain = short & ~text.contains("e") & ~text.contains("E")
    foreign = text.contains(".") if column.decimal_separator == "," else F.lit(False)
    return F.when((plain & ~foreign) | text.rlike(exact), _try_cast(column, column.ddl_type))


def _date(column: TypedColumn, text: Column) -> Column:
    if column.format == ISO_DATE:
        plain = (F.length(text) == len("2026-08-01")) & (text.substr(5, 1) == "-") & (text.substr(8, 1) == "-")
        plain &= text.substr(10, 1).between("0", "9")
        value = F.when(plain | text.rlike(r"^\s*\d{4}-\d{2}-\d{2}\s*$"), _try_cast(column, "date"))
    else:
        value = _parsed(text, column.format).cast("date")
    return F.when(F.year(value).between(1, 9999), value)


def _parsed(text: Column, pattern: str, *, as_utc: bool = False) -> Column:
    trimmed = F.trim(text)
    written = F.concat(trimmed, F.lit(_UTC_TEXT)) if as_utc else trimmed
    # A pattern that is optional throughout reads an empty text as 1970.
    return F.when(trimmed != "", F.try_to_timestamp(written, F.lit(pattern + _UTC_PATTERN if as_utc else pattern)))


def _timestamp(column: TypedColumn, text: Column) -> Column:
    if names_a_zone(column.format):
        value = _parsed(text, column.format)
        if "[" in column.format:  # a text may lack its zone
            value = F.coalesce(_parsed(text, column.format, as_utc=True), value)
    else:
        value = written = _parsed(text, column.format, as_utc=True)
        if column.timezone != "UTC":
            value = F.to_utc_timestamp(written, column.timezone)
            # An hour that the clocks skip comes back as another one.
            value = F.when(F.from_utc_timestamp(value, column.timezone) == written, value)
    return F.when(F.unix_micros(value).between(_FIRST_MICROS, _LAST_MICROS), value)


def names_a_zone(pattern: str) -> bool:
    """Tell whether a datetime pattern reads a zone or an offset, outside of its quoted parts."""
    return any(letter in _ZONE_LETTERS for part in pattern.split("'")[::2] for letter in part)


def _number(column: TypedColumn, *, exponent: bool) -> str:
    separator = "[" + column.decimal_separator + "]"
    power = r"([eE][+-]?\d+)?" if exponent else ""
    return rf"^\s*[+-]?(\d+({separator}\d*)?|{separator}\d+){power}\s*$"


def _is_broken(column: TypedColumn) -> Column:
    if column.type == "string":
        broken = named_column(column.name).contains(_REPLACEMENT)
        return F.coalesce(broken | _is_no_folder(column) if column.is_folder else broken, F.lit(False))
    return _cleaned_text(column).isNotNull() & named_column(_TYPED + column.name).isNull()


def _is_no_folder(column: TypedColumn) -> Column:
    """Tell texts that Hive's folders cannot hold: the empty one, the one that stands for null, and long ones."""
    text = _cleaned_text(column)
    return text.isin("", _HIVE_NULL) | (F.octet_length(text) > _LONGEST_FOLDER)


def _reason_of_column(column: TypedColumn) -> Column:
    text = named_column(column.name)
    rule = F.when(text.contains(_REPLACEMENT), F.lit("encoding"))
    if column.type in ("long", "int"):
        rule = rule.when(text.rlike(r"^\s*[+-]?\d+\s*$"), F.lit("range"))
    elif column.type == "double" or column.type.startswith("decimal"):
        rule = rule.when(text.rlike(_number(column, exponent=column.type == "double")), F.lit("range"))
    otherwise = "partition" if column.type == "string" else "type"
    return F.when(_is_broken(column), _reason(rule.otherwise(F.lit(otherwise)), column.name))


def _reason(rule: Column, column: str | None) -> Column:
    return F.struct(rule.alias("rule"), F.lit(column).cast("string").alias("column"))
