"""Blocks of lines to rows: column by column where all lines are of a known shape, else record by record. No pyspark."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from transforms.events.flat_rows import FlatRows, flatten
from transforms.events.lines import number_lines, parse_lines
from transforms.events.record_shape import RecordShape


def flatten_block(
    lines: Sequence[bytes], shape: RecordShape, *, after_line: int = 0, after_record: int = 0
) -> FlatRows:
    """Give the rows of some lines, and the lines that are none; the shape learns from what it could not read.

    The lines' numbers follow ``after_line``; ``after_record`` are the lines before that were not blank.

    Raises:
        DataError: If there are far too many attributes.
    """
    values = shape.read(lines)
    if values is not None:
        return FlatRows(number_lines(lines, after_line=after_line, after_record=after_record), values)
    parsed = parse_lines(lines, after_line=after_line, after_record=after_record)
    shape.learn(parsed.records)
    flat = flatten(parsed.records, parsed.lines)
    return FlatRows(flat.lines, flat.values, [*parsed.rejected, *flat.rejected], parsed.blank)


@contextmanager
def no_search_for_cycles() -> Iterator[None]:
    """Look for no cycles of objects meanwhile: records hold none, and the search takes as long as reading them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
