"""One expectation of a suite."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Expectation:
    """One expectation of a suite, with what happens if it is not met.

    Attributes:
        type: The library's name, e.g. ``expect_column_values_to_be_in_set``.
        kwargs: The library's arguments, as in the suite's JSON.
        on_failure: ``refuse_batch``, ``reject_rows`` or ``warn``.
        notes: The expectation's notes, in the words of its author.
        number: Its place in the suite, from 1.
    """

    type: str
    kwargs: Mapping[str, Any]
    on_failure: str = "refuse_batch"
    notes: str = ""
    number: int = 0
