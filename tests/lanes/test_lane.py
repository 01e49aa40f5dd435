"""The lane under test has the versions it claims; they are recorded for the table in docs/runtimes.md."""

import os
import sys
from collections.abc import Callable

import numpy
import pandas
import pyarrow
import pyspark
import pytest
from pyspark.sql import SparkSession

from lanes.lane import DEFAULT, lane_named

pytestmark = pytest.mark.lane

LANE = lane_named(os.environ.get("LAKEWRIGHT_LANE", DEFAULT))
Record = Callable[[str, object], None]


def hudi_version(spark: SparkSession) -> str:
    """Return the version of the Hudi that the JVM loads, or "none"."""
    loader = spark.sparkContext._jvm.Thread.currentThread().getContextClassLoader()
    if loader.getResource("org/apache/hudi/DefaultSource.class") is None:
        return "none"
    return str(loader.loadClass("org.apache.hudi.DefaultSource").getPackage().getImplementationVersion())


def test_the_lane_has_its_versions(spark: SparkSession, record_testsuite_property: Record) -> None:
    versions = {
        "python": ".".join(map(str, sys.version_info[:3])),
        "pyspark": pyspark.__version__,
        "pyarrow": pyarrow.__version__,
        "pandas": pandas.__version__,
        "numpy": numpy.__version__,
        "hudi": hudi_version(spark),
    }
    for name, version in versions.items():
        record_testsuite_property(name, version)
    assert versions["python"].startswith(f"{LANE.python}.")
    # Builds of the docker image differ in numpy, and AWS marks its builds of Spark and Hudi: 3.5.4-amzn-0.
    for name in ("pyarrow", "pandas"):
        assert versions[name] == LANE.versions()[name]
    assert versions["pyspark"].startswith(LANE.versions()["pyspark"])
    assert spark.version.startswith(LANE.versions()["pyspark"])
    assert versions["hudi"].startswith(LANE.hudi or "none")


@pytest.mark.skipif(LANE.hudi is None, reason="the lane has no Hudi")
def test_nothing_of_another_hudi_is_on_the_class_path(spark: SparkSession) -> None:
    loader = spark.sparkContext._jvm.Thread.currentThread().getContextClassLoader()
    resources = spark.sparkContext._jvm.java.util.Collections.list(
        loader.getResources("org/apache/hudi/DefaultSource.class")
    )
    assert len(resources) == 1, list(map(str, resources))
