"""Generated texts of every type: canonical ones, ones that are nearly so, and ones that break a rule."""

import random
import re
import string
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from transforms.csv.numbers.written import LOOKALIKES
from transforms.csv.typed_column import TypedColumn

#: Beside these formats, every type and option; ``columns`` combines them.
DATE_FORMATS = (
    "yyyy-MM-dd",
    "dd/MM/yyyy",
    "dd.MM.yyyy",
    "d.M.yyyy",
    "yyyyMMdd",
    "yyyyDDD",
    "yyyy/D",
    "dd-MMM-yyyy",
    "d 'de' MMMM 'de' yyyy",
    "LL/dd/yyyy G",
    "yyyy[-MM-dd]",
    "y-M-d",
    "yyyyMMd",
    "yyyy'-'MM''dd",
)
TIMESTAMP_FORMATS = (
    "yyyy-MM-dd HH:mm:ss[.SSSSSS]",
    "yyyy-MM-dd'T'HH:mm:ss",
    "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'",
    "yyyy-MM-dd HH:mm",
    "yyyyMMddHHmmss",
    "yyyyMMddHHmmssSSS",
    "yyyyMMddHHmmssS",
    "dd/MM/yyyy",
    "d/M/yyyy H:m",
    "MM/dd/yyyy hh:mm:ss a",
    "MMM d, yyyy h:mm a",
    "dd.MM.yyyy[ HH:mm[:ss]]",
    "yyyy-MM-dd kk:mm",
    "yyyy-MM-dd KK:mm a",
    "yyyy-MM-dd HH:mm:ss.SSSSSS",
    "yyyy-MM-dd HH:mm:s.S",
    "yyyy-MM-dd HH:ss",
    "yyyy-DDD HH",
)
ZONE_FORMATS = (
    "yyyy-MM-dd'T'HH:mm:ssXXX",
    "yyyy-MM-dd'T'HH:mm:ss[.SSSSSS]XXX",
    "yyyy-MM-dd HH:mmXXX",
    "yyyy-MM-dd HH:mm:ss X",
    "yyyy-MM-dd HH:mm:ssxx",
    "yyyy-MM-dd HH:mm:ss Z",
    "yyyy-MM-dd HH:mm:ss ZZZZ",
    "yyyy-MM-dd HH:mm:ss ZZZZZ",
    "yyyy-MM-dd HH:mm:ss XXXX",
    "yyyy-MM-dd HH:mm:ss xxxxx",
    "yyyy-MM-dd HH:mm:ss O",
    "yyyy-MM-dd HH:mm:ss VV",
    "yyyy-MM-dd HH:mm[:ss]'['VV']'",
    "yyyy-MM-dd HH:mm:ss z",
)
ZONES = (
    "Europe/Paris",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Europe/Dublin",
    "Pacific/Apia",
    "Asia/Tehran",
    "Africa/Monrovia",
    "Etc/GMT+5",
)
_WORDS = (
    "",
    " ",
    "-",
    "+",
    ".",
    "NA",
    "null",
    "NaN",
    "Infinity",
    "0x10",
    "1e3",
    "1d",
    "true",
    "\ufffd",
    "1\ufffd",
    "é",
)
_NAMES = ("UTC", "GMT", "Europe/Paris", "Asia/Kolkata", "GMT+2", "-03:00", "PST", "EDT", "CEST", "JST")
_INSERTED = string.digits + "+-.,:/eEdfTZ xX\t\x00\x1f\x7f\x85\u2028\u00a0\u0661\ufffd'"


