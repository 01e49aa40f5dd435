"""Where AWS Glue begins: the only module that imports awsglue, and only inside functions."""

import importlib.util
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def is_glue_run() -> bool:
    """Tell whether this process is a Glue job run: Glue names it on the command line, and brings awsglue."""
    return any(argument.split("=")[0] == "--JOB_NAME" for argument in sys.argv) and bool(
        importlib.util.find_spec("awsglue")
    )


def is_local() -> bool:
    """Tell whether this is a person's own machine: neither Glue nor a spark-submit has chosen a master."""
    return not is_glue_run() and "SPARK_ENV_LOADED" not in os.environ


def glue_session(*, serializer: str) -> "SparkSession":
    """Make the session through Glue's own context, which sets its catalog, metrics and S3 client up."""
    from awsglue.context import GlueContext
    from pyspark import SparkConf, SparkContext

    context = SparkContext.getOrCreate(SparkConf().set("spark.serializer", serializer))
    session: SparkSession = GlueContext(context).spark_session
    return session
