"""Check that landing has none of an execution's objects."""

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from lakewright.config_files import Conf
from lakewright.pipeline.archive import check_landing
from lakewright.pipeline.execution import open_execution

LOGGER = Logger(service="lakewright")


@LOGGER.inject_lambda_context
def handler(state: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Check the landing zone; see ``lakewright.pipeline.archive.check_landing``."""
    return check_landing(open_execution(state, Conf(os.environ["LAKEWRIGHT_CONFIG"])))
