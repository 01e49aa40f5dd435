import pytest
from pyspark.sql import SparkSession

from lakewright.engine.spark.spread import WorkerError, spread
from transforms.errors import DataError


def test_answers_come_in_the_order_of_the_tasks(spark: SparkSession) -> None:
    assert spread(spark, lambda number: number * 2, [3, 1, 2]) == [6, 2, 4]
    assert spread(spark, str, []) == []


def test_what_a_worker_says_arrives(spark: SparkSession) -> None:
    def refuse(number: int) -> int:
        if number == 1:
            raise DataError("this is refused")
        raise FileNotFoundError("raw/gone.json")

    with pytest.raises(DataError, match=r"^this is refused$"):
        spread(spark, refuse, [1, 1])
    with pytest.raises(WorkerError, match=r"^FileNotFoundError: raw/gone.json$"):
        spread(spark, refuse, [2])
