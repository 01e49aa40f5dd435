"""Where and how a feed of flatten_events reads its events."""

import re
from contextlib import suppress
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from lakewright.config import MAX_RECORD_BYTES, Model, RecordBytes
from lakewright.folders import source_folder
from transforms.events.declared.kinds import ENCODINGS, is_encoding, reads_json
from transforms.events.raw.envelopes import Envelope
from transforms.events.sink_names import compile_object_name
from transforms.json.framing import Records
from transforms.key_paths import read_path, write_path
from transforms.object_names import compile_date_template

#: The whole record, in ``parse_json``.
WHOLE_RECORD: Final = "$"

_ENVELOPES: Final[tuple[tuple[Envelope, ...], ...]] = ((), ("connect",), ("debezium",), ("connect", "debezium"))
_KEY: Final = re.compile(r"key\((.+)\)")

TimeFormat = Literal["epoch_seconds", "epoch_millis", "epoch_micros", "epoch_nanos", "iso"]


def _is_path(written: str) -> str:
    read_path(written)
    return written


def _is_template(template: str) -> str:
    if template:
        compile_date_template(template, needs_day=True)
    return template


def _is_day(written: object) -> object:
    """Accept only dates: pydantic would read numbers as seconds since 1970."""
    if isinstance(written, str):
        with suppress(ValueError):
            return date.fromisoformat(written)
    if type(written) is not date:
        raise ValueError(f"must be a date such as 1990-01-31, not {written!r}")
    return written


def _is_parsed(written: str) -> str:
    return written if written == WHOLE_RECORD else _is_path(written)


def _is_object_name(template: str) -> str:
    if template:
        compile_object_name(template)
    return template


def _is_encoding(written: str) -> str:
    if not is_encoding(written):
        raise ValueError(f"unknown type {written}; known are {', '.join(ENCODINGS)}")
    return written


def _is_dedupe(written: object) -> object:
    if written is False:  # YAML's off
        return "off"
    if written not in ("offsets", "off") and not (isinstance(written, str) and _KEY.fullmatch(written)):
        raise ValueError("must be offsets, off, or key(…) with one or more attributes, such as key(event_id)")
    key_of(str(written))
    return written


def key_of(dedupe: str) -> list[tuple[str, ...]]:
    """Return the attributes of ``key(…)``; none for other values."""
    match = _KEY.fullmatch(dedupe)
    return [read_path(path.strip()) for path in match[1].split(",")] if match else []


def _as_list(written: object) -> object:
    """Accept one envelope as well as a list."""
    return [written] if isinstance(written, str) else written


Attribute = Annotated[str, AfterValidator(_is_path)]
ParsedAttribute = Annotated[str, AfterValidator(_is_parsed)]
Dedupe = Annotated[str, BeforeValidator(_is_dedupe)]
Envelopes = Annotated[tuple[Envelope, ...], BeforeValidator(_as_list)]
Encoding = Annotated[str, AfterValidator(_is_encoding)]
Ending = Literal[".json", ".json.gz", ".jsonl", ".jsonl.gz", ".bin", ".bin.gz"]
Day = Annotated[date, BeforeValidator(_is_day)]


class RecordPlace(Model):
    """Attributes with a record's position in Kafka; what they do not provide is derived from the object's name."""

    topic: Attribute | None = Field(default=None, description="Attribute with the topic.")
    partition: Attribute | None = Field(default=None, description="Attribute with the Kafka partition.")
    offset: Attribute | None = Field(default=None, description="Attribute with the offset.")


class EventDay(Model):
    """What determines the day of a row."""

    source: Literal["path", "object", "field"] = Field(
        default="path",
        alias="from",
        description="path: the object's folders. object: its last-modified time. field: an attribute of the event.",
    )
    field: Attribute | None = Field(
        default=None,
        description="For from: field, an attribute of source.timestamps, or one of source.types with epoch_days.",
    )
    path_format: Annotated[str, AfterValidator(_is_template)] = Field(
        default="",
        description="For from: path, the pattern of the folders, such as dt={year}-{month}-{day}/*. Empty: "
        "key=value folders.",
    )


class DaysAllowed(Model):
    """The days that rows may have; a time in another unit than declared is far outside."""

    first: Day = Field(default=date(1990, 1, 1), description="First day; earlier rows are rejected.")
    last: Day | None = Field(
        default=None, description="Last day; later rows are rejected. Null: the day after the batch is processed."
    )

    @model_validator(mode="after")
    def _fits(self) -> "DaysAllowed":
        if self.last is not None and self.last < self.first:
            raise ValueError(f"last: {self.last} is before first: {self.first}; all rows would be rejected")
        return self


