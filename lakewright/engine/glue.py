"""Everything specific to AWS Glue. The only module that imports awsglue, and only inside functions."""

import logging
import re
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from lakewright.errors import ConfigError
from lakewright.measuring.runtime import NUMBER_OF_WORKERS, WORKER_TYPE, is_glue_run
from lakewright.unexpected import cause_of

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
        "--python-virtual-env-storage-prefix",
        "--scriptLocation",
        "--spark-event-logs-path",
        "--use-postgres-driver",
        "--user-jars-first",
        "--write-shuffle-files-to-s3",
        "--write-shuffle-spills-to-s3",
        # Not Glue's: our templates pass the size of the job for the price of a run (lakewright.measuring.runtime).
        NUMBER_OF_WORKERS,
        WORKER_TYPE,
    }
)
#: Prefixes of arguments that new Glue versions add to; none of lakewright's options begins with one.
_FAMILIES: Final = ("--JOB_", "--WORKFLOW_", "--continuous-log-", "--custom-log", "--enable-", "--job-bookmark-")
_SPARK_SETTING: Final = re.compile(r"[\w.-]+=")
_BOOKMARK: Final = "--job-bookmark-option"
_BOOKMARK_ON: Final = "job-bookmark-enable"
LOGGER: Final = logging.getLogger("lakewright")


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


def glue_session(*, serializer: str) -> "SparkSession":
    """Create the session through GlueContext, which sets up Glue's catalog, metrics and S3 client."""
    from awsglue.context import GlueContext
    from pyspark import SparkConf, SparkContext

    context = SparkContext.getOrCreate(SparkConf().set("spark.serializer", serializer))
    session: SparkSession = GlueContext(context).spark_session
    return session


def is_bookmarked() -> bool:
    """Return whether this process is a Glue job run whose job bookmark is enabled."""
    following = zip(sys.argv, [*sys.argv[1:], ""], strict=True)
    return is_glue_run() and any(
        word == f"{_BOOKMARK}={_BOOKMARK_ON}" or (word, value) == (_BOOKMARK, _BOOKMARK_ON) for word, value in following
    )


@contextmanager
def job_bookmark(session: "SparkSession") -> Iterator[None]:
    """Initialize the job bookmark of this Glue job run, and commit it if the block succeeds.

    The log of a target decides what a run reads, so a bookmark that cannot be committed is only a warning: Glue
    refuses it, for example, if runs of one job overlap.
    """
    from awsglue.context import GlueContext
    from awsglue.job import Job
    from awsglue.utils import getResolvedOptions

    arguments = getResolvedOptions(sys.argv, ["JOB_NAME"])
    job = Job(GlueContext(session.sparkContext))
    job.init(arguments["JOB_NAME"], arguments)
    yield
    try:
        job.commit()
    except Exception as error:  # noqa: BLE001 - Glue raises any error of its JVM
        LOGGER.warning(
            "the run succeeded, but its job bookmark could not be committed: %s; nothing is lost, since the log, not "
            "the bookmark, decides what is read",
            cause_of(error),
        )
