"""The feeds of the job access_logs."""

from typing import Literal

from pydantic import Field

from lakewright.config import Feed, Model


class LogSource(Model):
    """Where the web servers' logs are."""

    path: str = Field(description="Folder of the logs in the lake.")
    file_name: str = Field(description="Template of their names, such as access-{year}-{month}-{day}.log.")


class AccessLogsFeed(Feed):
    """A feed of the job access_logs."""

    job: Literal["access_logs"] = Field(description="The job that runs this feed.")
    source: LogSource
    target: str = Field(description="Folder of the table in the lake.")
