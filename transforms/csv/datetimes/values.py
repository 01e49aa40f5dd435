"""Parse one text as a date or an instant by a datetime pattern, slowly and step by step."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from transforms.csv.datetimes.elements import (
    Element,
    Fraction,
    GmtOffset,
    Literal,
    Number,
    Offset,
    Optional,
    Words,
    ZoneName,
    pattern_elements,
)
from transforms.csv.datetimes.zones import fixed_zone, read_gmt_offset, read_offset, read_zone

Fields = dict[str, int]
_DIGITS: Final = "0123456789"
_LONG: Final = 2**63
_HOURS: Final = {"H": (0, 23), "k": (1, 24), "K": (0, 11), "h": (1, 12)}


class _MismatchError(Exception):
    """Raised where a text does not match its pattern, or its fields contradict each other."""


class Moment(NamedTuple):
    """An instant, and whether its text has digits beyond microseconds that are not zero."""

    instant: datetime
    has_excess: bool


def read_date(text: str, pattern: str, century_from: int) -> date | None:
    """Return the date of a text; None if it does not match the pattern or names no date of the years 1 to 9999.

    Args:
        text: The text, without blanks around it.
        pattern: A datetime pattern.
        century_from: The first of the 100 years that ``yy`` stands for.
    """
    try:
        fields, _zone = _fields(text, pattern)
        return _local_time(fields, century_from).date()
    except (_MismatchError, ValueError, OverflowError):
        return None


def read_timestamp(text: str, pattern: str, zone: str, century_from: int) -> Moment | None:
    """Return the instant of a text; None if it does not match the pattern or names no instant of the years 1 to 9999.

    Args:
        text: The text, without blanks around it.
        pattern: A datetime pattern.
        zone: The zone of local times. Those that do not exist are None; of those that occur twice, the first is
            returned.
        century_from: The first of the 100 years that ``yy`` stands for.
    """
    try:
        fields, own_zone = _fields(text, pattern)
        local = _local_time(fields, century_from)
        has_excess = bool(fields.get("S", 0) % 1000)
        if own_zone is not None:
            return Moment(local.replace(tzinfo=own_zone).astimezone(UTC), has_excess)
        return Moment(_instant(local, ZoneInfo(zone)), has_excess)
    except (_MismatchError, ValueError, OverflowError):
        return None


def _instant(local: datetime, zone: tzinfo) -> datetime:
    instant = local.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None, fold=0) != local:
        raise _MismatchError
    return instant


def _fields(text: str, pattern: str) -> tuple[Fields, tzinfo | None]:
    reading = _Reading(text)
    if reading.read_all(pattern_elements(pattern), 0) != len(text):
        raise _MismatchError
    zone = reading.zone
    if zone is None and "X" in reading.fields:
        zone = fixed_zone(reading.fields["X"])
        if zone is None:
            raise _MismatchError
    return reading.fields, zone


class _Reading:
    """The fields of a text that have been read so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.fields: Fields = {}
        self.zone: tzinfo | None = None

    def read_all(self, elements: tuple[Element, ...], position: int) -> int:
        """Read elements one after the other, and return the position after the last."""
        for element in elements:
            position = self._read(element, position)
        return position

    def _read(self, element: Element, position: int) -> int:
        if isinstance(element, Optional):
            before = dict(self.fields), self.zone
            try:
                return self.read_all(element.elements, position)
            except _MismatchError:
                self.fields, self.zone = before
                return position
        if isinstance(element, Literal):
            return self._read_word(element.text, position)
        if isinstance(element, Number):
            return self._read_number(element, position)
        if isinstance(element, Fraction):
            return self._read_fraction(element, position)
        if isinstance(element, Words):
            for word, value in element.values:
                if _same_letters(self.text[position : position + len(word)], word):
                    return self._set(element.field, value, position + len(word))
            raise _MismatchError
        return self._read_zone(element, position)

    def _read_word(self, word: str, position: int) -> int:
        after = position + len(word)
        if not _same_letters(self.text[position:after], word):
            raise _MismatchError
        return after

    def _read_number(self, number: Number, position: int) -> int:
        sign = self.text[position : position + 1]
        if sign in ("+", "-"):
            if (sign == "+" and number.sign != "+") or not number.sign:
                raise _MismatchError
            position += 1
        else:
            sign = ""
        count = self._digits(position, number.most + number.reserved)
        if number.reserved:
            count = min(count, max(number.least, count - number.reserved))
        if count < number.least:
            raise _MismatchError
        if number.sign == "+" and sign != "-" and (count > number.least) != (sign == "+"):
            raise _MismatchError
        value = int(self.text[position : position + count])
        if sign == "-" and value == 0:
            raise _MismatchError
        if value >= _LONG:
            value, count = value // 10, count - 1
        return self._set(number.field, -value if sign == "-" else value, position + count)

    def _read_fraction(self, fraction: Fraction, position: int) -> int:
        count = self._digits(position, fraction.most)
        if not count:
            raise _MismatchError
        nanos = self.text[position : position + count].ljust(9, "0")[:9]
        return self._set("S", int(nanos), position + count)

    def _digits(self, position: int, most: int) -> int:
        """Return how many digits come next."""
        digits = self.text[position : position + most]
        return len(digits) - len(digits.lstrip(_DIGITS))

    def _read_zone(self, element: Offset | GmtOffset | ZoneName, position: int) -> int:
        if isinstance(element, ZoneName):
            zone = read_zone(self.text, position, has_names=element.has_names)
            if zone is None:
                raise _MismatchError
            self.zone = zone[0]
            return zone[1]
        if isinstance(element, Offset):
            offset = read_offset(element, self.text, position)
        else:
            offset = read_gmt_offset(element, self.text, position)
        if offset is None:
            raise _MismatchError
        return self._set("X", offset[0], offset[1])

    def _set(self, field: str, value: int, position: int) -> int:
        if self.fields.setdefault(field, value) != value:
            raise _MismatchError
        return position


