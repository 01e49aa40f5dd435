"""The scrub of ``transforms.json.text`` over a column of text."""

from collections.abc import Collection, Iterable
from typing import Literal, cast

import pyarrow as pa
from pyspark.sql import DataFrame

from transforms.errors import MissingColumnsError
from transforms.json.strings import InsideStrings, scrubber_inside
from transforms.json.text import Depth

VALUE = "value"


def scrubbed_lines(
    lines: DataFrame,
    *,
    fields: Collection[str],
    depth: Depth = "top",
    replacement: bytes = b'""',
    inside_strings: Collection[str] | Literal["any"] = (),
) -> DataFrame:
    """Replace the values of some fields in lines of JSON; see ``transforms.json.text.scrub_line``.

    ``inside_strings`` are as in ``transforms.json.strings.StringScrubber``.

    Columns in:  value (string: one record; null and blank lines stay)
    Columns out: every input column, value with the fields' values replaced
    Rows:        unchanged

    Raises:
        MissingColumnsError: If ``value`` is absent.
        ValueError: If a field, the replacement or ``inside_strings`` is none.
        NotARecordError: In the task that meets it, if a line is no JSON object: nothing of it goes on unscrubbed.
    """
    if VALUE not in lines.columns:
        raise MissingColumnsError([VALUE], lines.columns)
    names, place = tuple(fields), lines.columns.index(VALUE)
    inside = cast(InsideStrings, inside_strings if isinstance(inside_strings, str) else tuple(inside_strings))
    scrubber_inside(names, depth, replacement, inside)  # what is wrong with these is said here, not by a task

    def scrub_batches(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        scrub = scrubber_inside(names, depth, replacement, inside).scrub
        for batch in batches:
            texts = [
                None if text is None else scrub(text)[0] for text in batch.column(place).cast(pa.binary()).to_pylist()
            ]
            column = pa.array(texts, pa.binary()).cast(batch.schema.field(place).type)
            yield batch.set_column(place, batch.schema.field(place), column)

    return lines.mapInArrow(scrub_batches, lines.schema)
