"""Work on many small things at once, in threads."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from itertools import islice
from typing import Final, ParamSpec, TypeVar

#: Items that wait per thread.
_WAITING: Final = 8

Item = TypeVar("Item")
Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")


class ThreadPool(ThreadPoolExecutor):
    """Threads that work in the context of whoever submits work, such as the meter of a run (``measuring.meters``)."""

    def submit(
        self, work: Callable[Arguments, Result], /, *args: Arguments.args, **options: Arguments.kwargs
    ) -> Future[Result]:
        """See ``concurrent.futures.Executor.submit``."""
        return super().submit(partial(copy_context().run, work, *args, **options))


def map_in_threads(work: Callable[[Item], Result], items: Iterable[Item], *, threads: int) -> Iterator[Result]:
    """Apply ``work`` to items, and iterate over the results in order.

    Unlike ``ThreadPoolExecutor.map``, it submits items as results are consumed: each submitted item needs more than a
    kilobyte, and there may be hundreds of thousands of them.
    """
    remaining = iter(items)
    with ThreadPool(threads) as pool:
        waiting = deque(pool.submit(work, item) for item in islice(remaining, threads * _WAITING))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(work, item) for item in islice(remaining, 1))
