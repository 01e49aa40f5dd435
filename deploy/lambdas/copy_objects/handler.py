"""Copy a page of an execution's objects from landing to raw."""

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from jobs.feeds.csv_to_parquet import CsvToParquetFeed
from lakewright.config_files import Conf
from lakewright.pipeline.execution import open_execution_and_feed
from lakewright.pipeline.raw import copy_objects

LOGGER = Logger(service="lakewright")
#: An object that begins with less time left might not end.
SPARE_MILLISECONDS = 60_000


@LOGGER.inject_lambda_context
def handler(state: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Copy a page; see ``lakewright.pipeline.raw.copy_objects``."""
    execution, feed = open_execution_and_feed(state, Conf(os.environ["LAKEWRIGHT_CONFIG"]), CsvToParquetFeed)
    return copy_objects(
        execution,
        feed.raw_folder(),
        page=state["page"],
        has_time=lambda: context.get_remaining_time_in_millis() > SPARE_MILLISECONDS,
    )
