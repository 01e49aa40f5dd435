"""Write the notice about a failed execution."""

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from lakewright.buckets import use_lake_file
from lakewright.config_files import Conf
from lakewright.pipeline.notices import notice

LOGGER = Logger(service="lakewright")


@LOGGER.inject_lambda_context
def handler(state: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Write subject and message; see ``lakewright.pipeline.notices.notice``."""
    use_lake_file(Conf(os.environ["LAKEWRIGHT_CONFIG"]))
    return notice(state)
