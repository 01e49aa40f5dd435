"""Split the text of an object into the texts of its records, in the framing that the feed declares."""

from collections.abc import Iterator
from dataclasses import replace

from lakewright.errors import ObjectRefusedError
from lakewright.kafka.rules import EventRules
from lakewright.kafka.sink import EventObject, ObjectText
from transforms.errors import FramingError
from transforms.events.lines import is_blank
from transforms.events.raw.splitting import place_in, split_records
from transforms.json.framing import Records


def framing_of(source: EventObject, rules: EventRules) -> Records:
    """Return how records follow each other; a correction has one on each line."""
    return "lines" if source.lake_uri else rules.records


def record_texts(text: ObjectText, source: EventObject, rules: EventRules) -> Iterator[list[bytes]]:
    """Return the texts of an object's records, in blocks; with one record per line, blank lines are among them.

    Raises:
        LongRecordError: If a line is too long.
        ObjectRefusedError: If records do not follow each other as declared.
    """
    records = framing_of(source, rules)
    try:
        yield from split_records(text, records, max_bytes=rules.max_record_bytes)
    except FramingError as error:
        why = text.damage or _describe(error, text.again(), records)
        raise ObjectRefusedError({source.path: f"{why}; none of its rows were read"}) from None


def _describe(error: FramingError, text: ObjectText, records: Records) -> str:
    line, column = place_in(text, error.offset)
    advice = f", as for source.records: {error.looks_like}" if error.looks_like not in ("", records) else ""
    return f"line {line}, column {column}: {error.problem}{advice}"


def with_first_offset(text: ObjectText, source: EventObject, rules: EventRules) -> EventObject:
    """Return an object with the offset of its first record in its name; a name may have that of the last one.

    Raises:
        LongRecordError: If a line is too long.
        ObjectRefusedError: If records do not follow each other as declared, or are too many for that offset.
    """
    if not source.name.names_last or source.offsets:
        return source
    count = sum(len(texts) - sum(map(is_blank, texts)) for texts in record_texts(text.again(), source, rules))
    start = source.name.start - max(count - 1, 0)
    if start < 0:
        why = f"its name has last offset {source.name.start}, but it has {count} records"
        raise ObjectRefusedError({source.path: f"{why}; none of its rows were read"})
    return replace(source, name=replace(source.name, start=start, names_last=False))
