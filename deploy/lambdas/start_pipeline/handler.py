"""Start an execution for each of the feed's objects that land: events of S3, through SQS, and what they missed."""

import os
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from jobs.feeds.csv_to_parquet import CsvToParquetFeed
from lakewright.buckets import use_lake_file
from lakewright.config_files import Conf, FeedDocument
from lakewright.errors import UnreachableError
from lakewright.pipeline.start import open_pipeline

LOGGER = Logger(service="lakewright")
PROCESSOR = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
SPARE_MILLISECONDS = 20_000


@LOGGER.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Start executions; SQS delivers the messages again for which that failed.

    The event of a schedule, ``{"scheduled": "2019-08-21T05:00:00Z"}``, starts them for objects that are overlooked.
    """
    name, conf = os.environ["FEED"], Conf(os.environ["LAKEWRIGHT_CONFIG"])
    use_lake_file(conf)
    feed = FeedDocument(conf, name).parse(CsvToParquetFeed)
    feed.raw_folder()  # a pipeline that cannot copy is not started
    pipeline = open_pipeline(
        name,
        os.environ["LAKEWRIGHT_LAKE"],
        landing=os.environ["LANDING"],
        file_name=feed.landing_pattern(),
        reads_hidden=feed.source.hidden == "read",
        state_machine=os.environ["STATE_MACHINE"],
    )

    if "scheduled" in event:
        return {"started": pipeline.start_overlooked(datetime.fromisoformat(event["scheduled"]))}

    def start(record: SQSRecord) -> list[str]:
        if context.get_remaining_time_in_millis() < SPARE_MILLISECONDS:
            raise UnreachableError("no time is left; the message is delivered again")
        return pipeline.start(record.body)

    return dict(process_partial_response(event, start, PROCESSOR, context))
