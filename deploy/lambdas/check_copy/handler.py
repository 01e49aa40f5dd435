"""Compare the copies in raw with an execution's objects."""

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from jobs.feeds.csv_to_parquet import CsvToParquetFeed
from lakewright.buckets import use_lake_file
from lakewright.config_files import Conf, FeedDocument
from lakewright.pipeline.execution import read_execution
from lakewright.pipeline.raw import check_copy

LOGGER = Logger(service="lakewright")


@LOGGER.inject_lambda_context
def handler(state: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Check the copies; see ``lakewright.pipeline.raw.check_copy``."""
    conf = Conf(os.environ["LAKEWRIGHT_CONFIG"])
    use_lake_file(conf)
    execution = read_execution(state)
    feed = FeedDocument(conf, execution.input.feed).parse(CsvToParquetFeed)
    return check_copy(execution, feed.raw_folder())
