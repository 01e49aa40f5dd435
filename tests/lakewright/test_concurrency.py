from collections.abc import Iterator
from threading import Event

import pytest

from lakewright.concurrency import map_in_threads

THREADS, MANY = 4, 10_000


def test_results_come_in_order_and_few_items_wait() -> None:
    submitted = 0

    def items() -> Iterator[int]:
        nonlocal submitted
        for number in range(MANY):
            submitted += 1
            yield number

    for done, result in enumerate(map_in_threads(lambda number: number * 2, items(), threads=THREADS)):
        assert result == done * 2
        assert submitted <= done + 10 * THREADS
    assert submitted == MANY


def test_items_are_worked_on_at_once() -> None:
    begun = Event()

    def work(number: int) -> bool:
        if number:
            begun.set()
        return begun.wait(timeout=10)

    assert all(map_in_threads(work, range(2), threads=2))


@pytest.mark.parametrize("items", [[], range(3)], ids=["nothing to do", "an error"])
def test_errors_are_raised(items: list[int]) -> None:
    def work(number: int) -> int:
        raise ValueError(number)

    results = map_in_threads(work, items, threads=THREADS)
    if items:
        with pytest.raises(ValueError, match="0"):
            next(results)
    else:
        assert list(results) == []
