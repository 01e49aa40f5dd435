"""Where a run takes place: the platform, and the size of what it has there."""

import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

Platform = Literal["", "glue", "emr", "lambda", "local"]

#: Arguments by which a job's definition passes its size to the script, since Glue does not tell a run its size.
WORKER_TYPE: Final = "--worker-type"
NUMBER_OF_WORKERS: Final = "--number-of-workers"
_MOST_DIGITS: Final = 9
_AUTO_SCALING: Final = "--enable-auto-scaling"


class Runtime(msgspec.Struct, frozen=True):
    """Where a run took place.

    Attributes:
        platform: The platform; empty in receipts of earlier versions.
        worker_type: The type of the workers, such as G.1X on Glue; empty elsewhere, and if it is unknown.
        workers: The number of workers; zero elsewhere, and if it is unknown.
        memory_mb: The memory of a Lambda function.
        region: The AWS region; empty if it is unknown.
        is_auto_scaled: Whether Glue may use fewer workers at times.
    """

    platform: Platform = ""
    worker_type: str = ""
    workers: int = 0
    memory_mb: int = 0
    region: str = ""
    is_auto_scaled: bool = False


def current_runtime() -> Runtime:
    """Return where this process runs, as far as its arguments and environment say."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        return Runtime("lambda", memory_mb=_memory_mb(os.environ), region=region)
    if is_glue_run():
        values = _values_of(sys.argv)
        return Runtime(
            "glue",
            values.get(WORKER_TYPE, ""),
            _number(values.get(NUMBER_OF_WORKERS, "")),
            region=region,
            is_auto_scaled=values.get(_AUTO_SCALING, "false").lower() != "false",
        )
    # A region that is set on a laptop is that of its buckets.
    return Runtime("local") if is_local() else Runtime("emr", region=region)


def is_glue_run() -> bool:
    """Return whether this process is a Glue job run: it has ``--JOB_NAME`` and the awsglue package."""
    return any(argument.split("=")[0] == "--JOB_NAME" for argument in sys.argv) and bool(
        importlib.util.find_spec("awsglue")
    )


def is_local() -> bool:
    """Return whether Spark runs in local mode: neither Glue nor spark-submit has set a master.

    With ``--deploy-mode cluster`` the driver has only the variable that Spark sets for Python programs.
    """
    return not is_glue_run() and {"SPARK_ENV_LOADED", "PYSPARK_GATEWAY_PORT"}.isdisjoint(os.environ)


def _memory_mb(environment: Mapping[str, str]) -> int:
    return _number(environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", ""))


def _values_of(arguments: Sequence[str]) -> dict[str, str]:
    """Return the values of a job's arguments; empty for one without a value."""
    values: dict[str, str] = {}
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        name, separator, value = word.partition("=")
        if name.startswith("--"):
            values[name] = value if separator else "" if following.startswith("--") else following
    return values


def _number(text: str) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if is_number else 0
