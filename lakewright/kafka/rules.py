"""A feed's rules for its events."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from lakewright.config import MAX_RECORD_BYTES
from transforms.events.schema import Path


@dataclass(frozen=True)
class EventRules:
    """A feed's rules for its events: formats of times, and where a record states its day and Kafka position.

    Attributes:
        timestamps: Attributes that are timestamps, with their formats.
        day: The attribute that determines the row's day; None if the object does.
        topic: The attribute that contains the record's topic; None to use the object's name. Likewise the others.
        max_record_bytes: Maximum line length; an object with a longer line is refused.
    """

    timestamps: Mapping[Path, str]
    day: Path | None = None
    topic: Path | None = None
    partition: Path | None = None
    offset: Path | None = None
    max_record_bytes: int = MAX_RECORD_BYTES


class DayRange(NamedTuple):
    """The range of valid days."""

    first: date
    last: date


ANY_DAY: Final = DayRange(date.min, date.max)
