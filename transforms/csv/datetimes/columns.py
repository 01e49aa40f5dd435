"""Cast texts to dates and instants with Arrow's kernels; texts that these cannot cast become null.

Arrow casts ISO texts, all or none. Texts of other patterns are first rewritten as ISO texts.
"""

import re
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from transforms.csv.datetimes.elements import MONTHS, Offset
from transforms.csv.datetimes.epochs import FRACTION_DIGITS
from transforms.csv.datetimes.local_times import to_utc
from transforms.csv.datetimes.shapes import Shape, matching_texts, shape_of
from transforms.csv.datetimes.values import hour_of
from transforms.csv.datetimes.zones import fixed_zone, read_offset
from transforms.csv.text_bytes import has_other_bytes, keep_matching
from transforms.csv.typed_column import ISO_DATE, REJECT, TypedColumn
from transforms.instants import FIRST_MICROS, LAST_MICROS

_LOCAL: Final = pa.timestamp("us")
_INSTANT: Final = pa.timestamp("us", "UTC")
_MICROS_PER_SECOND: Final = 1_000_000
_MICRO_DIGITS: Final = 6
_MOST_EPOCH_DIGITS: Final = 18
#: Of the years 1 to 9999, as days since 1970.
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
_DAYS: Final = "(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
#: Every date but 29 February, and every time.
_CERTAIN: Final = f"^[0-9]{{4}}-{_DAYS}(?:[ T](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.][0-9]{{1,6}})?)?)?$"
_ISO: Final = re.compile(
    r"yyyy-MM-dd(?:(?P<separator> |'T')HH:mm(?P<second>:ss(?P<fraction>\.S{1,6}|\[\.S{1,6}\])?)?(?P<zone>'Z'|XXX)?)?"
)
_ZONES: Final = {"'Z'": "Z", "XXX": "(?:Z|[+-](?:0[0-9]|1[0-7]):[0-5][0-9])"}
_MONTH_NUMBERS: Final = {name[:n].lower(): f"{i:02d}" for i, name in enumerate(MONTHS, 1) for n in (3, len(name))}


def cast_dates(texts: pa.Array, column: TypedColumn) -> pa.Array:
    """Return the dates of texts."""
    return _cast_by_formats(texts, column, _cast_dates)


def cast_timestamps(texts: pa.Array, column: TypedColumn) -> pa.Array:
    """Return the instants of texts; times without an offset are local times of the column's zone."""
    return _cast_epochs(texts, column) if column.epoch else _cast_by_formats(texts, column, _cast_timestamps)


def _cast_by_formats(
    texts: pa.Array, column: TypedColumn, cast: Callable[[pa.Array, str, TypedColumn], pa.Array]
) -> pa.Array:
    """Cast texts by the first format that reads them; null where an earlier one may, though not these kernels."""
    values = cast(texts, column.format, column)
    is_open = None
    for earlier, pattern in pairwise(column.formats):
        is_other = pc.invert(pc.match_substring_regex(texts, matching_texts(earlier)))
        is_open = is_other if is_open is None else pc.and_(is_open, is_other)
        is_cast = pc.and_(pc.is_null(values), pc.fill_null(is_open, False))
        if pc.any(is_cast).as_py():
            values = pc.replace_with_mask(values, is_cast, cast(texts.filter(is_cast), pattern, column))
    return values


def _cast_dates(texts: pa.Array, pattern: str, column: TypedColumn) -> pa.Array:
    shape = shape_of(pattern)
    if shape is None or set(shape.fields) - set("yuMNd"):
        return pa.nulls(len(texts), pa.date32())
    if pattern == ISO_DATE and not has_other_bytes(texts, b"0123456789-"):
        try:
            return _keep_between(texts.cast(pa.date32()).cast(pa.int32()), _FIRST_DAY, _LAST_DAY).cast(pa.date32())
        except pa.ArrowInvalid:
            pass
    distinct = texts.dictionary_encode()
    dates = _cast_certain(_joined(_date_parts(_fields(distinct.dictionary, shape), column)), pa.date32())
    return _keep_between(dates.cast(pa.int32()), _FIRST_DAY, _LAST_DAY).cast(pa.date32()).take(distinct.indices)


