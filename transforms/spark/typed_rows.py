"""Text columns to typed rows; rows with values that do not fit their declared type are rejected with reasons.

Nothing is guessed, and no value silently becomes null. The rules are those of ``try_cast`` (Spark's ANSI casts), but
stricter where it would alter a value: a fraction beyond a decimal's scale, a double that overflows or underflows,
``NaN``, Java's ``1d``, a local time that does not exist. They hold in any session, regardless of time zone and ANSI
mode.
"""

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transforms.csv.numbers.expressions import NEGATIVE, number_expression, number_forms, separators
from transforms.csv.typed_column import BLANKS, ISO_DATE, LONGEST_FOLDER, REPLACEMENT, TypedColumn
from transforms.errors import MissingColumnsError
from transforms.object_names import HIVE_NULL
from transforms.spark.names import column as named_column
from transforms.spark.names import quoted
from transforms.spark.settings import require_corrected_patterns
from transforms.spark.typed_times import breaks_range, date_value, timestamp_value

__all__ = [
    "FAULT",
    "OBJECT",
    "POSITION",
    "REJECTED",
    "TEXT",
    "TypedColumn",
    "keep_good",
    "keep_rejected",
    "with_typed_values",
]

OBJECT: Final = "_lakewright_object"
TEXT: Final = "_lakewright_text"
FAULT: Final = "_lakewright_fault"
POSITION: Final = "_lakewright_position"
REJECTED: Final = "_lakewright_rejected"
_TYPED: Final = "_lakewright_typed_"

_NOT_CUT_INTO_FIELDS: Final = ("field_count", "quote")


def with_typed_values(rows: DataFrame, *, columns: Sequence[TypedColumn]) -> DataFrame:
    """Add the typed value of each declared column, and whether the row is rejected.

    Columns in:  every declared column (string); optionally _lakewright_fault (string; not null if the row could not
                 be split into fields)
    Columns out: every input column, a typed column per declared column, _lakewright_rejected (boolean)
    Rows:        unchanged; ``keep_good`` returns good rows, ``keep_rejected`` the others with reasons

    Raises:
        MissingColumnsError: If a declared column is absent.
        SessionSettingError: If a column has a pattern and the session's ``timeParserPolicy`` is not CORRECTED.
        ValueError: If a pattern has a year of two digits and a zone, or more than six fraction digits after a
            character that other digits follow too.
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
    """Keep the rejected rows, with every reason and their original content.

    Columns in:  those of ``with_typed_values``; optionally _lakewright_object and _lakewright_text (string)
    Columns out: object (string), reasons (array of struct of rule and column; column is null if the rule concerns the
                 whole row), text (string; the original row; object and text are null if the reader did not keep
                 them), fields (map of column to text; null if the row could not be split into fields), then ``also``
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
    if column.type == "date":
        return column.formats != (ISO_DATE,)
    return column.type == "timestamp" and not column.epoch


def _cleaned_text(column: TypedColumn) -> Column:
    text = named_column(column.name)
    value = text if column.type == "string" else _written_value(text, column)
    return F.when(~text.isin(*column.null_text), value) if column.null_text else value


def _written_value(text: Column, column: TypedColumn) -> Column:
    """Return a text without blanks around it; of a number, only what ``plain_number`` returns, or an empty text."""
    if not column.has_written_numbers:
        return F.btrim(text, F.lit(BLANKS))
    forms, number = number_forms(column), number_expression(column)
    expression = f"^(?:{'|'.join(f'{before}({number}){after}' for before, after in forms)})\\z"
    digits = F.regexp_replace(text, expression, "".join(f"${group}" for group in range(1, len(forms) + 1)))
    if column.thousands_separator:
        digits = F.regexp_replace(digits, separators(column), "")
    sign = F.when(text.rlike(NEGATIVE), "-").otherwise("")
    return F.when(text.rlike(expression), F.concat(sign, digits)).when(text.isNotNull(), "")


def _typed_value(column: TypedColumn) -> Column:
    text = named_column(_TYPED + column.name)
    if column.type == "string":
        return text
    if column.type == "double":
        return _double(column, text)
    if column.type.startswith("decimal"):
        return _decimal(column, text)
    if column.type == "date":
        return date_value(_TYPED + column.name, column)
    if column.type == "timestamp":
        return timestamp_value(_TYPED + column.name, column)
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
    """Cast values that fit precision and scale without rounding; ``1.500`` fits scale 1, ``1.55`` does not."""
    precision, scale = column.precision_and_scale
    separator = "[" + column.decimal_separator + "]"
    exact = rf"^[+-]?0*\d{{0,{precision - scale}}}({separator}\d{{0,{scale}}}0*)?\z"
    # As with dates, a regular expression per value is expensive: detect the usual shape by cheaper means.
    short = F.instr(F.substring(text, -(scale + 1), scale + 1), column.decimal_separator) > 0
    plain = short & ~text.contains("e") & ~text.contains("E")
    plain &= F.octet_length(text) == F.length(text)  # Java reads digits of any script
    foreign = text.contains(".") if column.decimal_separator == "," else F.lit(False)
    return F.when((plain & ~foreign) | text.rlike(exact), _try_cast(column, column.ddl_type))


def _number(column: TypedColumn, *, exponent: bool) -> str:
    separator = "[" + column.decimal_separator + "]"
    power = r"([eE][+-]?\d+)?" if exponent else ""
    return rf"^[+-]?(\d+({separator}\d*)?|{separator}\d+){power}\z"


def _is_broken(column: TypedColumn) -> Column:
    if column.type == "string":
        broken = named_column(column.name).contains(REPLACEMENT)
        return F.coalesce(broken | _is_no_folder(column) if column.is_folder else broken, F.lit(False))
    return _cleaned_text(column).isNotNull() & named_column(_TYPED + column.name).isNull()


def _is_no_folder(column: TypedColumn) -> Column:
    """Return whether a text cannot be a Hive folder name: empty, Hive's null marker, with NUL, or too long."""
    text = _cleaned_text(column)
    return text.isin("", HIVE_NULL) | text.contains("\0") | (F.octet_length(text) > LONGEST_FOLDER)


def _reason_of_column(column: TypedColumn) -> Column:
    text = named_column(column.name)
    trimmed = _written_value(text, column)
    rule = F.when(text.contains(REPLACEMENT), F.lit("encoding"))
    if column.type in ("long", "int"):
        rule = rule.when(trimmed.rlike(r"^[+-]?\d+\z"), F.lit("range"))
    elif column.type == "double" or column.type.startswith("decimal"):
        rule = rule.when(trimmed.rlike(_number(column, exponent=column.type == "double")), F.lit("range"))
    elif column.type == "timestamp":
        rule = rule.when(breaks_range(trimmed, column), F.lit("range"))
    otherwise = "partition" if column.type == "string" else "type"
    return F.when(_is_broken(column), _reason(rule.otherwise(F.lit(otherwise)), column.name))


def _reason(rule: Column, column: str | None) -> Column:
    return F.struct(rule.alias("rule"), F.lit(column).cast("string").alias("column"))