def columns() -> Iterator[TypedColumn]:
    """Every type with each of its options."""
    for kind in ("string", "long", "int", "boolean"):
        yield TypedColumn(f"{kind} {{}}", kind)
    yield TypedColumn("folder {}", "string", is_folder=True, null_text=("NA",))
    yield TypedColumn("long with nulls {}", "long", null_text=("NA", "", "-"))
    for separator in (".", ","):
        for kind in ("double", "decimal(5,2)", "decimal(12,4)", "decimal(38,0)", "decimal(38,38)", "decimal(18,2)"):
            yield TypedColumn(f"{kind} {separator}", kind, decimal_separator=separator)
    for pattern in DATE_FORMATS:
        yield TypedColumn(f"date {pattern}", "date", format=pattern)
    for number, pattern in enumerate(TIMESTAMP_FORMATS):
        yield TypedColumn(f"UTC {pattern}", "timestamp", format=pattern)
        zone = ZONES[number % len(ZONES)]
        yield TypedColumn(f"{zone} {pattern}", "timestamp", format=pattern, timezone=zone)
    for zone in ZONES:
        pattern = TIMESTAMP_FORMATS[0]
        yield TypedColumn(f"all {zone}", "timestamp", format=pattern, timezone=zone, null_text=("NA",))
    for pattern in ZONE_FORMATS:
        yield TypedColumn(f"zoned {pattern}", "timestamp", format=pattern, timezone="Europe/Paris")
    yield from _written_columns()
    yield from _time_columns()


def _written_columns() -> Iterator[TypedColumn]:
    negatives = ("minus", "parentheses", "trailing_minus")
    for separator in (".", ",", " ", "'"):
        yield TypedColumn(f"grouped {separator}", "long", thousands_separator=separator)
    for kind in ("int", "double", "decimal(12,2)", "decimal(38,10)"):
        yield TypedColumn(
            f"written {kind}", kind, thousands_separator=",", currency=("$", "US$", "kr.", "E"), negative=negatives
        )
        yield TypedColumn(
            f"percent {kind}",
            kind,
            thousands_separator=" ",
            decimal_separator=",",
            percent=True,
            negative=negatives[1:],
        )
    yield TypedColumn("trailing", "long", negative=("trailing_minus",))


def _time_columns() -> Iterator[TypedColumn]:
    for number, pattern in enumerate(("dd/MM/yy", "yyMMdd", "d-MMM-yy", "M/d/yy", "yyDDD")):
        yield TypedColumn(f"short {pattern}", "date", format=pattern, two_digit_year_from=1901 + 33 * number % 100)
    for zone in ("UTC", "America/New_York"):
        yield TypedColumn(f"short {zone}", "timestamp", format="dd.MM.yy H:mm", two_digit_year_from=1970, timezone=zone)
    for excess in ("reject", "truncate"):
        for pattern in ("yyyy-MM-dd HH:mm:ss[.SSSSSSSSS]", "dd.MM.yyyy HH:mm:ss.SSSSSSSXXX"):
            yield TypedColumn(f"nanos {excess} {pattern}", "timestamp", format=pattern, excess_fraction=excess)
        for epoch in ("seconds", "millis", "micros"):
            yield TypedColumn(f"epoch {excess} {epoch}", "timestamp", epoch=epoch, excess_fraction=excess)
    more = ("MM/dd/yyyy", "yyyy-MM-dd", "d-MMM-yy", "yyyyMMdd")
    yield TypedColumn("formats date", "date", format="dd/MM/yyyy", other_formats=more)
    more = ("yyyy-MM-dd'T'HH:mm:ssXXX", "dd.MM.yy HH:mm", "MM.dd.yy HH:mm", "yyyy-MM-dd", "yyyy-MM-dd HH:mm VV")
    yield TypedColumn(
        "formats timestamp", "timestamp", format="yyyy-MM-dd HH:mm:ss", other_formats=more, timezone="Europe/Paris"
    )


def texts(column: TypedColumn, count: int, *, seed: int, dirty: float) -> list[str | None]:
    """Return texts of a column, of which about a share of ``dirty`` is changed."""
    chance = random.Random(f"{seed} {column}")
    canonical = _generator(column, chance)
    return [_changed(canonical, chance) if chance.random() < dirty else canonical() for _ in range(count)]


def _changed(canonical: Callable[[], str], chance: random.Random) -> str | None:
    text = canonical()
    kind = chance.randrange(8)
    position = chance.randrange(len(text) + 1)
    if kind == 0:
        return chance.choice((None, *_WORDS))
    if kind == 1:
        return chance.choice(("", " ", "  ", "+", "-", "0", "00")) + text + chance.choice(("", " ", "  ", "0", "."))
    if kind == 2:
        return text[:position] + text[position + 1 :]
    if kind == 3:
        return text.swapcase()
    if kind == 4:
        return text.replace(chance.choice("0123456789"), chance.choice("0123456789"))
    if kind == 5:
        return text + canonical()
    middle = chance.choice(_INSERTED)
    return text[:position] + middle + text[position + (kind == 6) :]


