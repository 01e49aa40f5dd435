"""Create and configure the SparkSession: on Glue, on EMR, and in local mode."""

import contextlib
import locale
import logging
import os
import shutil
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from py4j.java_gateway import JavaClass
from pyspark import SparkContext
from pyspark.sql import SparkSession

from lakewright.aws.buckets import bucket_options
from lakewright.aws.s3_advice import NO_CREDENTIALS
from lakewright.engine.glue import glue_session
from lakewright.engine.spark.jars import jar_folder, setup_command
from lakewright.engine.spark.jvm import require_java, start_jvm
from lakewright.errors import ConfigError
from lakewright.measuring.runtime import is_glue_run, is_local

#: Settings for all platforms; the docstrings of readers and transforms give the reasons.
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
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    # These rules remove plans without rows, together with the observations in them.
    "spark.sql.optimizer.excludedRules": "org.apache.spark.sql.catalyst.optimizer.PropagateEmptyRelation",
    "spark.sql.adaptive.optimizer.excludedRules": ("org.apache.spark.sql.execution.adaptive.AQEPropagateEmptyRelation"),
}

#: Hudi requires Kryo.
SERIALIZER: Final = "org.apache.spark.serializer.KryoSerializer"

_COMPILED_BYTES: Final = 8000
#: S3's names of encryption types, and S3A's.
_S3A_ENCRYPTION: Final = {"AES256": "AES256", "aws:kms": "SSE-KMS"}
_UTF8_LOCALES: Final = ("C.UTF-8", "C.utf8", "en_US.UTF-8")
_PROJECT: Final = str(Path(__file__).resolve().parents[3])

#: Loggers that quote values of the data: texts at which a task fails, record keys.
_LOGGERS_OF_VALUES: Final = (
    "org.apache.hudi",
    "org.apache.spark.api.python",
    "org.apache.spark.scheduler.DAGScheduler",
    "org.apache.spark.executor.Executor",
    "org.apache.spark.scheduler.TaskSetManager",
    "org.apache.spark.sql.execution.datasources.FileFormatWriter",
    "org.apache.spark.util.Utils",
)

#: Loggers of pyspark 4 that write the text of an exception to stderr when it is created, with the value that failed.
_LOGGERS_OF_ERRORS: Final = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")

#: By default Java starts processes, such as Hadoop's chmod, through a helper. If the JVM is killed meanwhile, it never
#: ends and keeps the JVM's sockets open, on which the driver waits (JDK-8307990).
_LAUNCH: Final = " -Djdk.lang.Process.launchMechanism=VFORK" if sys.platform == "linux" else ""

_LOCAL_SETTINGS: Final = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # By default HotSpot never compiles methods above 8,000 bytes, such as those that Spark generates for wide rows.
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC -XX:-DontCompileHugeMethods -Duser.timezone=UTC" + _LAUNCH,
    "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "2",
    "spark.hadoop.fs.s3a.path.style.access": "true",
    # As from Hadoop 3.4 on: otherwise each file that is written deletes the markers of all its parent folders.
    "spark.hadoop.fs.s3a.directory.marker.retention": "keep",
    # By default S3A retries an unreachable endpoint for more than ten minutes: 7 times, with 20 tries in the SDK each.
    "spark.hadoop.fs.s3a.connection.establish.timeout": "5000",
    "spark.hadoop.fs.s3a.connection.timeout": "20000",
    "spark.hadoop.fs.s3a.attempts.maximum": "1",
    "spark.hadoop.fs.s3a.retry.limit": "3",
    "spark.hadoop.fs.s3a.retry.interval": "1s",
    "spark.hadoop.fs.s3a.retry.throttle.limit": "6",
    "spark.hadoop.fs.s3a.retry.throttle.interval": "500ms",
}


def get_session(*, lake_uris: Collection[str] = ()) -> SparkSession:
    """Return the session of this process; create it if needed.

    On Glue and EMR, the platform's master, S3 client, committer and credentials stay unchanged.

    Raises:
        ConfigError: If no suitable Java is installed.
    """
    if is_glue_run():
        session = glue_session(serializer=SERIALIZER)
    else:
        builder = SparkSession.builder.appName("lakewright").config("spark.serializer", SERIALIZER)
        if is_local() and SparkSession.getActiveSession() is None:
            _prepare_machine()
            # On the class path, since Spark copies jars that are added later: 0.4 s for Hudi's 110 MB.
            settings = _LOCAL_SETTINGS | {"spark.driver.extraClassPath": os.pathsep.join(_jars())}
            start_jvm(settings)
            builder = builder.master("local[*]").config(map=dict(settings))
        session = builder.getOrCreate()
    _set_up(session)
    if not is_glue_run():
        # Hudi's libraries print warnings on stdout, which is reserved for results, also under spark-submit.
        system = session.sparkContext._jvm.java.lang.System  # type: ignore[union-attr]
        system.setOut(system.err)
    _quiet_warnings(session)
    _share_wheel(session.sparkContext)
    if is_local() and any(uri.startswith("s3") for uri in lake_uris):
        _set_credentials(session)
    _set_bucket_options(session, {urlsplit(uri).netloc for uri in lake_uris})
    return session


def own_session(*, lake_uris: Collection[str] = ()) -> SparkSession:
    """Return a new session with independent settings on this process's Spark, since targets run concurrently."""
    session = get_session(lake_uris=lake_uris).newSession()
    _set_up(session)
    return session