def _cast_timestamps(texts: pa.Array, pattern: str, column: TypedColumn) -> pa.Array:
    shape, zone = shape_of(pattern), column.timezone
    if shape is None:
        return pa.nulls(len(texts), _INSTANT)
    if (iso := _ISO.fullmatch(pattern)) is not None:
        micros = _cast_iso(texts, iso).cast(pa.int64())
        if shape.offset is None:
            micros = to_utc(micros, zone)
    else:
        fields = _fields(texts, shape)
        parts = [*_date_parts(fields, column), " ", *_time_parts(fields, column)]
        local = _cast_certain(_joined(parts), _LOCAL).cast(pa.int64())
        micros = _instants(local, fields["x"], shape.offset, zone) if shape.offset else to_utc(local, zone)
    return _keep_between(micros, FIRST_MICROS, LAST_MICROS).cast(_INSTANT)


def _cast_epochs(texts: pa.Array, column: TypedColumn) -> pa.Array:
    digits = FRACTION_DIGITS[column.epoch]
    factor = 10**digits
    micros = None
    if not has_other_bytes(texts, b"0123456789-"):
        try:
            numbers = texts.cast(pa.int64())
            micros = pc.multiply(_keep_between(numbers, FIRST_MICROS // factor, LAST_MICROS // factor), factor)
        except pa.ArrowInvalid:
            pass
    if micros is None:
        excess = "0*" if column.excess_fraction == REJECT else "[0-9]*"
        fraction = rf"(?:[.](?P<fraction>[0-9]{{0,{digits}}}){excess})?"
        whole = f"(?P<whole>-?[0-9]{{1,{_MOST_EPOCH_DIGITS - digits}}})"
        parts = pc.extract_regex(texts, f"^{whole}{fraction}$").flatten()
        micros = _joined([parts[0], pc.utf8_rpad(parts[1], digits, "0")]).cast(pa.int64())
    return _keep_between(micros, FIRST_MICROS, LAST_MICROS).cast(_INSTANT)


def _instants(local: pa.Array, offsets: pa.Array, offset: Offset, zone: str) -> pa.Array:
    """Return instants for local times with offsets; where an optional one is missing, for local times of a zone."""
    instants = pc.subtract(local, _mapped(offsets, partial(_micros, offset), pa.int64()))
    is_missing = pc.equal(offsets, "")
    if not pc.any(is_missing).as_py():
        return instants
    return pc.if_else(is_missing, to_utc(local, zone), instants)


def _keep_between(values: pa.Array, first: int, last: int) -> pa.Array:
    ends = pc.min_max(values).as_py()
    if ends["min"] is None or first <= ends["min"] <= ends["max"] <= last:
        return values
    return pc.if_else(pc.and_(pc.greater_equal(values, first), pc.less_equal(values, last)), values, None)


def _cast_iso(texts: pa.Array, pattern: re.Match[str]) -> pa.Array:
    kind = _INSTANT if pattern["zone"] else _LOCAL
    if _are_iso(texts, pattern):
        try:
            return texts.cast(kind)
        except pa.ArrowInvalid:
            pass
    return keep_matching(texts, _certain(pattern)).cast(kind)


def _cast_certain(iso: pa.Array, kind: pa.DataType) -> pa.Array:
    try:
        return iso.cast(kind)
    except pa.ArrowInvalid:
        return keep_matching(iso, _CERTAIN).cast(kind)


def _are_iso(texts: pa.Array, pattern: re.Match[str]) -> bool:
    """Return whether Arrow's cast accepts no text that an ISO pattern excludes, with fewer or other parts."""
    if pattern["zone"]:  # texts of equal lengths may differ in shape
        return False
    separator, fraction = pattern["separator"], pattern["fraction"] or ""
    shortest = longest = len(pattern[0].replace("'", "")) - len(fraction)
    if fraction:
        longest += len(fraction.strip("[]"))
        shortest += 0 if fraction.startswith("[") else len(".1")
    lengths = pc.min_max(pc.binary_length(texts))
    if lengths["min"].is_valid and not shortest <= lengths["min"].as_py() <= lengths["max"].as_py() <= longest:
        return False
    return not has_other_bytes(texts, f"0123456789-:.{separator or ''}".encode())


def _certain(pattern: re.Match[str]) -> str:
    """Match texts of an ISO pattern that Arrow casts: not 29 February."""
    separator, fraction = (pattern["separator"] or "").strip("'"), pattern["fraction"] or ""
    time = f"{separator}(?:[01][0-9]|2[0-3]):[0-5][0-9]" if separator else ""
    if pattern["second"]:
        time += ":[0-5][0-9]"
    if fraction:
        time += f"(?:[.][0-9]{{1,{fraction.count('S')}}})" + ("?" if fraction.startswith("[") else "")
    return f"^[0-9]{{4}}-{_DAYS}{time}{_ZONES.get(pattern['zone'], '')}$"


def _fields(texts: pa.Array, shape: Shape) -> dict[str, pa.Array]:
    """Return the texts of the fields: empty where a text lacks one, null where it is not of the usual shape."""
    groups = pc.extract_regex(texts, shape.expression).flatten()
    return dict(zip(shape.fields, groups, strict=True))


def _joined(parts: list[pa.Array | str]) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")


def _date_parts(fields: dict[str, pa.Array], column: TypedColumn) -> list[pa.Array | str]:
    if "N" in fields:
        month = _mapped(fields["N"], lambda name: _MONTH_NUMBERS.get(name.lower()), pa.string())
    else:
        month = _two_digits(fields, "M", "01")
    year = [fields["y"]] if "y" in fields else [_century(fields["u"], column.two_digit_year_from), fields["u"]]
    return [*year, "-", month, "-", _two_digits(fields, "d", "01")]


def _century(years: pa.Array, first: int) -> pa.Array:
    century, year = divmod(first, 100)
    return pc.if_else(pc.less(years, f"{year:02d}"), f"{century + 1}", f"{century}")


def _time_parts(fields: dict[str, pa.Array], column: TypedColumn) -> list[pa.Array | str]:
    parts = [_hours(fields), ":", _two_digits(fields, "m", "00"), ":", _two_digits(fields, "s", "00")]
    if "S" not in fields:
        return parts
    fraction = _or_else(fields["S"], "0")
    if column.excess_fraction == REJECT and pc.any(pc.greater(pc.utf8_length(fraction), _MICRO_DIGITS)).as_py():
        fraction = keep_matching(fraction, f"^[0-9]{{1,{_MICRO_DIGITS}}}0*$")
    return [*parts, ".", pc.utf8_slice_codeunits(fraction, 0, _MICRO_DIGITS)]


def _two_digits(fields: dict[str, pa.Array], name: str, default: str) -> pa.Array | str:
    return pc.utf8_lpad(_or_else(fields[name], default), 2, "0") if name in fields else default


def _or_else(digits: pa.Array, default: str) -> pa.Array:
    return pc.if_else(pc.equal(digits, ""), default, digits)


def _hours(fields: dict[str, pa.Array]) -> pa.Array | str:
    for letter in fields.keys() & {"h", "K", "k"}:
        written = _joined([fields[letter], fields["a"]]) if "a" in fields else fields[letter]
        return _mapped(written, partial(_hour, letter), pa.string())
    return _two_digits(fields, "H", "00")


def _hour(letter: str, written: str) -> str | None:
    digits = written.rstrip("AaPpMm")
    half = written[len(digits) :].upper()
    hour = hour_of(({letter: int(digits)} if digits else {}) | ({"a": int(half == "PM")} if half else {}))
    return None if hour is None else f"{hour:02d}"


def _micros(offset: Offset, written: str) -> int | None:
    seconds = read_offset(offset, written, 0)
    if seconds is None or seconds[1] != len(written) or fixed_zone(seconds[0]) is None:
        return None
    return seconds[0] * _MICROS_PER_SECOND


def _mapped(texts: pa.Array, function: Callable[[str], Any], kind: pa.DataType) -> pa.Array:
    """Apply a function to each distinct text."""
    distinct = texts.dictionary_encode()
    values = [function(text) for text in distinct.dictionary.to_pylist()]
    return pa.array(values, kind).take(distinct.indices)
