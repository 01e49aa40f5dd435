"""Estimates of seconds and cost as text."""

from collections.abc import Mapping
from typing import Any


def estimate_line(estimate: Mapping[str, Any]) -> str:
    """Say how long a batch will take and what it will cost, with the range that was seen."""
    return str(estimate["why_none"])
