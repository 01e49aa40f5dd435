"""A sample of a batch's records, from which a plan foretells the columns that the batch adds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lakewright.corrections.manifests import CORRECTS
from lakewright.kafka.blocks.record_texts import record_texts
from lakewright.kafka.rules import EventRules
from lakewright.kafka.sink import EventObject, ObjectText, SinkFolder
from lakewright.log.records import SourceObject
from lakewright.log.schemas import known_schema, schema_changes
from lakewright.log.state import TableState
from lakewright.runs.job.sampling import Sample
from transforms.errors import LakewrightError
from transforms.events.blocks import flatten_block, no_search_for_cycles
from transforms.events.flat_rows import FlatRows
from transforms.events.record_shape import RecordShape
from transforms.events.schema import EventSchema, News, learn_columns
from transforms.events.typed_columns import to_dates, type_columns

MOST_OBJECTS: Final = 8
#: Records of one object, and bytes of their texts.
MOST_RECORDS: Final = 1000
_MOST_BYTES: Final = 1 << 20
_READ_BYTES: Final = 256 << 10


@dataclass(frozen=True)
class EventSampler:
    """See ``lakewright.runs.job.Sampler``: the first records of a few objects, evenly chosen by path.

    Attributes:
        separator: The separator between the keys in a column name.
        reserved: Names that attributes' columns must not have.
    """

    source: SinkFolder
    rules: EventRules
    separator: str
    reserved: Sequence[str]

    def sample(self, objects: Sequence[SourceObject], state: TableState) -> Sample:
        """See ``Sampler.sample``."""
        known, shape, news = known_schema(state.schema_versions), RecordShape(self.rules.form), News()
        chosen = _evenly([source for source in objects if CORRECTS not in source.notes])
        records = size = 0
        for source in chosen:
            lines = self._first_lines(source)
            records, size = records + len(lines), size + sum(map(len, lines))
            news = news.merge(self._news(lines, shape, known))
        columns = learn_columns(
            known, news, separator=self.separator, reserved=self.reserved, formats=self.rules.formats
        )
        changes = schema_changes(known, known.plus(columns), separator=self.separator)
        return Sample(changes, len(chosen), records, size)

    def _news(self, lines: Sequence[bytes], shape: RecordShape, known: EventSchema) -> News:
        """Return what the known columns lack for lines; nothing if they are no records that a run would read."""
        try:
            with no_search_for_cycles():
                flat = flatten_block(lines, shape)
        except LakewrightError:
            return News()
        flat.remove(self._undated(flat))
        return type_columns(flat.values, len(flat.lines), known, self.rules.formats).news

    def _undated(self, flat: FlatRows) -> set[int]:
        """Return the rows that a run rejects, since the attribute that determines their day has none."""
        day, rows = self.rules.day, range(len(flat.lines))
        if day is None:
            return set()
        if day not in flat.values:
            return set(rows)
        dates = to_dates(flat.values[day], self.rules.formats[day])
        return {row for row in rows if not dates[row].is_valid}

    def _first_lines(self, source: SourceObject) -> list[bytes]:
        """Read the first records of an object, as far as it is readable."""
        name = self.source.read_name(source.path)
        if isinstance(name, str):
            return []
        text = ObjectText(self.source.lake, source.path, source.size, source.etag, read_bytes=_READ_BYTES)
        lines: list[bytes] = []
        size = 0
        try:
            for part in record_texts(text, EventObject(source.path, source.size, name, "", source.etag), self.rules):
                if text.damage:  # the rest is the beginning of a line
                    break
                lines += part
                size += sum(map(len, part))
                if len(lines) >= MOST_RECORDS or size >= _MOST_BYTES:
                    break
        except (LakewrightError, FileNotFoundError):  # the run says why the object is refused
            pass
        return lines[:MOST_RECORDS]


def _evenly(objects: Sequence[SourceObject]) -> list[SourceObject]:
    """Choose objects at even distances, the first and the last among them."""
    ordered = sorted(objects, key=lambda source: source.path)
    last, steps = len(ordered) - 1, MOST_OBJECTS - 1
    return ordered if last < MOST_OBJECTS else [ordered[step * last // steps] for step in range(MOST_OBJECTS)]
