"""Reduces delivered changes to one change per key, in a total order.

A change has a kind (insert, update, delete), a key and an order.
"""

from transforms.changes.columns import (
    ABSENT,
    BEFORE,
    FILE,
    FIRST_ORDER,
    FORMER_KEY,
    IS_DELETED,
    IS_IMPLIED,
    IS_LOAD,
    KEY,
    KIND,
    MOVES,
    OBJECT,
    ORDER,
    POSITION,
    REASONS,
    REJECTED,
    SEQUENCE,
    TIME,
    TIME_DIGITS,
    UPDATES,
)
from transforms.spark.changes.columns import is_update_in_place, require_columns
from transforms.spark.changes.keys import is_utf8, key_text, needs_key_column, text_of_key
from transforms.spark.changes.latest import keep_last_changes, keep_newer, place_changes
from transforms.spark.changes.order import highest_load_order, with_change_order
from transforms.spark.changes.rejection import (
    keep_rejected_changes,
    with_faults,
    with_folder_reasons,
    with_inexact_reasons,
    with_partition_reasons,
    with_reasons_of,
    with_value_reasons,
)

__all__ = [
    "ABSENT",
    "BEFORE",
    "FILE",
    "FIRST_ORDER",
    "FORMER_KEY",
    "IS_DELETED",
    "IS_IMPLIED",
    "IS_LOAD",
    "KEY",
    "KIND",
    "MOVES",
    "OBJECT",
    "ORDER",
    "POSITION",
    "REASONS",
    "REJECTED",
    "SEQUENCE",
    "TIME",
    "TIME_DIGITS",
    "UPDATES",
    "highest_load_order",
    "is_update_in_place",
    "is_utf8",
    "keep_last_changes",
    "keep_newer",
    "keep_rejected_changes",
    "key_text",
    "needs_key_column",
    "place_changes",
    "require_columns",
    "text_of_key",
    "with_change_order",
    "with_faults",
    "with_folder_reasons",
    "with_inexact_reasons",
    "with_partition_reasons",
    "with_reasons_of",
    "with_value_reasons",
]
