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


def test_reports_come_in_the_order_of_the_tasks(workers: Workers) -> None:
    assert workers.at_once >= 1
    assert workers.run(lambda number: number * 2, [3, 1, 2]) == [6, 2, 4]
    assert workers.run(str, []) == []


def test_what_a_task_refuses_is_raised(workers: Workers) -> None:
    def refuse(number: int) -> int:
        raise DataError(f"{number} is refused")

    with pytest.raises(DataError, match=r"^1 is refused$"):
        workers.run(refuse, [1])


def test_what_a_worker_of_spark_says_arrives(spark: SparkSession) -> None:
    def refuse(number: int) -> int:
        if number == 1:
            raise DataError("this is refused")
        raise FileNotFoundError("raw/gone.json")

    with pytest.raises(DataError, match=r"^this is refused$"):
        SparkWorkers().run(refuse, [1, 1])
    with pytest.raises(WorkerError, match=r"^FileNotFoundError: raw/gone.json$"):
        SparkWorkers().run(refuse, [2])


def test_what_a_worker_of_spark_meets_is_quoted_only_if_values_may_be_shown(spark: SparkSession) -> None:
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


def test_as_many_tasks_at_once_as_spark_has_cores(spark: SparkSession) -> None:
    assert SparkWorkers().at_once == spark.sparkContext.defaultParallelism
