"""Amounts of money as text."""

from decimal import Decimal
from typing import Final

_SIGNIFICANT_DIGITS: Final = 3
_CENTS: Final = -2


def money(amount: Decimal | float, currency: str) -> str:
    """Format an amount: to the cent, or with three significant digits if that is finer.

    >>> money(Decimal("0.01466"), "USD")
    '$0.0147'
    """
    exact = amount if isinstance(amount, Decimal) else Decimal(repr(amount))
    finest = _CENTS
    if exact and exact.adjusted() < 0:
        finest = min(_CENTS, exact.adjusted() - _SIGNIFICANT_DIGITS + 1)
    rounded = exact.quantize(Decimal(1).scaleb(finest))
    text = f"{rounded:,f}"
    while finest < _CENTS and text.endswith("0"):
        text, finest = text[:-1], finest + 1
    return f"${text}" if currency == "USD" else f"{text} {currency}"
