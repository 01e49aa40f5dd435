"""Where a run takes place: the platform, and the size of what it has there."""

import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

Platform = Literal["", "glue", "emr", "lambda", "local"]

#: Arguments by which a job's definition passes its size to the script, since Glue itself tells it to no run.
WORKER_TYPE: Final = "--worker-type"
NUMBER_OF_WORKERS: Final = "--number-of-workers"


class Runtime(msgspec.Struct, frozen=True):
    """Where a run took place.

    Attributes:
        platform: The platform; empty in receipts of earlier versions.
        worker_type: The type of the workers, such as G.1X on Glue; empty elsewhere, and if it is unknown.
        workers: The number of workers; zero elsewhere, and if it is unknown.
        memory_mb: The memory of a Lambda function.
        region: The AWS region; empty if it is unknown.
    """

    platform: Platform = ""
    worker_type: str = ""
    workers: int = 0
    memory_mb: int = 0
    region: str = ""


def current_runtime() -> Runtime:
    """Return where this process runs, as far as its arguments and environment tell."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        return Runtime("lambda", memory_mb=_memory_mb(os.environ), region=region)
    if is_glue_run():
        worker_type, workers = _size_of_job(sys.argv)
        return Runtime("glue", worker_type, workers, region=region)
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


def _size_of_job(arguments: Sequence[str]) -> tuple[str, int]:
    """Return the worker type and the number of workers; empty and zero if they are not passed as such."""
    values: dict[str, str] = {}
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        name, separator, value = word.partition("=")
        if name in (WORKER_TYPE, NUMBER_OF_WORKERS):
            values[name] = value if separator else following
    worker_type = values.get(WORKER_TYPE, "")
    return "" if worker_type.startswith("--") else worker_type, _number(values.get(NUMBER_OF_WORKERS, ""))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