def _generator(column: TypedColumn, chance: random.Random) -> Callable[[], str]:
    if column.type == "string":
        return lambda: "".join(chance.choices(string.ascii_letters + 'éß "漢', k=chance.choice((3, 10, 81))))
    if column.type == "boolean":
        return lambda: chance.choice(("true", "false", "t", "f", "yes", "no", "Y", "N", "1", "0", "True", "FALSE"))
    if column.has_written_numbers:
        return lambda: _written_number(column, chance)
    if column.epoch:
        return lambda: _epoch(column, chance)
    if column.type in ("long", "int"):
        return lambda: _whole(chance, 63 if column.type == "long" else 31)
    if column.type in ("date", "timestamp"):
        return lambda: written(_time(chance, column.timezone), chance.choice(column.formats), chance)
    number = _double if column.type == "double" else _decimal
    return lambda: number(column, chance).replace(".", column.decimal_separator)


def _whole(chance: random.Random, bits: int) -> str:
    edge = chance.choice((0, 2 ** chance.randrange(bits), 2**bits, 10 ** chance.randrange(20)))
    return str(chance.choice((1, -1)) * (edge + chance.randrange(-2, 3)))


def _written_number(column: TypedColumn, chance: random.Random) -> str:
    """Return a number with grouping, a unit and a sign in some of the places where they may stand, and in others."""
    digits = "".join(chance.choices("0123456789", k=chance.choice((1, 2, 3, 4, 6, 7, 10))))
    whole = digits
    if column.thousands_separator and chance.random() < 0.7:
        size = chance.choice((3, 3, 3, 2))
        cut = chance.choice(LOOKALIKES.get(column.thousands_separator, column.thousands_separator))
        head, last = digits[:-3], digits[-3:]
        groups = [head[max(end - size, 0) : end] for end in range(len(head), 0, -size)][::-1]
        whole = cut.join([*groups, last])
    if column.type not in ("int", "long") and chance.random() < 0.6:
        whole += column.decimal_separator + "".join(chance.choices("0123", k=chance.randrange(4)))
    if column.type == "double" and chance.random() < 0.2:
        whole += f"e{chance.randrange(-9, 9)}"
    units = [*column.currency, *("%" * column.percent)]
    for _ in range(2):
        blank = chance.choice(("", "", " ", "\u00a0"))
        if units and chance.random() < 0.4:
            unit = chance.choice(units)
            whole = unit + blank + whole if chance.random() < 0.5 and unit != "%" else whole + blank + unit
        if chance.random() < 0.3:
            before, after = chance.choice((("-", ""), ("(", ")"), ("", "-"), ("+", "")))
            whole = before + blank + whole + after
    return whole


def _epoch(column: TypedColumn, chance: random.Random) -> str:
    digits = chance.choice((1, 9, 10, 13, 16, 19))
    text = chance.choice(("", "-")) + str(chance.randrange(10**digits))
    if chance.random() < 0.4:
        text += "." + "".join(chance.choices("00012", k=chance.randrange(10)))
    return text


def _double(_column: TypedColumn, chance: random.Random) -> str:
    kind = chance.randrange(6)
    if kind == 0:
        return repr(chance.uniform(-1, 1) * 10.0 ** chance.randrange(-320, 308))
    if kind == 1:
        return f"{chance.randrange(10**18)}e{chance.randrange(-345, 330)}"
    if kind == 2:
        return chance.choice(
            ("1.7976931348623157e308", "1.7976931348623159e308", "4.9e-324", "2.4e-324", "-0.0", "0e9")
        )
    if kind == 3:
        return f"{chance.randrange(10**30)}.{chance.randrange(10**30)}"
    return f"{chance.uniform(-1000, 1000):.{chance.randrange(6)}f}"


def _decimal(column: TypedColumn, chance: random.Random) -> str:
    precision, scale = column.precision_and_scale
    whole = "".join(chance.choices(string.digits, k=chance.randrange(precision - scale + 2)))
    fraction = "".join(chance.choices("0012345", k=min(scale, chance.randrange(scale + 1) + chance.randrange(3))))
    point = "." if fraction or chance.random() < 0.1 else ""
    return chance.choice(("", "", "-")) + (whole or "0") + point + fraction + chance.choice(("", "", "0", "000", "1"))


