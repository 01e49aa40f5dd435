"""What tasks count while they run."""

import threading

import pytest

from lakewright.concurrency import ThreadPool
from lakewright.measuring import work
from lakewright.measuring.work import Done, advance, reported_work


def test_nothing_is_counted_without_a_listener() -> None:
    advance(Done(rows=1))


def test_reports_are_sums_no_more_often_than_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    now, reports = 0.0, list[Done]()
    monkeypatch.setattr(work.time, "monotonic", lambda: now)
    with reported_work(reports.append, seconds=1.0):
        advance(Done(bytes=1, rows=2))
        advance(Done(bytes=1, rejected=1))
        assert reports == []
        now = 1.0
        advance(Done(bytes=1))
        assert reports == [Done(bytes=3, rows=2, rejected=1)]
        advance(Done(tasks=1))
    assert reports[1:] == [Done(tasks=1)], "the rest at the end"
    advance(Done(rows=1))
    assert len(reports) == 2


def test_threads_of_a_task_count_into_the_same_sum() -> None:
    reports = list[Done]()
    with reported_work(reports.append, seconds=60), ThreadPool(4) as pool:
        list(pool.map(lambda _: advance(Done(rows=1)), range(1000)))
    assert reports == [Done(rows=1000)]


def test_a_failed_task_reports_what_it_has_done() -> None:
    reports = list[Done]()

    @reported_work(reports.append, seconds=60)
    def fail() -> None:
        advance(Done(files=1))
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011
        fail()
    assert reports == [Done(files=1)]


def test_targets_count_apart() -> None:
    reports: dict[str, list[Done]] = {"a": [], "b": []}

    def work(target: str) -> None:
        with reported_work(reports[target].append):
            advance(Done(rows=len(reports)))

    threads = [threading.Thread(target=work, args=[target]) for target in reports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reports == {"a": [Done(rows=2)], "b": [Done(rows=2)]}
