"""Register the partitions of an execution in the Glue Data Catalog."""

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from jobs.csv_to_parquet import open_targets
from jobs.feeds.csv_to_parquet import CsvToParquetFeed
from lakewright.config_files import Conf
from lakewright.pipeline.execution import open_execution_and_feed
from lakewright.pipeline.partitions import RawTable, register_refined

LOGGER = Logger(service="lakewright")


@LOGGER.inject_lambda_context
def handler(state: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Register the day's partition of raw, or those of refined if the job's run could not."""
    conf = Conf(os.environ["LAKEWRIGHT_CONFIG"])
    execution, feed = open_execution_and_feed(state, conf, CsvToParquetFeed)
    if state["zone"] == "refined":
        feed.read_suites(conf)
        (job,) = open_targets(execution.input.feed, feed, execution.lake)
        return register_refined(execution, job)
    table = RawTable(
        os.environ["RAW_DATABASE"],
        execution.input.feed,
        feed.raw_folder(),
        feed.source.csv,
        [names[0] for names in feed.header_names().values()],
    )
    return table.register(execution)
