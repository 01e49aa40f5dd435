"""Both engines run tasks in the same way."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import reduce

import pytest
from pyspark.sql import SparkSession

from lakewright.engine.local import LocalWorkers, WorkerPool
from lakewright.engine.spark.workers import SparkWorkers
from lakewright.errors import WorkerEndedError
from lakewright.measuring.meters import metered
from lakewright.measuring.work import NOTHING, Done
from lakewright.unexpected import WorkerError, trace_of
from lakewright.workers import Workers
from tests.lakewright.engine.tasks import by_last_digit, count_requests, count_rows, double, end, read_number, refuse
from transforms.errors import DataError, LongRecordError


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(2)
    yield pool
    pool.close()


@pytest.fixture(params=["spark", "processes", "driver"])
def workers(request: pytest.FixtureRequest, pool: WorkerPool) -> Workers:
    if request.param == "spark":
        request.getfixturevalue("spark")
        return SparkWorkers()
    return LocalWorkers(pool, is_small=request.param == "driver")


def shows_values(workers: Workers) -> Workers:
    return SparkWorkers(True) if isinstance(workers, SparkWorkers) else LocalWorkers(workers.pool, True)  # type: ignore[attr-defined]


def test_results_have_the_order_of_the_tasks(workers: Workers) -> None:
    assert workers.at_once >= 1
    assert workers.run(double, [3, 1, 2]) == [6, 2, 4]
    assert workers.run(double, []) == []


def test_tasks_count_for_their_run(workers: Workers) -> None:
    with metered() as meter:
        workers.run(count_requests, [3, 4])
        workers.run(count_requests, [5])
    assert meter.requests == {"GetObject": 12}
    is_in_driver = getattr(workers, "is_small", False)
    assert bool(meter.workers) == bool(meter.worker_peak_memory) != is_in_driver


@dataclass
class Heard:
    """Keeps what tasks have done."""

    tasks: list[int] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)

    def expect_tasks(self, count: int) -> None:
        self.tasks.append(count)

    def advance(self, done: Done) -> None:
        self.done.append(done)


def test_the_progress_of_tasks_reaches_the_driver(workers: Workers) -> None:
    heard = Heard()
    replace(workers, listener=heard).run(count_rows, [3, 4, 7])  # type: ignore[type-var]
    assert heard.tasks == [3]
    total = reduce(Done.plus, heard.done, NOTHING)
    assert total == Done(bytes=60, tasks=3, rows=14, rejected=1 + 0 + 1)


def test_errors_of_tasks_are_raised_with_their_attributes(workers: Workers) -> None:
    with pytest.raises(LongRecordError, match=r"^line 7 is longer than 100 bytes") as raised:
        workers.run(refuse, [1])
    assert (raised.value.line, raised.value.limit, raised.value.looks_like) == (7, 100, "array")


def test_the_error_of_the_first_task_is_raised(workers: Workers) -> None:
    with pytest.raises(DataError, match=r"^3 is refused$"):
        workers.run(refuse, [3, 2, 4])


def test_unexpected_errors_keep_texts_that_cannot_quote_values(workers: Workers) -> None:
    with pytest.raises(WorkerError, match=r"^FileNotFoundError: raw/gone.json$"):
        workers.run(refuse, [0])


def test_unexpected_errors_quote_values_only_if_allowed(workers: Workers) -> None:
    name = "Ann"
    with pytest.raises(
        WorkerError,
        match=r"^ValueError at lakewright/engine/.*\.py:\d+ \(its text may quote data; see show_values\)$",
    ) as hidden:
        workers.run(read_number, [name])
    assert name not in trace_of(hidden.value)
    with pytest.raises(WorkerError, match=r"^ValueError: invalid literal for int\(\) with base 10: 'Ann'$"):
        shows_values(workers).run(read_number, [name])


def test_spark_workers_run_one_task_per_core(spark: SparkSession) -> None:
    assert SparkWorkers().at_once == spark.sparkContext.defaultParallelism


@pytest.mark.usefixtures("spark")
def test_a_spark_worker_that_dies_is_named() -> None:
    told = r"^a worker of Spark died, probably because its machine ran out of memory; run again to finish the batch"
    with pytest.raises(WorkerEndedError, match=told):
        SparkWorkers().run(end, ["signal"])
    with pytest.raises(WorkerEndedError, match=told):
        SparkWorkers().run_merged(end, sorted, ["signal"], 2)  # type: ignore[arg-type]


@pytest.mark.usefixtures("spark")
def test_parts_of_what_tasks_find_are_merged() -> None:
    assert SparkWorkers().run_merged(by_last_digit, sorted, [31, 12, 2, 1, 11], 4) == [[], [1, 11, 31], [2, 12], []]
    assert SparkWorkers().run_merged(by_last_digit, sorted, [], 4) == []


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize(
    ("task", "raised", "text"),
    [
        pytest.param(-1, LongRecordError, r"^line 7 is longer than 100 bytes", id="known"),
        pytest.param(-2, DataError, r"^2 is refused$", id="known-without-attributes"),
        pytest.param(0, WorkerError, r"^FileNotFoundError: raw/gone.json$", id="unexpected"),
    ],
)
def test_errors_of_tasks_that_are_merged_are_raised(task: int, raised: type[Exception], text: str) -> None:
    with pytest.raises(raised, match=text):
        SparkWorkers().run_merged(by_last_digit, sorted, [11, task, 12], 2)