class EventSource(Model):
    """The sink's folder, and the attributes of its events."""

    path: Annotated[str, source_folder("raw/topics/")] = Field(
        min_length=1, description="The sink's topics.dir: a folder in the lake, or a URI."
    )
    topics: tuple[str, ...] = Field(
        default=("*",), min_length=1, description="Topics to read, by name or pattern such as shop.*; case-sensitive."
    )
    delimiter: str = Field(default="+", min_length=1, description="The sink's file.delim.")
    endings: tuple[Ending, ...] = Field(
        default=(".json", ".json.gz"), min_length=1, description="Endings of the names of objects."
    )
    object_name: Annotated[str, AfterValidator(_is_object_name)] = Field(
        default="",
        description="Pattern of the objects' paths below path, for other sinks than Confluent's: {topic}, {partition}, "
        "{offset} of the first record or {last_offset}, * for any text. delimiter and endings are then not used.",
    )
    records: Records = Field(
        default="lines",
        description="lines: one record per line. concatenated: one after another. array: elements of one array. "
        "document: one record per object. Except for lines, _line counts records.",
    )
    unwrap: Envelopes = Field(
        default=(),
        description="Envelopes around records, from the outside: connect (schema and payload), debezium (before, "
        "after, op, source), or [connect, debezium]. Attributes are those of the unwrapped record.",
    )
    parse_json: tuple[ParsedAttribute, ...] = Field(
        default=(), description="Attributes that are strings with JSON in them; $ is the whole record."
    )
    json_columns: dict[Attribute, Literal["text", "map"]] = Field(
        default={},
        description="Attributes that become one column. text: as JSON text. map: objects whose keys are values, as a "
        "map of texts.",
    )
    day: EventDay = Field(default=EventDay(), description="What determines the day of a row.")
    day_range: DaysAllowed = Field(
        default=DaysAllowed(), description="The days that rows may have; rows of other days are rejected."
    )
    timestamps: dict[Attribute, TimeFormat] = Field(
        default={}, description="Attributes that become timestamps, with the format of their times."
    )
    types: dict[Attribute, Encoding] = Field(
        default={},
        description="Attributes in an encoding of Kafka Connect or Debezium: epoch_days, time_millis, time_micros, "
        "time_nanos, base64_decimal(scale), variable_scale_decimal(scale).",
    )
    record: RecordPlace = Field(default=RecordPlace(), description="Attributes with a record's position in Kafka.")
    on_offset_conflict: Literal["keep", "refuse"] = Field(
        default="keep",
        description="What to do with different records at the same offset. keep: keep both rows, with a warning. "
        "refuse: publish nothing.",
    )
    dedupe: Dedupe = Field(
        default="offsets",
        description="offsets: records with the same offset and content are one row. key(a, b): records of a day with "
        "the same values of these attributes are one row, the one published first. off: keep all.",
    )
    max_record_bytes: RecordBytes = Field(
        default=MAX_RECORD_BYTES, description="An object with a longer (uncompressed) line is refused as a whole."
    )

    @model_validator(mode="after")
    def _declares_once(self) -> "EventSource":
        declared = [*self.timestamps, *self.types, *self.json_columns]
        if repeated := next((path for path in declared if declared.count(path) > 1), None):
            raise ValueError(f"{repeated} is declared twice; write it in one of timestamps, types and json_columns")
        if self.unwrap not in _ENVELOPES:
            raise ValueError("unwrap: use connect, debezium, or [connect, debezium]: an envelope in another")
        return self

    @model_validator(mode="after")
    def _keeps_whole(self) -> "EventSource":
        """Refuse declarations of what is within an attribute that becomes one column."""
        kept = [*self.json_columns, *(path for path, kind in self.types.items() if reads_json(kind))]
        record, parsed = self.record, (path for path in self.parse_json if path != WHOLE_RECORD)
        places = (path for path in (self.day.field, record.topic, record.partition, record.offset) if path)
        written = [*self.timestamps, *self.types, *self.json_columns, *parsed, *places]
        declared = {path: read_path(path) for path in written} | {write_path(key): key for key in key_of(self.dedupe)}
        for whole in kept:
            keys = read_path(whole)
            for path, inner in declared.items():
                if inner[: len(keys)] == keys != inner:
                    raise ValueError(f"{path} is not an attribute of its own: {whole} is kept as one column")
        return self