def cancel_jobs() -> None:
    """Cancel the running Spark jobs of this process."""
    if (context := SparkContext._active_spark_context) is not None:
        context.cancelAllJobs()


def kill_jvm() -> None:
    """Kill the JVM of this process, if there is one."""
    gateway = SparkContext._gateway
    if gateway is not None and (java := getattr(gateway, "proc", None)) is not None:
        java.kill()


def _set_up(session: SparkSession) -> None:
    for key, value in SETTINGS.items():
        session.conf.set(key, value)
        # Jobs that Hudi starts (compaction, clustering) see local properties of their thread, not the session.
        session.sparkContext.setLocalProperty(key, value)
    if not is_local():
        # The JVM's options cannot be set here, so Spark must not generate methods that HotSpot does not compile.
        session.conf.set("spark.sql.codegen.hugeMethodLimit", _COMPILED_BYTES)


def _share_wheel(context: SparkContext) -> None:
    """Let Python workers import this project from the wheel of ``--py-files``: Spark lets them import .zip only."""
    zipped = Path(_PROJECT).with_suffix(".zip")
    if _PROJECT.endswith(".whl") and zipped.name not in (context._python_includes or ()):
        copy = shutil.copyfile(_PROJECT, Path(context._temp_dir) / zipped.name)
        context.addPyFile(str(copy))


def _quiet_warnings(session: SparkSession) -> None:
    """Silence warnings of Spark and Hudi about intended behaviour: columns bound by name, Athena's table version.

    Their logs of failing jobs quote values; the run reports the cause and logs the trace itself. py4j logs a traceback
    for every call to a JVM that has ended, which the run reports once.
    """
    logging.getLogger().addFilter(_is_not_of_gateway)
    for name in _LOGGERS_OF_ERRORS:
        logging.getLogger(name).disabled = True
    log4j = session.sparkContext._jvm.org.apache.logging.log4j  # type: ignore[union-attr]
    for logger in _LOGGERS_OF_VALUES:
        log4j.core.config.Configurator.setLevel(logger, log4j.Level.OFF)


def _is_not_of_gateway(record: logging.LogRecord) -> bool:
    return record.module != "java_gateway"


def _prepare_machine() -> None:
    os.environ["JAVA_HOME"] = require_java()
    os.environ["PYSPARK_PYTHON"] = sys.executable
    # Workers import this project from the same path as the driver, regardless of their working directory.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (_PROJECT, os.environ.get("PYTHONPATH"))))
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    if sys.flags.utf8_mode and sys.platform == "linux":
        # In the POSIX locale Python uses UTF-8, but the JVM uses ASCII for file names, regardless of its properties.
        os.environ["LC_ALL"] = _utf8_locale() or os.environ.get("LC_ALL", "")


def _utf8_locale() -> str | None:
    """Return the name of an installed UTF-8 locale, or None."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        for name in _UTF8_LOCALES:
            with contextlib.suppress(locale.Error):
                return locale.setlocale(locale.LC_CTYPE, name)
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return None


def _jars() -> list[str]:
    return sorted(str(path.resolve()) for path in jar_folder().glob("*.jar"))


def _set_credentials(session: SparkSession) -> None:
    """Pass botocore's credentials to S3A, whose provider chain does not support all sources (profiles, SSO, roles)."""
    import boto3

    # py4j takes the name of a class that does not exist for a package.
    if not isinstance(session.sparkContext._jvm.org.apache.hadoop.fs.s3a.S3AFileSystem, JavaClass):  # type: ignore[union-attr]
        raise ConfigError(f"the jars by which Spark reads S3 are missing: run {setup_command()}")
    aws = boto3.Session()
    credentials = aws.get_credentials()
    if credentials is None:
        raise ConfigError(NO_CREDENTIALS)
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


def _set_bucket_options(session: SparkSession, read_by_spark: Collection[str]) -> None:
    """Pass the options of buckets to S3A; it has no setting for S3 Bucket Keys.

    Raises:
        ConfigError: If Spark must read a requester-pays bucket, and its S3A does not support that.
    """
    hadoop = session.sparkContext._jsc.hadoopConfiguration()
    for bucket, options in bucket_options().items():
        if options.requester_pays and bucket in read_by_spark and not _supports_requester_pays(session):
            raise ConfigError(
                f"bucket {bucket} has requester_pays, which Spark's S3A supports from Hadoop 3.3.5 on, and this is "
                f"{session.sparkContext._jvm.org.apache.hadoop.util.VersionInfo.getVersion()}; run this feed on Glue 5 "  # type: ignore[union-attr]
                "or a newer Spark, or copy the objects into your own bucket"
            )
        settings = {
            "endpoint.region": options.region,
            "requester.pays.enabled": "true" if options.requester_pays else "",
            "encryption.algorithm": _S3A_ENCRYPTION.get(options.encryption, ""),
            "encryption.key": options.kms_key_id,
        }
        for name, value in settings.items():
            if value:
                hadoop.set(f"fs.s3a.bucket.{bucket}.{name}", value)


def _supports_requester_pays(session: SparkSession) -> bool:
    """Return whether S3A supports requester-pays buckets."""
    s3a = session.sparkContext._jvm.org.apache.hadoop.fs.s3a  # type: ignore[union-attr]
    return "ALLOW_REQUESTER_PAYS" in dir(s3a.Constants)
