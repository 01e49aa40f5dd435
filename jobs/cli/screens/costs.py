"""The text of costs."""

from collections.abc import Mapping
from typing import Any

from lakewright.costs.bill import Cost
from lakewright.costs.money import money


def cost_text(cost: Mapping[str, Any] | None) -> str:
    """Format the cost of a receipt: the total with its positions, what it assumes, and what it lacks."""
    if cost is None:
        return ""
    currency = cost["currency"]
    items = [f"{item['what']} {money(item['amount'], currency)}" for item in cost["items"]]
    total = f"{money(cost['total'], currency)} ({', '.join(items)})" if items else "no price"
    excluded = [f"without {what}" for what in cost["excluded"]]
    return "\n".join([": ".join(filter(None, [total, cost["assumed"]])), *excluded])


def bill_line(cost: Cost, targets: int) -> str:
    """Return what all targets of a command cost together: their process is billed once."""
    return f"cost of the {targets} targets, which ran in one process: {money(cost.total, cost.prices.currency)}"
