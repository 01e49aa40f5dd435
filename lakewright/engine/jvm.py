"""A JVM that has ended under a run, told from errors that it has raised; without pyspark there is none.

A run that does without Spark does not import it: so its exceptions are known by their names here.
"""

import sys
from collections.abc import Iterator

from lakewright.errors import JvmEndedError
from transforms.errors import LakewrightError


def jvm_error(error: BaseException, stage: str) -> JvmEndedError | None:
    """Give the error to end a run with, if what went wrong is that Spark's JVM ended; None if it is something else.

    Args:
        error: What was raised.
        stage: What the run was about to do.
    """
    if isinstance(error, LakewrightError) and error.exit_code != LakewrightError.exit_code:
        return None  # what was found about data or sources holds, whatever became of the JVM
    if any(_has_not_started(cause) for cause in _causes(error)):
        return JvmEndedError("")
    return JvmEndedError(stage) if _has_exited() or any(map(_is_of_no_answer, _causes(error))) else None


def _has_exited() -> bool:
    """Tell whether the JVM that this process started has exited; of one that others started (Glue) it is unknown."""
    pyspark = sys.modules.get("pyspark")
    gateway = pyspark.SparkContext._gateway if pyspark else None
    process = getattr(gateway, "proc", None)
    return process is not None and process.poll() is not None


def _has_not_started(error: BaseException) -> bool:
    get_class = getattr(error, "getErrorClass", None)  # of pyspark's exceptions
    return get_class is not None and get_class() == "JAVA_GATEWAY_EXITED"


def _is_of_no_answer(error: BaseException) -> bool:
    """Tell whether an error is one of py4j's for a JVM that does not answer."""
    names = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "py4j.protocol"]
    if "Py4JNetworkError" in names:
        return True
    # py4j's own words for a call that got no answer, whose exception could not be asked for either.
    return "Py4JError" in names and "Py4JJavaError" not in names and "None.None" in str(error)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