def _same_letters(text: str, word: str) -> bool:
    return len(text) == len(word) and all(
        a == b or a.upper() == b.upper() or a.lower() == b.lower() for a, b in zip(text, word, strict=True)
    )


def _local_time(fields: Fields, century_from: int) -> datetime:
    """Return the date and time of fields; missing ones are those of Spark."""
    return datetime.combine(_date(fields, century_from), _time(fields))


def _date(fields: Fields, century_from: int) -> date:
    year = fields.get("y", 1970)
    if "yy" in fields:
        year = century_from + (fields["yy"] - century_from) % 100
    if "yoe" in fields:
        year = fields["yoe"] if fields.get("G", 1) else 1 - fields["yoe"]
    month, day = fields.get("M", 1), fields.get("d", 1)
    if "D" not in fields:
        return date(year, month, day)
    value = date(year, 1, 1) + timedelta(days=fields["D"] - 1)
    if value.year != year or value.month != fields.get("M", value.month) or value.day != fields.get("d", value.day):
        raise _MismatchError
    return value


def _time(fields: Fields) -> time:
    hour = hour_of(fields)
    if hour is None:
        raise _MismatchError
    return time(hour, fields.get("m", 0), fields.get("s", 0), fields.get("S", 0) // 1000)


def hour_of(fields: Fields) -> int | None:
    """Return the hour that fields name; None if one is out of range or they contradict each other."""
    if any(not least <= fields.get(field, least) <= most for field, (least, most) in _HOURS.items()):
        return None
    hours = {fields[field] % 24 for field in "Hk" if field in fields}
    halves = {fields[field] % 12 for field in "hK" if field in fields}
    if len(halves) > 1:
        return None
    if halves and "a" in fields:
        hours.add(halves.pop() + 12 * fields["a"])
    if len(hours) > 1:
        return None
    return hours.pop() if hours else halves.pop() if halves else 12 * fields.get("a", 0)
