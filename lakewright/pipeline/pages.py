"""Work on the objects of an execution: concurrent, and in pages that one Lambda can do."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from lakewright.aws.clients import S3_CONNECTIONS
from lakewright.errors import ConfigError
from lakewright.pipeline.execution import LandedObject

PAGE_OBJECTS: Final = 200

#: Whether there is time for further objects.
HasTime = Callable[[], bool]
T = TypeVar("T")


def concurrently(work: Callable[[LandedObject], T], objects: Iterable[LandedObject]) -> list[T]:
    """Do work for each object, for as many at once as a client has connections."""
    with ThreadPoolExecutor(S3_CONNECTIONS) as pool:
        return list(pool.map(work, objects))


def work_on_page(
    work: Callable[[LandedObject], bool], objects: Sequence[LandedObject], *, page: int, has_time: HasTime
) -> dict[str, Any]:
    """Do idempotent work for one page of objects, counted from 0.

    If the time runs out, the page is to be repeated; what was done is recognized. Some work is done in any case.

    Returns:
        The number of objects for which work returned true, and the next page; None after the last one.
    """
    first = page * PAGE_OBJECTS
    if not 0 <= first < len(objects):
        raise ConfigError(f"the execution has no page {page}: it has {len(objects)} objects")
    end = min(first + PAGE_OBJECTS, len(objects))
    done = 0
    for start in range(first, end, S3_CONNECTIONS):
        if start > first and not has_time():
            return {"copied": done, "next_page": page}
        done += sum(concurrently(work, objects[start : min(start + S3_CONNECTIONS, end)]))
    return {"copied": done, "next_page": page + 1 if end < len(objects) else None}
