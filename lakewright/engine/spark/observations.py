"""Counts that Spark observes while it writes rows, with a bounded wait."""

from threading import Thread
from typing import Any, Final

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from lakewright.errors import AccountingError
from transforms.spark.typed_rows import OBJECT, REJECTED

#: The counts are known when the action ends; this bounds the wait for the event that carries them.
_SECONDS: Final = 120.0


def counted(observation: Observation, *, seconds: float = _SECONDS) -> dict[str, Any]:
    """Return the observed counts of a finished action.

    ``Observation.get`` would wait forever if Spark has optimised the observed plan away.

    Raises:
        AccountingError: If nothing was observed.
    """
    found: list[dict[str, Any]] = []
    waiting = Thread(target=lambda: found.append(observation.get), name="observation", daemon=True)
    waiting.start()
    waiting.join(seconds)
    if not found:
        raise AccountingError(f"Spark reported no counts within {seconds:g} s of a write; nothing was published")
    return found[0]


def observe_judged(rows: DataFrame, *also: Column, observed: Observation) -> DataFrame:
    """Count rows and rejected rows, and collect the objects with rejected rows, one per line; ``also`` observe more.

    Columns in:  _lakewright_rejected (boolean), _lakewright_object (string)
    Columns out: the same
    Rows:        unchanged; observes read, rejected, dirty
    """
    return rows.observe(
        observed,
        F.count(F.lit(1)).alias("read"),
        F.count_if(REJECTED).alias("rejected"),
        F.array_join(F.collect_set(F.when(F.col(REJECTED), F.col(OBJECT))), "\n").alias("dirty"),
        *also,
    )
