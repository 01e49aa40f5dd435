"""Work on the objects of an execution: concurrent, and in pages that one Lambda can do."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

from lakewright.aws.clients import S3_CONNECTIONS
from lakewright.concurrency import ThreadPool
from lakewright.errors import ConfigError
from lakewright.pipeline.execution import LandedObject

#: Maximum number of objects of one page.
PAGE_OBJECTS: Final = 200

#: Whether there is time for further objects.
HasTime = Callable[[], bool]
T = TypeVar("T")


def concurrently(work: Callable[[LandedObject], T], objects: Iterable[LandedObject]) -> list[T]:
    """Do work for each object, for as many at once as a client has connections."""
    with ThreadPool(S3_CONNECTIONS) as pool:
        return list(pool.map(work, objects))


def work_on_page(
    work: Callable[[LandedObject], bool], objects: Sequence[LandedObject], *, page: int, has_time: HasTime
) -> dict[str, Any]:
    """Copy or move a page of objects, which begins with number ``page``, counted from 0.

    A page ends early if the time runs out, but not before some work is done. ``work`` copies or moves one object,
    unless that is done already, and returns whether the copy exists.

    Returns:
        ``copied``: the number of objects that have a copy now; ``next_page``: the number of the next page, or None.
    """
    if not 0 <= page < len(objects):
        raise ConfigError(f"no page of the execution begins with object {page}: it has {len(objects)} objects")
    end = min(page + PAGE_OBJECTS, len(objects))
    with_copy, start = 0, page
    while start < end and (start == page or has_time()):
        some = objects[start : min(start + S3_CONNECTIONS, end)]
        with_copy += sum(concurrently(work, some))
        start += len(some)
    return {"copied": with_copy, "next_page": start if start < len(objects) else None}
