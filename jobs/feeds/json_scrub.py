"""The feeds of the job json_scrub."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import AliasChoices, Field, field_validator, model_validator

from lakewright.config import MAX_RECORD_BYTES, Feed, Model, RecordBytes
from lakewright.folders import FeedFolder, source_folder
from lakewright.json.scrub_rules import ScrubRules
from transforms.json.framing import Records
from transforms.json.strings import InsideStrings
from transforms.json.text import Depth

#: Of max_record_bytes; feeds that say it still work.
_FORMER_NAME: Final = "max_line_bytes"


class ScrubSource(Model):
    """Which objects are scrubbed."""

    path: Annotated[str, source_folder("landing/uploads/", is_rewritten=True)] = Field(
        min_length=1, description="Folder in the lake, or s3://bucket/prefix."
    )
    objects: tuple[str, ...] = Field(default=(), description="Only these, by their names below the path.")
    records: Records = Field(
        default="lines",
        description="How records follow each other in an object: lines; concatenated, as Firehose writes them; array, "
        "the elements of a top-level array; document, one over any number of lines.",
    )


class Scrub(Model):
    """What is scrubbed, and how."""

    fields: tuple[str, ...] = Field(
        min_length=1, description="Keys whose values go; a dot leads inside (meta.body), a dot of a name is \\."
    )
    depth: Depth = Field(default="top", description="any: the keys at whatever depth, dots taken as they are.")
    replacement: str | int | float | bool | None = Field(default="", description="What stands there afterwards.")
    inside_strings: InsideStrings = Field(
        default=(),
        description="Keys, written like fields, in whose strings JSON is scrubbed too, at every level; any: all.",
    )
    max_record_bytes: RecordBytes = Field(
        default=MAX_RECORD_BYTES,
        validation_alias=AliasChoices("max_record_bytes", _FORMER_NAME),
        description="An object with a longer record, once unpacked, is left as it was, and refused.",
    )
    old_versions: Literal["keep", "delete"] = Field(
        default="keep", description="What becomes of the older versions in a bucket that keeps them."
    )
    verify: bool = Field(
        default=False,
        description="Whether each object is read once more, to prove it and to count strings that hide keys in JSON.",
    )
    on_hidden: Literal["warn", "refuse"] = Field(
        default="warn",
        description="warn: an object with such strings is scrubbed and named, each run. refuse: it is left as it was.",
    )

    @model_validator(mode="before")
    @classmethod
    def _has_one_limit(cls, written: Any) -> Any:
        if isinstance(written, dict) and {"max_record_bytes", _FORMER_NAME} <= set(written):
            raise ValueError(f"{_FORMER_NAME} is the former name of max_record_bytes: say max_record_bytes alone")
        return written

    @field_validator("inside_strings", mode="before")
    @classmethod
    def _is_list_or_any(cls, written: Any) -> Any:
        if isinstance(written, str) and written != "any":
            raise ValueError(f"takes a list of fields, such as [{written}], or the word any, not {written!r}")
        return written

    @model_validator(mode="after")
    def _can_be_done(self) -> "Scrub":
        if "" in (*self.fields, *self.inside_strings):
            raise ValueError("an empty text is no name of a field")
        rules = ScrubRules(self.fields, self.depth, self.written_replacement(), inside_strings=self.inside_strings)
        rules.scrubber()
        if rules.proof().look(json.dumps([self.replacement])).hidden:
            raise ValueError("the replacement itself holds a field that is to be scrubbed")
        return self

    def written_replacement(self) -> bytes:
        """Give the replacement as JSON text."""
        return json.dumps(self.replacement, ensure_ascii=False, allow_nan=False).encode()


class JsonScrubFeed(Feed):
    """A feed of the job json_scrub."""

    job: Literal["json_scrub"] = Field(description="The job that runs this feed.")
    source: ScrubSource
    scrub: Scrub

    def folders(self) -> Sequence[FeedFolder]:
        """Give the folder whose objects are rewritten, or the objects that the feed names in it."""
        source = self.source
        objects = [FeedFolder(("source", "objects"), "rewrites", source.path + name) for name in source.objects]
        return objects or super().folders()

    def source_uri(self, lake: str) -> str:
        """Give the source's path as a URI, with a slash at its end."""
        path = self.source.path.strip("/")
        uri = path if "://" in path else f"{lake.rstrip('/')}/{path}"
        return uri.replace("s3a://", "s3://") + "/"

    def rules(self) -> ScrubRules:
        """Say what is scrubbed, in the words of the runtime."""
        said = self.scrub
        return ScrubRules(
            fields=said.fields,
            depth=said.depth,
            replacement=said.written_replacement(),
            max_record_bytes=said.max_record_bytes,
            old_versions=said.old_versions,
            verify=said.verify,
            inside_strings=said.inside_strings,
            on_hidden=said.on_hidden,
            records=self.source.records,
        )
