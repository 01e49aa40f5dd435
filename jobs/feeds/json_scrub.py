"""The feed of the job json_scrub."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import AliasChoices, Field, field_validator, model_validator

from lakewright.config import MAX_RECORD_BYTES, AnyEngineFeed, Model, RecordBytes
from lakewright.folders import FeedFolder, source_folder
from lakewright.json.scrub_rules import ScrubRules
from transforms.json.framing import Records
from transforms.json.strings import InsideStrings
from transforms.json.text import Depth

#: The deprecated name of max_record_bytes, which still works.
_FORMER_NAME: Final = "max_line_bytes"


class ScrubSource(Model):
    """The objects to scrub."""

    path: Annotated[str, source_folder("landing/uploads/", is_rewritten=True)] = Field(
        min_length=1, description="Folder in the lake, or s3://bucket/prefix."
    )
    objects: tuple[str, ...] = Field(default=(), description="Only these objects, by name relative to the path.")
    records: Records = Field(
        default="lines",
        description="Framing of the records in an object. lines: one record per line. concatenated: one after another, "
        "as Firehose writes them. array: the elements of a top-level array. document: a single record over any number "
        "of lines.",
    )


class Scrub(Model):
    """What to scrub, and how."""

    fields: tuple[str, ...] = Field(
        min_length=1,
        description="Keys whose values are replaced. A dot separates nested keys (meta.body); a backslash escapes "
        "a literal dot.",
    )
    depth: Depth = Field(
        default="top",
        description="top: keys are paths from the top of the record. any: keys match at every depth, "
        "and their dots are literal.",
    )
    replacement: str | int | float | bool | None = Field(default="", description="The value that replaces them.")
    inside_strings: InsideStrings = Field(
        default=(),
        description="Keys, in the syntax of fields, whose strings contain JSON to scrub as well, at every level; any: "
        "all strings.",
    )
    max_record_bytes: RecordBytes = Field(
        default=MAX_RECORD_BYTES,
        validation_alias=AliasChoices("max_record_bytes", _FORMER_NAME),
        description="An object with a longer (uncompressed) record is refused and left unchanged.",
    )
    old_versions: Literal["keep", "delete"] = Field(
        default="keep", description="What to do with older (noncurrent) versions of an object in a versioned bucket."
    )
    verify: bool = Field(
        default=False,
        description="Whether to read each object again, to verify it and to count strings that hide fields in JSON.",
    )
    on_hidden: Literal["warn", "refuse"] = Field(
        default="warn",
        description="warn: an object with such strings is scrubbed, and every run warns of it. refuse: it is "
        "refused and left unchanged.",
    )

    @model_validator(mode="before")
    @classmethod
    def _has_one_limit(cls, written: Any) -> Any:
        if isinstance(written, dict) and {"max_record_bytes", _FORMER_NAME} <= set(written):
            raise ValueError(f"{_FORMER_NAME} is the deprecated name of max_record_bytes: set only max_record_bytes")
        return written

    @field_validator("inside_strings", mode="before")
    @classmethod
    def _is_list_or_any(cls, written: Any) -> Any:
        if isinstance(written, str) and written != "any":
            raise ValueError(f"must be a list of fields, such as [{written}], or any, not {written!r}")
        return written

    @model_validator(mode="after")
    def _is_consistent(self) -> "Scrub":
        if "" in (*self.fields, *self.inside_strings):
            raise ValueError("an empty string is not a field name")
        rules = ScrubRules(self.fields, self.depth, self.written_replacement(), inside_strings=self.inside_strings)
        rules.scrubber()
        if rules.proof().check(json.dumps([self.replacement])).hidden:
            raise ValueError("the replacement itself contains a field to scrub")
        return self

    def written_replacement(self) -> bytes:
        """Return the replacement as JSON text."""
        return json.dumps(self.replacement, ensure_ascii=False, allow_nan=False).encode()


class JsonScrubFeed(AnyEngineFeed):
    """Configuration of the job json_scrub."""

    job: Literal["json_scrub"] = Field(description="The job that runs this feed.")
    source: ScrubSource
    scrub: Scrub

    @field_validator("quarantine_days")
    @classmethod
    def _has_quarantine(cls, days: int | None) -> int | None:
        if days is not None:
            raise ValueError("json_scrub has no quarantine: it leaves objects with bad records as they are; remove it")
        return days

    def folders(self) -> Sequence[FeedFolder]:
        """Return the folder whose objects are rewritten, or the objects selected in it."""
        source = self.source
        objects = [FeedFolder(("source", "objects"), "rewrites", source.path + name) for name in source.objects]
        return objects or super().folders()

    def source_uri(self, lake: str) -> str:
        """Return the source's path as a URI with a trailing slash."""
        path = self.source.path.strip("/")
        uri = path if "://" in path else f"{lake.rstrip('/')}/{path}"
        return uri.replace("s3a://", "s3://") + "/"

    def rules(self) -> ScrubRules:
        """Return the rules of the scrub."""
        scrub = self.scrub
        return ScrubRules(
            fields=scrub.fields,
            depth=scrub.depth,
            replacement=scrub.written_replacement(),
            max_record_bytes=scrub.max_record_bytes,
            old_versions=scrub.old_versions,
            verify=scrub.verify,
            inside_strings=scrub.inside_strings,
            on_hidden=scrub.on_hidden,
            records=self.source.records,
        )
