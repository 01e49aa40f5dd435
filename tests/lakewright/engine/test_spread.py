import pytest
from pyspark.sql import SparkSession

from lakewright.engine.spark.spread import WorkerError, cores, spread
from transforms.errors import DataError


def test_answers_come_in_the_order_of_the_tasks(spark: SparkSession) -> None:
    assert spread(lambda number: number * 2, [3, 1, 2]) == [6, 2, 4]
    assert spread(str, []) == []


def test_what_a_worker_says_arrives(spark: SparkSession) -> None:
    def refuse(number: int) -> int:
        if number == 1:
            raise DataError("this is refused")
        raise FileNotFoundError("raw/gone.json")

    with pytest.raises(DataError, match=r"^this is refused$"):
        spread(refuse, [1, 1])
    with pytest.raises(WorkerError, match=r"^FileNotFoundError: raw/gone.json$"):
        spread(refuse, [2])


def test_as_many_tasks_at_once_as_there_are_cores(spark: SparkSession) -> None:
    assert cores() == spark.sparkContext.defaultParallelism
