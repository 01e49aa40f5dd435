"""Blocks of lines to rows: column-wise if all lines have a known shape, else record by record. No pyspark."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from transforms.events.flat_rows import FlatRows, flatten
from transforms.events.lines import number_lines, parse_lines
from transforms.events.raw.faults import words_of_fault
from transforms.events.raw.forms import RecordForm
from transforms.events.record_shape import RecordShape


def flatten_block(
    lines: Sequence[bytes], shape: RecordShape, *, after_line: int = 0, after_record: int = 0
) -> FlatRows:
    """Return the rows of lines, and the rejected lines; the shape learns from lines that it does not match.

    Line numbers start after ``after_line``; ``after_record`` is the number of earlier non-blank lines.

    Raises:
        DataError: If there are too many attributes.
    """
    if shape.form.is_plain:
        return _flatten(lines, shape, after_line, after_record)
    return _flatten_rewritten(lines, shape, shape.form, after_line, after_record)


def _flatten_rewritten(
    lines: Sequence[bytes], shape: RecordShape, form: RecordForm, after_line: int, after_record: int
) -> FlatRows:
    """Flatten records in a declared form; rows and rejected lines keep the text of the object."""
    rewritten = form.rewrite(lines, after_line=after_line, after_record=after_record)
    rejected = rewritten.rejected
    if not rewritten.texts:
        return FlatRows([], {}, rejected, rewritten.blank, rewritten.skipped)
    flat = _flatten(rewritten.texts, shape, 0, 0)
    for line in flat.rejected:
        original = rewritten.lines[line.number - 1]
        words = words_of_fault(line) if line.rule == "record" else ""  # places are those of the original text
        rejected.append(line._replace(number=original.number, text=original.text, words=words))
    kept = [rewritten.lines[line.number - 1] for line in flat.lines]
    return FlatRows(kept, flat.values, rejected, rewritten.blank, rewritten.skipped)


def _flatten(lines: Sequence[bytes], shape: RecordShape, after_line: int, after_record: int) -> FlatRows:
    values = shape.read(lines)
    if values is not None:
        return FlatRows(number_lines(lines, after_line=after_line, after_record=after_record), values)
    parsed = parse_lines(lines, after_line=after_line, after_record=after_record)
    shape.learn(parsed.records)
    flat = flatten(parsed.records, parsed.lines)
    return FlatRows(flat.lines, flat.values, [*parsed.rejected, *flat.rejected], parsed.blank)


@contextmanager
def no_search_for_cycles() -> Iterator[None]:
    """Disable garbage collection: records have no cycles, and searching for them takes as long as parsing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
