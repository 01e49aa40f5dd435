"""Work on many small things at once, in threads."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context, copy_context
from functools import partial
from itertools import islice
from typing import Final, ParamSpec, TypeVar

#: Items that wait per thread.
_WAITING: Final = 8

Item = TypeVar("Item")
Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")


class ThreadPool(ThreadPoolExecutor):
    """Threads that work in the context of the submitting thread, such as the meter of a run (``measuring.meters``)."""

    def submit(
        self, work: Callable[Arguments, Result], /, *args: Arguments.args, **options: Arguments.kwargs
    ) -> Future[Result]:
        """See ``concurrent.futures.Executor.submit``."""
        return super().submit(partial(copy_context().run, work, *args, **options))


def in_this_context(items: Iterable[Item]) -> Iterator[Item]:
    """Return an iterator over items that are made in the context of the caller, whichever thread asks for them."""
    return _in_context(copy_context(), iter(items))


def _in_context(context: Context, items: Iterator[Item]) -> Iterator[Item]:
    while item := context.run(lambda: list(islice(items, 1))):
        yield item[0]


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
