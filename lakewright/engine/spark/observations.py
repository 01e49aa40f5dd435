"""What Spark counts while it writes rows, waited for no longer than that can take."""

from threading import Thread
from typing import Any, Final

from pyspark.sql import Observation

from lakewright.errors import AccountingError

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


def counted_all(*observed: Observation) -> dict[str, Any]:
    """Give what several observations of one action have seen, each under names of its own."""
    return {name: value for observation in observed for name, value in counted(observation).items()}
