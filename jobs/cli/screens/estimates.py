"""Estimates of seconds and cost as text."""

from collections.abc import Mapping
from typing import Any, Final

from lakewright.costs.money import money
from lakewright.runs.progress import count_of, readable_bytes

_MINUTE: Final = 60


def estimate_lines(estimate: Mapping[str, Any]) -> str:
    """Say how long a batch will take and what it will cost, each with its range, and what that rests on."""
    if estimate["why_none"]:
        return f"no figures: {estimate['why_none']}"
    seconds, cost = estimate["seconds"], estimate["cost"]
    lines = [_span({name: readable_seconds(value) for name, value in seconds.items()})]
    if cost:
        assumed = f" ({estimate['assumed']})" if estimate["assumed"] else ""
        amounts = {name: money(value, estimate["currency"]) for name, value in cost.items()}
        lines.append(_span(amounts) + assumed)
    smallest, largest = map(readable_bytes, estimate["seen_bytes"])
    sizes = smallest if smallest == largest else f"{smallest} to {largest}"
    beyond = f"; {estimate['beyond']}" if estimate["beyond"] else ""
    lines.append(f"from {count_of(estimate['runs'], 'earlier run')} of {sizes}{beyond}")
    return "\n".join(lines)


def readable_seconds(seconds: float) -> str:
    """Format a duration: ``0.4 s``, ``2 min 5 s``, ``1 h 20 min``."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    hours, minutes_left = divmod(minutes, _MINUTE)
    return f"{hours} h {minutes_left} min" if hours else f"{minutes} min {rest} s"


def _span(texts: Mapping[str, str]) -> str:
    low, typical, high = texts["low"], texts["typical"], texts["high"]
    return typical if low == high else f"{typical}, between {low} and {high}"
