"""Numbers as pages show them: readable, and the exact value beside it in the markup (``<data value>``)."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from markupsafe import Markup, escape

from lakewright.costs.money import money as money_text
from lakewright.runs.progress import readable_bytes, readable_seconds
from transforms.object_names import one_line

_DATA: Final = Markup('<data value="{}">{}</data>')
_TIME: Final = Markup('<time datetime="{}">{}</time>')
_SPACE: Final = "\N{NO-BREAK SPACE}"
_SEPARATOR: Final = re.compile("([/_])")
_TENTH: Final = 0.1
_BREAKABLE: Final = 10**9
#: Decimals of quantities below 1.
_QUANTITY_DIGITS: Final = 6
#: Below this, a share would be shown as 0 %, and above its complement as 100 %.
_SMALLEST_SHARE: Final = 0.0001
_NEARLY_ALL: Final = 0.9995


def count(number: int) -> Markup:
    """Format a number of rows, objects or requests: ``1,234``."""
    return _data(number, f"{number:,}")


def counted(number: int, noun: str) -> Markup:
    """Format a number with its noun: ``1 row``, ``1,234 rows``."""
    return Markup("{}{}{}").format(count(number), _SPACE, noun if number == 1 else f"{noun}s")


def breakable(text: str) -> Markup:
    """Format a name or path so that a narrow column breaks it where a reader would."""
    return Markup(_SEPARATOR.sub(r"\1<wbr>", str(escape(one_line(text)))))  # noqa: S704 - escaped


def share(part: float, whole: float) -> str:
    """Format a share: ``12.5 %``. It is 0 or 100 % only if it is exactly that."""
    if not whole:
        return "\N{EN DASH}"
    value = part / whole
    if 0 < value < _SMALLEST_SHARE:
        return f"<{_SPACE}0.01{_SPACE}%"
    if _NEARLY_ALL < value < 1:
        return f">{_SPACE}99.9{_SPACE}%"
    digits = 2 if 0 < value < _TENTH / 10 else 0 if value in (0, 1) else 1
    return f"{value * 100:.{digits}f}{_SPACE}%"


def seconds(number: float) -> Markup:
    """Format a duration: ``0.49 s``, ``12.4 s``, ``3 min 20 s``."""
    return _data(number, duration(number))


def duration(number: float) -> str:
    """Format a duration as text."""
    return readable_seconds(number).replace(" ", _SPACE)


def size(number: int) -> Markup:
    """Format a number of bytes: ``1.2 MB``."""
    return _data(number, readable_bytes(number).replace(" ", _SPACE))


def money(number: float, currency: str) -> Markup:
    """Format an amount: ``$12.50``, ``$0.0147``, ``12.50 EUR``."""
    return _data(number, amount(number, currency))


def amount(number: float, currency: str) -> str:
    """Format an amount as text, as in answers of the command line."""
    return one_line(money_text(number, currency)).replace(" ", _SPACE)


def quantity(number: float) -> Markup:
    """Format a quantity that need not be whole: ``120``, ``1,234.5``, ``0.0125``."""
    digits = 2 if abs(number) >= 1 else _QUANTITY_DIGITS
    return _data(number, f"{number:,.{digits}f}".rstrip("0").rstrip("."))


def when(text: str) -> Markup | str:
    """Format a time in UTC: ``27 Nov 2026, 10:09:57 UTC``; anything else is shown as it is."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return text
    utc = time.astimezone(UTC) if time.tzinfo else time
    exact = utc.isoformat(timespec="milliseconds")  # HTML has no times with microseconds
    return _TIME.format(exact, f"{utc.day}{utc:\N{NO-BREAK SPACE}%b %Y, %H:%M:%S}{_SPACE}UTC")


def _data(number: float, text: str) -> Markup:
    """Return a number with its text, which a narrow column may break from billions on."""
    shown = escape(text)
    return _DATA.format(number, shown if number < _BREAKABLE else Markup(",<wbr>").join(shown.split(",")))


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "breakable": breakable,
    "count": count,
    "counted": counted,
    "share": share,
    "seconds": seconds,
    "size": size,
    "money": money,
    "quantity": quantity,
    "when": when,
}
