"""A Glue job run: the script runs as ``__main__`` with Glue's arguments, and with faults of the test."""

import os
import runpy
import signal
import sys
from pathlib import Path
from typing import Any
from unittest import mock


def die(*arguments: Any, **options: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class PlainGlueContext:
    """GlueContext without Glue's jar, which only Glue has."""

    def __init__(self, context: Any) -> None:
        from pyspark.sql import SparkSession

        self.spark_session = SparkSession(context)


def main(script: str) -> None:
    from faults import Faults

    faults = Faults(Path(os.environ["FAULTS"]))
    sys.argv = sys.argv[1:]
    faults.hold("job process")
    if faults.take("job on Spark"):
        sys.argv[sys.argv.index("--engine") + 1] = "spark"
    if faults.take("job dies at start"):
        die()
    if faults.take("job dies after its commit"):
        mock.patch("lakewright.runs.journal.write_receipt", die).start()
    mock.patch("awsglue.context.GlueContext", PlainGlueContext).start()
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1])
