"""Feeds of the job access_logs."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from lakewright.config import Feed, Model
from lakewright.folders import require_apart, source_folder, target_folder
from transforms.object_names import compile_date_template


class LogSource(Model):
    """Location of the web servers' logs."""

    path: Annotated[str, source_folder("raw/access/")] = Field(description="Folder of the logs in the lake, or a URI.")
    file_name: str = Field(description="File name template, such as access-{year}-{month}-{day}.log.")

    @field_validator("file_name")
    @classmethod
    def _is_template(cls, template: str) -> str:
        compile_date_template(template, needs_day=True)
        return template


class AccessLogsFeed(Feed):
    """A feed of the job access_logs."""

    job: Literal["access_logs"] = Field(description="The job that runs this feed.")
    source: LogSource
    target: Annotated[str, target_folder("refined/requests/")] = Field(description="Folder of the table in the lake.")

    @model_validator(mode="after")
    def _are_apart(self) -> "AccessLogsFeed":
        require_apart(self.source.path, self.target)
        return self
