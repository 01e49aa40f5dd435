"""Handle S3 upload events: record objects, to be scrubbed when their time to live expires."""

import os
from typing import Any

from lakewright.json.scrub_timer import schedule_scrubs


def handler(event: dict[str, Any], context: object) -> list[str]:  # noqa: ARG001 - Lambda's signature
    """Record the objects of an S3 event; see ``lakewright.json.scrub_timer.schedule_scrubs``."""
    return schedule_scrubs(event, table=os.environ["TABLE"], delay_seconds=int(os.environ["DELAY_SECONDS"]))
