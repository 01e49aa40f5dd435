"""Handle expired DynamoDB items: scrub their objects, or pass large ones to the Glue job."""

import os
from typing import Any

from jobs.feeds.json_scrub import JsonScrubFeed
from lakewright.buckets import use_lake_file
from lakewright.config_files import Conf, FeedDocument
from lakewright.json.scrub_timer import ScrubJob, scrub_expired


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Scrub objects by the rules of a feed; see ``lakewright.json.scrub_timer.scrub_expired``."""
    lake, config, name = os.environ["LAKEWRIGHT_LAKE"], os.environ["LAKEWRIGHT_CONFIG"], os.environ["FEED"]
    use_lake_file(Conf(config))
    feed = FeedDocument(Conf(config), name).parse(JsonScrubFeed)
    job = ScrubJob(os.environ["GLUE_JOB"], name, lake, config, source=feed.source_uri(lake))
    return scrub_expired(event, rules=feed.rules(), largest_bytes=int(os.environ["LARGEST_BYTES"]), job=job)
