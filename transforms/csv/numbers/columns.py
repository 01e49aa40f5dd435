"""Cast texts to numbers with Arrow's kernels.

Arrow's casts fail for the whole column, slowly for each invalid text, and accept texts that are invalid here (``0x10``,
``1e3`` as a decimal, ``nan``). A column is therefore cast as a whole if its bytes rule these out; otherwise, only the
texts that match a regular expression of canonical numbers are cast.
"""

from functools import cache
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from transforms.csv.numbers.expressions import NEGATIVE, number_expression, number_forms, separators
from transforms.csv.text_bytes import has_other_bytes, keep_matching, with_bytes_replaced
from transforms.csv.typed_column import BITS, MINUS, TypedColumn

_DIGITS: Final = b"0123456789"
_NONZERO: Final = "^[^eE]*[1-9]"
#: Doubles that neither overflow nor underflow.
_PLAIN_DOUBLE: Final = r"^[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][+-]?[0-9]{1,2})?$"
_MOST_PRECISION: Final = 38
_EXTRA_ZEROS: Final = 6
_POINTS: Final = bytes.maketrans(b",.", b".?")


def plain_numbers(texts: pa.Array, column: TypedColumn) -> pa.Array:
    """Return numbers as ``written.plain_number`` does; null where a text is not written as declared."""
    minus = b"-" if MINUS in column.negative else b""
    if not has_other_bytes(texts, _DIGITS + b"+" + minus):
        return texts
    matches = pc.extract_regex(texts, _forms_expression(column)).flatten()
    numbers = matches[0] if len(matches) == 1 else pc.binary_join_element_wise(*matches, "")
    if column.thousands_separator:
        numbers = pc.replace_substring_regex(numbers, separators(column), "")
    is_negative = pc.match_substring_regex(texts, NEGATIVE)
    return pc.if_else(is_negative, pc.binary_join_element_wise("-", numbers, ""), numbers)


@cache
def _forms_expression(column: TypedColumn) -> str:
    number = number_expression(column)
    forms = [f"{before}(?P<n{place}>{number}){after}" for place, (before, after) in enumerate(number_forms(column))]
    return f"^(?:{'|'.join(forms)})$"


def cast_whole_numbers(texts: pa.Array, column: TypedColumn) -> pa.Array:
    """Return the values of whole numbers; null where a text is not canonical."""
    bits = BITS[column.type]
    kind = pa.int64() if bits == pa.int64().bit_width else pa.int32()
    if not has_other_bytes(texts, _DIGITS + b"-"):
        try:
            return texts.cast(kind)
        except pa.ArrowInvalid:
            pass
    return keep_matching(texts, f"^-?[0-9]{{1,{len(str(1 << (bits - 1))) - 1}}}$").cast(kind)


def cast_decimals(texts: pa.Array, column: TypedColumn) -> pa.Array:
    """Return the values of decimals; null where a text is not canonical."""
    precision, scale = column.precision_and_scale
    kind = pa.decimal128(precision, scale)
    texts = _with_points(texts, column)
    if not has_other_bytes(texts, _DIGITS + b"+-.") and not _may_overflow(texts, scale):
        try:
            return texts.cast(kind)
        except pa.ArrowInvalid:
            pass
    whole = f"[0-9]{{1,{precision - scale}}}" if precision > scale else "0"
    point = rf"\.[0-9]{{0,{scale}}}0{{0,{min(_EXTRA_ZEROS, _MOST_PRECISION - precision)}}}"
    return keep_matching(texts, f"^[+-]?{whole}(?:{point})?$").cast(kind)


def _may_overflow(texts: pa.Array, scale: int) -> bool:
    """Return whether Arrow may cast a text to a wrong decimal without an error.

    It multiplies by powers of ten without regard to the size of the product (``7`` as decimal(38,38) becomes 0.19...),
    and a fraction of more than 38 digits makes the value 0.
    """
    lengths = pc.binary_length(texts)
    longest = pc.max(lengths).as_py() or 0
    if longest <= _MOST_PRECISION - scale:
        return False
    points = pc.find_substring(texts, ".")
    whole = pc.max(pc.if_else(pc.less(points, 0), lengths, points)).as_py()
    return bool(longest > _MOST_PRECISION or whole > _MOST_PRECISION - scale)


def cast_doubles(texts: pa.Array, column: TypedColumn) -> pa.Array:
    """Return the values of doubles; null where a text is not canonical."""
    texts = _with_points(texts, column)
    if not has_other_bytes(texts, _DIGITS + b"+-.eE"):
        try:
            values = texts.cast(pa.float64())
        except pa.ArrowInvalid:
            pass
        else:
            if _are_exact(values, texts):
                return values
    return keep_matching(texts, _PLAIN_DOUBLE).cast(pa.float64())


def _with_points(texts: pa.Array, column: TypedColumn) -> pa.Array:
    return with_bytes_replaced(texts, _POINTS) if column.decimal_separator == "," else texts


def _are_exact(values: pa.Array, texts: pa.Array) -> bool:
    """Return whether no value overflowed or underflowed."""
    if not pc.all(pc.is_finite(values)).as_py():
        return False
    zeros = pc.equal(values, 0.0)
    return not pc.any(pc.match_substring_regex(texts.filter(zeros), _NONZERO)).as_py()
