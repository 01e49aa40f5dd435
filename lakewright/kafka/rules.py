"""A feed's rules for its events."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from lakewright.config import MAX_RECORD_BYTES
from transforms.events.raw.forms import PLAIN, RecordForm
from transforms.events.schema import Path
from transforms.json.framing import Records


@dataclass(frozen=True)
class EventRules:
    """A feed's rules for its events: formats of values, and where a record states its day and Kafka position.

    Attributes:
        formats: The declared format of attributes: a time, another encoded value, or JSON that is kept whole.
        day: The attribute that determines the row's day; None if the object does.
        topic: The attribute that contains the record's topic; None to use the object's name. Likewise the others.
        max_record_bytes: Maximum line length; an object with a longer line is refused.
        records: How records follow each other in an object.
        form: The form of records: envelopes, JSON in strings, attributes kept whole.
        dedupes: Whether records with the same offset and content are duplicates.
        key: If not, the attributes by which duplicates are found; empty to keep all records.
    """

    formats: Mapping[Path, str]
    day: Path | None = None
    topic: Path | None = None
    partition: Path | None = None
    offset: Path | None = None
    max_record_bytes: int = MAX_RECORD_BYTES
    records: Records = "lines"
    form: RecordForm = PLAIN
    dedupes: bool = True
    key: tuple[Path, ...] = ()


class DayRange(NamedTuple):
    """The range of valid days."""

    first: date
    last: date


ANY_DAY: Final = DayRange(date.min, date.max)
