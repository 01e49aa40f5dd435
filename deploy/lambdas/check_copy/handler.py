"""Compare the copies in raw with an execution's objects."""

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from jobs.feeds.csv_to_parquet import CsvToParquetFeed
from lakewright.config_files import Conf
from lakewright.pipeline.execution import open_execution_and_feed
from lakewright.pipeline.raw import check_copy

LOGGER = Logger(service="lakewright")


@LOGGER.inject_lambda_context
def handler(state: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Check the copies; see ``lakewright.pipeline.raw.check_copy``."""
    execution, feed = open_execution_and_feed(state, Conf(os.environ["LAKEWRIGHT_CONFIG"]), CsvToParquetFeed)
    return check_copy(execution, feed.raw_folder())
