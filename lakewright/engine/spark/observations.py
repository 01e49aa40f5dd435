"""What Spark counts while it writes rows, waited for no longer than that can take."""

from threading import Thread
from typing import Any, Final

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from lakewright.errors import AccountingError
from transforms.spark.typed_rows import OBJECT, REJECTED

#: The counts are known when the action ends; what is waited for is the event that carries them.
_SECONDS: Final = 120.0


def counted(observation: Observation, *, seconds: float = _SECONDS) -> dict[str, Any]:
    """Give what was observed in an action that has ended.

    ``Observation.get`` alone waits for ever where Spark has reduced the observed plan to nothing.

    Raises:
        AccountingError: If nothing was observed.
    """
    found: list[dict[str, Any]] = []
    waiting = Thread(target=lambda: found.append(observation.get), name="observation", daemon=True)
    waiting.start()
    waiting.join(seconds)
    if not found:
        raise AccountingError(f"Spark has given no counts within {seconds:g} s of a write; nothing was published")
    return found[0]


def observe_judged(rows: DataFrame, *also: Column, observed: Observation) -> DataFrame:
    """Count rows and rejected ones, and name the objects with rejected ones, a line each; ``also`` observe more.

    Columns in:  _lakewright_rejected (boolean), _lakewright_object (string)
    Columns out: the same
    Rows:        unchanged; observed are read, rejected, dirty
    """
    return rows.observe(
        observed,
        F.count(F.lit(1)).alias("read"),
        F.count_if(REJECTED).alias("rejected"),
        F.array_join(F.collect_set(F.when(F.col(REJECTED), F.col(OBJECT))), "\n").alias("dirty"),
        *also,
    )
