import pytest
from pyspark.sql import SparkSession

from lakewright.engine.spark.workers import SparkWorkers
from lakewright.engine.workers import Workers
from lakewright.unexpected import WorkerError, trace_of
from tests.workers import InProcessWorkers
from transforms.errors import DataError


@pytest.fixture(params=["spark", "in-process"])
def workers(request: pytest.FixtureRequest, spark: SparkSession) -> Workers:
    return SparkWorkers() if request.param == "spark" else InProcessWorkers(2)


def test_results_have_the_order_of_the_tasks(workers: Workers) -> None:
    assert workers.at_once >= 1
    assert workers.run(lambda number: number * 2, [3, 1, 2]) == [6, 2, 4]
    assert workers.run(str, []) == []


def test_errors_of_tasks_are_raised(workers: Workers) -> None:
    def refuse(number: int) -> int:
        raise DataError(f"{number} is refused")

    with pytest.raises(DataError, match=r"^1 is refused$"):
        workers.run(refuse, [1])


def test_errors_of_spark_workers_keep_their_text(spark: SparkSession) -> None:
    def refuse(number: int) -> int:
        if number == 1:
            raise DataError("this is refused")
        raise FileNotFoundError("raw/gone.json")

    with pytest.raises(DataError, match=r"^this is refused$"):
        SparkWorkers().run(refuse, [1, 1])
    with pytest.raises(WorkerError, match=r"^FileNotFoundError: raw/gone.json$"):
        SparkWorkers().run(refuse, [2])


def test_unexpected_errors_of_spark_workers_quote_values_only_if_allowed(spark: SparkSession) -> None:
    name = "Ann"

    def read(text: str) -> int:
        return int(text)

    with pytest.raises(
        WorkerError,
        match=r"^ValueError at lakewright/engine/spark/workers\.py:\d+ \(its text may quote data; see show_values\)$",
    ) as hidden:
        SparkWorkers().run(read, [name])
    assert name not in trace_of(hidden.value)
    with pytest.raises(WorkerError, match=r"^ValueError: invalid literal for int\(\) with base 10: 'Ann'$"):
        SparkWorkers(shows_values=True).run(read, [name])


def test_spark_workers_run_one_task_per_core(spark: SparkSession) -> None:
    assert SparkWorkers().at_once == spark.sparkContext.defaultParallelism
