"""Whether cost grows with the work, or faster.

Every run has a fixed part, such as starting Python or Spark. The smallest size takes it off: only what the larger sizes
cost *beyond* it is compared with their work beyond it.
"""

from collections.abc import Sequence
from typing import Final

#: How much more a unit of work may cost at the largest size than at the middle one; a square costs 3.4 times as much
#: at sizes of 1, 4 and 16.
TOLERANCE: Final = 1.5
#: Growth below this share of the smallest size's cost, or below this amount, is noise.
NOISE: Final = 0.25


def growth(work: Sequence[float], cost: Sequence[float], *, least: float = 0.0) -> float:
    """Return how many times as much a unit of work costs at the largest size as at the middle one.

    1 is growth that follows the work, below 1 is slower. If the work is the same at all sizes, the cost of the largest
    size is compared with that of the smallest one.

    Args:
        work: The work at each size, ascending.
        cost: What it costs, such as seconds or bytes.
        least: Growth up to this amount is noise.
    """
    if len(work) != len(cost) or len(work) < 3 or list(work) != sorted(work):  # noqa: PLR2004
        raise ValueError("three sizes at least are compared, in ascending order")
    first, middle, last = cost[0], cost[len(cost) // 2], cost[-1]
    noise = max(NOISE * first, least)
    if work[-1] == work[0]:
        return 1.0 if last - first <= noise else last / max(first, least)
    if last - first <= noise:
        return min(1.0, (last / work[-1]) / (first / work[0])) if first else 1.0
    per_unit = (last - first) / (work[-1] - work[0])
    # A middle size that costs as little as the smallest one would make any growth look infinite.
    in_middle = max(middle - first, noise / 2) / (work[len(work) // 2] - work[0])
    return per_unit / in_middle


def follows_work(work: Sequence[float], cost: Sequence[float], *, least: float = 0.0) -> bool:
    """Return whether cost grows no faster than the work."""
    return growth(work, cost, least=least) <= TOLERANCE
