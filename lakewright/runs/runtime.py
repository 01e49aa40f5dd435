"""Where a run took place: the platform, and the size of what it was given there."""

from typing import Literal

import msgspec

Platform = Literal["", "glue", "emr", "lambda", "local"]


class Runtime(msgspec.Struct, frozen=True):
    """Where a run took place.

    Attributes:
        platform: The platform; empty in receipts of earlier versions.
        worker_type: The type of the workers, such as G.1X on Glue; empty elsewhere.
        workers: The number of workers.
        memory_mb: The memory of a Lambda function.
        region: The AWS region.
    """

    platform: Platform = ""
    worker_type: str = ""
    workers: int = 0
    memory_mb: int = 0
    region: str = ""
