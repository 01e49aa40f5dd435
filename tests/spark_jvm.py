"""How tests start Spark's JVM: without the optimizing compiler, and with an archive of the classes that it loads.

A command that writes a Hudi table then needs 6 s of CPU time instead of 19. ``python -m tests.spark_jvm`` makes the
archive (``make test`` does); a JVM with another Java or class path ignores it.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

#: Tests seldom run the same code often enough for more than the first compiler to pay.
_COMPILER: Final = "-XX:TieredStopAtLevel=1"
#: The classes of Java, which not every Java has as an archive, and those of Spark and Hudi on top of them.
_JAVA, _SPARK = (Path(sys.prefix) / f"{name}.jsa" for name in ("java", "spark"))


def set_jvm_options() -> None:
    """Set the options of all JVMs that this process and its children start, unless they are set."""
    # The JVM would write to stdout if it cannot use the archive.
    archive = f" -Xlog:disable -XX:SharedArchiveFile={_JAVA}:{_SPARK}" if _SPARK.exists() else ""
    os.environ.setdefault("SPARK_SUBMIT_OPTS", f"{_COMPILER}{archive}")
    os.environ.setdefault("SPARK_LAUNCHER_OPTS", _COMPILER)


def make_archive() -> None:
    """Make the archive, from a JVM that has read CSV and has loaded and changed a Hudi table."""
    from lakewright.engine.spark.jvm import require_java

    java = Path(require_java()) / "bin/java"
    subprocess.run([java, "-Xshare:dump", f"-XX:SharedArchiveFile={_JAVA}"], check=True)
    unfinished = _SPARK.with_suffix(".new")
    os.environ["SPARK_SUBMIT_OPTS"] = f"{_COMPILER} -XX:SharedArchiveFile={_JAVA} -XX:ArchiveClassesAtExit={unfinished}"
    with tempfile.TemporaryDirectory() as folder:
        _use_spark(Path(folder))
    unfinished.rename(_SPARK)


def _use_spark(folder: Path) -> None:
    from pyspark import SparkContext

    from lakewright.engine.spark.session import get_session
    from tests.cdc import CdcBench
    from tests.conftest import Bench

    spark = get_session()
    bench, cdc = Bench(folder, spark), CdcBench(folder, spark)
    bench.feed()
    bench.put("a.csv", "id,name\n1,a\nx,b\n")
    _run("people", folder, "--engine", "spark")
    cdc.feed()
    cdc.put("LOAD00000001.parquet", [(1, "Ann", "IT"), (2, "Bob", "HR")])
    _run("hr", folder)
    cdc.put("20260801-100000000.parquet", [("U", "2026-08-01 10:00:00.000000", 1, "Ann", "HR")])
    _run("hr", folder)
    assert cdc.rows() == [(1, "Ann", "HR"), (2, "Bob", "HR")]
    gateway = SparkContext._gateway
    assert gateway is not None
    spark.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()  # the JVM ends, and writes the archive
    gateway.proc.wait()


def _run(feed: str, folder: Path, *options: str) -> None:
    from jobs.cli.verbs import app

    places = ["--lake", str(folder / "lake"), "--config", str(folder / "conf")]
    assert not app(["run", feed, *places, *options], standalone_mode=False)


if __name__ == "__main__":
    make_archive()
