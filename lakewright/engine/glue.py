"""Everything specific to AWS Glue. The only module that imports awsglue, and only inside functions."""

import importlib.util
import os
import re
import sys
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from lakewright.errors import ConfigError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Glue's own job arguments, from "Using job parameters in AWS Glue jobs" in the developer guide
#: (https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html), the guide's pages on
#: shuffles, logs and Python libraries, and the names that awsglue's getResolvedOptions reserves.
_ARGUMENTS: Final = frozenset(
    {
        "--RedshiftTempDir",
        "--SECURITY_CONFIGURATION",
        "--TempDir",
        "--additional-python-modules",
        "--auto-scale-within-microbatch",
        "--class",
        "--conf",
        "--continuation-option",
        "--customer-driver-env-vars",
        "--customer-executor-env-vars",
        "--datalake-formats",
        "--debug",
        "--disable-proxy-v2",
        "--encryption-type",
        "--endpoint",
        "--executor-cores",
        "--extra-files",
        "--extra-jars",
        "--extra-py-files",
        "--job-language",
        "--mode",
        "--python-modules-installer-option",
        "--python-virtual-env",
        "--scriptLocation",
        "--spark-event-logs-path",
        "--use-postgres-driver",
        "--user-jars-first",
        "--write-shuffle-files-to-s3",
        "--write-shuffle-spills-to-s3",
    }
)
#: Prefixes of arguments that new Glue versions add to; none of lakewright's options begins with one.
_FAMILIES: Final = ("--JOB_", "--WORKFLOW_", "--continuous-log-", "--custom-log", "--enable-", "--job-bookmark-")
_SPARK_SETTING: Final = re.compile(r"[\w.-]+=")


def without_glue_arguments(arguments: Sequence[str]) -> list[str]:
    """Return the arguments without Glue's own and their values.

    Raises:
        ConfigError: If the value of ``--conf`` is not a Spark setting.
    """
    ours: list[str] = []
    words = deque(arguments)
    while words:
        word = words.popleft()
        name, separator, value = word.partition("=")
        if name not in _ARGUMENTS and not name.startswith(_FAMILIES):
            ours.append(word)
            continue
        # The value of this argument, options of pip, may begin with dashes.
        if not separator and words and (name == "--python-modules-installer-option" or not words[0].startswith("--")):
            value = words.popleft()
        if name == "--conf" and not _SPARK_SETTING.match(value):
            raise ConfigError(
                f"--conf is Glue's argument for Spark settings, not {value!r}; name the config folder with --config"
            )
    return ours


def is_glue_run() -> bool:
    """Return whether this process is a Glue job run: it has ``--JOB_NAME`` and the awsglue package."""
    return any(argument.split("=")[0] == "--JOB_NAME" for argument in sys.argv) and bool(
        importlib.util.find_spec("awsglue")
    )


def is_local() -> bool:
    """Return whether Spark runs in local mode: neither Glue nor spark-submit has set a master."""
    return not is_glue_run() and "SPARK_ENV_LOADED" not in os.environ


def glue_session(*, serializer: str) -> "SparkSession":
    """Create the session through GlueContext, which sets up Glue's catalog, metrics and S3 client."""
    from awsglue.context import GlueContext
    from pyspark import SparkConf, SparkContext

    context = SparkContext.getOrCreate(SparkConf().set("spark.serializer", serializer))
    session: SparkSession = GlueContext(context).spark_session
    return session
