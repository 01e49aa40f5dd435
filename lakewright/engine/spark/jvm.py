"""A JVM that has ended under a run, told from errors that it has raised."""

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
    from pyspark import SparkContext

    process = getattr(SparkContext._gateway, "proc", None)
    return process is not None and process.poll() is not None


def _has_not_started(error: BaseException) -> bool:
    from pyspark.errors import PySparkException

    return isinstance(error, PySparkException) and error.getErrorClass() == "JAVA_GATEWAY_EXITED"


def _is_of_no_answer(error: BaseException) -> bool:
    """Tell whether an error is one of py4j's for a JVM that does not answer."""
    from py4j.protocol import Py4JError, Py4JJavaError, Py4JNetworkError

    if isinstance(error, Py4JNetworkError):
        return True
    # py4j's own words for a call that got no answer, whose exception could not be asked for either.
    return isinstance(error, Py4JError) and not isinstance(error, Py4JJavaError) and "None.None" in str(error)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
