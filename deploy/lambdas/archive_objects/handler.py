"""Move a page of an execution's objects from landing to the archive."""

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from lakewright.config_files import Conf
from lakewright.pipeline.archive import archive_objects
from lakewright.pipeline.execution import open_execution

LOGGER = Logger(service="lakewright")
#: An object that begins with less time left might not end.
SPARE_MILLISECONDS = 60_000


@LOGGER.inject_lambda_context
def handler(state: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Move a page; see ``lakewright.pipeline.archive.archive_objects``."""
    return archive_objects(
        open_execution(state, Conf(os.environ["LAKEWRIGHT_CONFIG"])),
        f"{os.environ['ARCHIVE'].strip('/')}/",
        page=state["page"],
        has_time=lambda: context.get_remaining_time_in_millis() > SPARE_MILLISECONDS,
    )