def _time(chance: random.Random, zone: str) -> datetime:
    """Return a local time: of any year, of recent years, or near a change of the clocks."""
    kind = chance.randrange(5)
    first = datetime(1, 1, 2)
    if kind == 0:
        return first + timedelta(microseconds=chance.randrange(9998 * 365 * 86_400_000_000))
    start = datetime(chance.choice((1880, 1916, 1945, 1971, 1999, 2011, 2017, 2026, 2040)), 1, 1)
    moment = start + timedelta(seconds=chance.randrange(365 * 86_400), microseconds=chance.choice((0, 1, 500_000)))
    if kind > 2 or zone == "UTC":
        return moment
    return _near_change(moment, ZoneInfo(zone)) + timedelta(seconds=chance.randrange(-7200, 7200))


def _near_change(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the first change of the zone's clocks in the year after a moment, to the hour, in local time."""
    instant = moment.replace(tzinfo=UTC)
    step = timedelta(days=8)
    while instant < moment.replace(tzinfo=UTC) + timedelta(days=365):
        if instant.astimezone(zone).utcoffset() != (instant + step).astimezone(zone).utcoffset():
            if step == timedelta(hours=1):
                return (instant + step).astimezone(zone).replace(tzinfo=None)
            step = step / 2 if step > timedelta(days=1) else timedelta(hours=1)
        else:
            instant += step
    return moment


def written(local: datetime, pattern: str, chance: random.Random) -> str:
    """Return a time as a pattern has it; optional parts by chance."""
    while optional := re.search(r"\[([^\[\]]*)\]", re.sub("'[^']*'", lambda m: "#" * len(m[0]), pattern)):
        inner = pattern[optional.start() + 1 : optional.end() - 1] if chance.random() < 0.6 else ""
        pattern = pattern[: optional.start()] + inner + pattern[optional.end() :]
    tokens = re.finditer(r"''|'([^']*)'|(([A-Za-z])\3*)|(.)", pattern)
    return "".join(_field(m[2], local, chance) if m[2] else m[4] or m[1] or "'" for m in tokens)


def _field(letters: str, local: datetime, chance: random.Random) -> str:
    letter, width = letters[0], len(letters)
    half_day = local.hour % 12
    numbers = {"y": local.year, "M": local.month, "L": local.month, "d": local.day, "H": local.hour}
    numbers |= {"D": local.timetuple().tm_yday, "k": local.hour or 24, "K": half_day, "h": half_day or 12}
    numbers |= {"m": local.minute, "s": local.second}
    if letter in "ML" and width > 2:
        return local.strftime("%B" if width == 4 else "%b")
    if letters == "yy":
        return f"{local.year % 100:02d}"
    if letter in numbers:
        return f"{numbers[letter]:0{width}d}"
    if letter == "S":
        digits = f"{local.microsecond:06d}" + chance.choice(("000", "000", "001", "999"))
        return digits[: chance.randint(1, width)]
    if letter == "a":
        return "AM" if local.hour < 12 else "PM"
    if letter == "G":
        return chance.choice(("AD", "AD", "BC"))
    return _zone(letter, width, chance)


def _zone(letter: str, width: int, chance: random.Random) -> str:
    hours, minutes = chance.choice((0, 1, 2, 5, 14, 18)), chance.choice((0, 0, 30, 45))
    sign = chance.choice("+-")
    if letter in "Vz":
        names = (*ZONES, "UTC", "GMT", "UTC+2", "GMT-03:00", "+02:00", "Z", "UT", "GMT0", "Etc/UTC", "europe/paris")
        return chance.choice(names if letter == "V" else _NAMES)
    if letter == "O":
        return f"GMT{sign}{hours}" + (f":{minutes}" if minutes else "")
    if letter == "Z" and width == 4:
        return f"GMT{sign}{hours:02d}:{minutes:02d}"
    if letter in "XZ" and chance.random() < 0.3:
        return "Z"
    colon = ":" if (letter in "Xx" and width in (3, 5)) or width == 5 else ""
    return f"{sign}{hours:02d}" + (f"{colon}{minutes:02d}" if width > 1 or minutes else "")
