"""Offsets and zones as they appear in text, as Java's ``DateTimeFormatter`` reads them."""

import re
from datetime import UTC, timedelta, timezone, tzinfo
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from transforms.csv.datetimes.elements import GmtOffset, Offset

_MOST_HOURS: Final = 18
_MOST_MINUTES: Final = 59
#: Per shape of an offset, what follows the sign.
_SHAPES: Final = {
    "+HHmm": re.compile(r"(\d\d)(\d\d)?", re.ASCII),
    "+HHMM": re.compile(r"(\d\d)(\d\d)", re.ASCII),
    "+HH:MM": re.compile(r"(\d\d):(\d\d)", re.ASCII),
    "+HHMMss": re.compile(r"(\d\d)(\d\d)(\d\d)?", re.ASCII),
    "+HH:MM:ss": re.compile(r"(\d\d):(\d\d)(?::(\d\d))?", re.ASCII),
}
_GMT: Final = re.compile(r"GMT(?:([+-])(\d\d?)(?::(\d\d)(?::(\d\d))?)?|(?![+-]))", re.ASCII | re.IGNORECASE)
_PADDED_GMT: Final = re.compile(r"GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?|(?![+-]))", re.ASCII | re.IGNORECASE)
_PREFIX: Final = re.compile("UTC|UT|GMT", re.ASCII | re.IGNORECASE)
#: Identifiers of Python's zones that are none to Java.
_NO_IDENTIFIERS: Final = {"EST", "Factory", "GMT+0", "GMT-0", "HST", "MST", "ROC", "localtime"}
#: Names that Java reads as one would expect. Its reading of others is arbitrary: IST as Abidjan, BST as Bougainville.
_NAMES: Final = {
    "America/Anchorage": ("AKST", "AKDT", "Alaska Standard Time", "Alaska Daylight Time"),
    "America/Chicago": ("CST", "CDT", "Central Standard Time", "Central Daylight Time"),
    "America/Denver": ("MST", "MDT", "Mountain Standard Time", "Mountain Daylight Time"),
    "America/Los_Angeles": ("PST", "PDT", "Pacific Standard Time", "Pacific Daylight Time"),
    "America/New_York": ("EST", "EDT", "Eastern Standard Time", "Eastern Daylight Time"),
    "America/Sao_Paulo": ("BRT", "BRST"),
    "Asia/Hong_Kong": ("HKT",),
    "Asia/Singapore": ("SGT",),
    "Asia/Tokyo": ("JST", "Japan Standard Time"),
    "Australia/Sydney": ("AEST", "AEDT"),
    "Europe/Bucharest": ("EET", "EEST", "Eastern European Standard Time", "Eastern European Summer Time"),
    "Europe/Moscow": ("MSK", "Moscow Standard Time"),
    "Europe/Paris": ("CET", "CEST", "Central European Standard Time", "Central European Summer Time"),
    "Pacific/Auckland": ("NZST", "NZDT"),
    "Pacific/Honolulu": ("HST",),
}


def read_offset(offset: Offset, text: str, position: int) -> tuple[int, int] | None:
    """Return the seconds of an offset and where it ends, or None if there is none."""
    after = position + len(offset.zero)
    if text[position:after].upper() == offset.zero:
        return 0, after
    match = _SHAPES[offset.shape].match(text, position + 1)
    if text[position : position + 1] not in ("+", "-") or match is None:
        return None
    sign, parts = text[position], match.groups()
    if any(int(part or 0) > _MOST_MINUTES for part in parts[1:]):
        return None
    return _seconds(sign, *parts), match.end()


def read_gmt_offset(offset: GmtOffset, text: str, position: int) -> tuple[int, int] | None:
    """Return the seconds of an offset such as ``GMT+8`` and where it ends, or None if there is none.

    Like Java, it reads ``GMT+5:65`` as six hours and five minutes.
    """
    match = (_PADDED_GMT if offset.is_padded else _GMT).match(text, position)
    if match is None:
        return None
    sign, *parts = match.groups()
    return _seconds(sign or "+", *parts), match.end()


def read_zone(text: str, position: int, *, has_names: bool) -> tuple[tzinfo, int] | None:
    """Return the zone whose identifier, offset or (``has_names``) name comes next, and where it ends."""
    prefix = _PREFIX.match(text, position)
    begins = prefix.end() if prefix else position
    if text[begins : begins + 1] in ("+", "-"):
        offset = read_offset(Offset("+HH:MM:ss", "Z"), text, begins)
        if offset is not None and (zone := fixed_zone(offset[0])) is not None:
            return zone, offset[1]
        return (UTC, begins) if prefix and offset is None else None
    if prefix:
        return UTC, begins + (text[begins : begins + 1] == "0" and prefix[0].upper() == "GMT")
    zones, names = _zones(has_names)
    if (match := names.match(text, position)) is not None:
        return ZoneInfo(zones[match[0].lower()]), match.end()
    return (UTC, position + 1) if text[position : position + 1] in ("Z", "z") else None


def fixed_zone(seconds: int) -> tzinfo | None:
    """Return the zone of an offset; None if it is more than 18 hours."""
    return timezone(timedelta(seconds=seconds)) if abs(seconds) <= _MOST_HOURS * 3600 else None


def _seconds(sign: str, hours: str | None, minutes: str | None, seconds: str | None = None) -> int:
    parts = [int(part or 0) for part in (hours, minutes, seconds)]
    total = parts[0] * 3600 + parts[1] * 60 + parts[2]
    return -total if sign == "-" else total


@cache
def _zones(has_names: bool) -> tuple[dict[str, str], re.Pattern[str]]:
    """Return zones by identifier, or, if allowed, name in lower case, and what matches the longest of these."""
    zones = {zone.lower(): zone for zone in available_timezones() - _NO_IDENTIFIERS}
    if has_names:
        zones |= {name.lower(): zone for zone, names in _NAMES.items() for name in names}
    names = sorted(zones, key=len, reverse=True)
    return zones, re.compile("|".join(map(re.escape, names)), re.ASCII | re.IGNORECASE)
