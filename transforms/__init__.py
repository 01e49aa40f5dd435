"""Pure functions from DataFrame to DataFrame, and from text to text; no session, clock, file or network.

The four public transforms are available by name. They are imported lazily, so that text functions do not need pyspark.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from transforms.spark.changes import keep_last_changes
    from transforms.spark.flat_events import flatten_events
    from transforms.spark.scrubbed_lines import scrub_lines
    from transforms.spark.typed_rows import with_typed_values

__all__ = ["flatten_events", "keep_last_changes", "scrub_lines", "with_typed_values"]

_HOMES: Final = {
    "flatten_events": "transforms.spark.flat_events",
    "keep_last_changes": "transforms.spark.changes",
    "scrub_lines": "transforms.spark.scrubbed_lines",
    "with_typed_values": "transforms.spark.typed_rows",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
