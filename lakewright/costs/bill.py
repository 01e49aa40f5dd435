"""The bill of a run: positions, their sum, and what it assumes and lacks."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypedDict

from lakewright.costs.prices import Prices


class ItemReport(TypedDict):
    """A position of what a run cost: ``amount = quantity * price``, in the unit of the price.

    Attributes:
        what: What is billed, such as Glue.
        quantity: The billed quantity.
        unit: The unit of the quantity, such as DPU-second.
        price: The price.
        per: What the price is for, such as DPU-hour.
        amount: The amount, not rounded.
    """

    what: str
    quantity: float
    unit: str
    price: float
    per: str
    amount: float


class PriceListReport(TypedDict):
    """The prices of ``conf/prices.yaml`` that were used.

    Attributes:
        date: When they were read.
        region: Their AWS region.
    """

    date: str
    region: str


class CostReport(TypedDict):
    """What a run cost as if it had been alone in its process.

    Attributes:
        currency: The currency, such as USD.
        total: The sum of the positions, not rounded.
        items: The positions.
        assumed: What was assumed, in words; empty if the run was priced as it ran.
        excluded: What the total does not contain, in words.
        prices: The prices.
    """

    currency: str
    total: float
    items: list[ItemReport]
    assumed: str
    excluded: list[str]
    prices: PriceListReport


@dataclass(frozen=True)
class Item:
    """A position of a bill: a quantity, and the price of ``per_quantity`` of it."""

    what: str
    quantity: Decimal
    unit: str
    price: Decimal
    per: str
    per_quantity: int = 1

    @property
    def amount(self) -> Decimal:
        """The price of the quantity, not rounded."""
        return self.quantity * self.price / self.per_quantity

    def report(self) -> ItemReport:
        """Return the position as JSON-compatible data."""
        return {
            "what": self.what,
            "quantity": float(self.quantity),
            "unit": self.unit,
            "price": float(self.price),
            "per": self.per,
            "amount": float(self.amount),
        }


@dataclass(frozen=True)
class Cost:
    """What runs cost.

    Attributes:
        prices: The prices.
        items: The positions.
        assumed: What was assumed, in words; empty for a run that was priced where it ran.
        excluded: What the total does not contain, in words.
    """

    prices: Prices
    items: Sequence[Item]
    assumed: str = ""
    excluded: Sequence[str] = ()

    @property
    def total(self) -> Decimal:
        """The sum of the positions, not rounded."""
        return sum((item.amount for item in self.items), Decimal(0))

    def report(self) -> CostReport:
        """Return the cost as JSON-compatible data, as receipts contain it."""
        return {
            "currency": self.prices.currency,
            "total": float(self.total),
            "items": [item.report() for item in self.items],
            "assumed": self.assumed,
            "excluded": list(self.excluded),
            "prices": {"date": self.prices.date.isoformat(), "region": self.prices.region},
        }
