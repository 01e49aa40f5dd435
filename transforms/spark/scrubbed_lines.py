"""Scrub a column of JSON text; see ``transforms.json.text``."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final, Literal, cast

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.types import StringType, StructField, StructType

from transforms.errors import MissingColumnsError, NotARecordError
from transforms.json.strings import InsideStrings, scrubber_inside
from transforms.json.text import Depth
from transforms.spark.typed_rows import FAULT

VALUE: Final = "value"


def scrub_lines(
    lines: DataFrame,
    *,
    fields: Collection[str],
    depth: Depth = "top",
    replacement: bytes = b'""',
    inside_strings: Collection[str] | Literal["any"] = (),
    on_refused_line: Literal["fail", "reject"] = "fail",
) -> DataFrame:
    """Replace the values of some fields in lines of JSON; see ``transforms.json.text.scrub_line``.

    ``inside_strings`` is as in ``transforms.json.strings.StringScrubber``. A line that is not one JSON object in UTF-8
    cannot be scrubbed, and is never returned unchanged: ``fail`` fails the query; ``reject`` sets the line to null and
    adds the reason to its row. (The job leaves the whole object unchanged instead.)

    Columns in:  value (string or binary: one record; null and blank lines are preserved)
    Columns out: every input column, value with the fields' values replaced; with ``reject`` also _lakewright_fault
                 (string; the reason for a rejected line, which never quotes it; null in other rows)
    Rows:        unchanged

    Raises:
        MissingColumnsError: If ``value`` is absent.
        ValueError: If a field, the replacement, ``inside_strings`` or ``on_refused_line`` is invalid; with ``reject``,
            if the lines already have a column _lakewright_fault.
        NotARecordError: With ``fail``, in the task that processes it, if a line is refused.
    """
    if VALUE not in lines.columns:
        raise MissingColumnsError([VALUE], lines.columns)
    if on_refused_line not in ("fail", "reject"):
        raise ValueError(f"on_refused_line must be fail or reject, not {on_refused_line!r}")
    names, rejects = tuple(fields), on_refused_line == "reject"
    if rejects and FAULT in lines.columns:
        raise ValueError(f"the lines already have a column {FAULT}; rename it")
    inside = cast(InsideStrings, inside_strings if isinstance(inside_strings, str) else tuple(inside_strings))
    scrubber_inside(names, depth, replacement, inside)  # validates the arguments here rather than in a task
    value_index = lines.columns.index(VALUE)
    out = _with_fault(lines.schema) if rejects else lines.schema

    def scrub_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        scrub = scrubber_inside(names, depth, replacement, inside).scrub
        for batch in batches:
            texts = batch.column(value_index).cast(pa.binary()).to_pylist()
            scrubbed, faults = _scrubbed(texts, scrub, rejects=rejects)
            values = pa.array(scrubbed, pa.binary()).cast(batch.schema.field(value_index).type)
            columns = [values if index == value_index else batch.column(index) for index in range(batch.num_columns)]
            added = [pa.array(faults, pa.string())] if rejects else []
            yield pa.record_batch([*columns, *added], out.names)

    return lines.mapInArrow(scrub_batches, out)


def _with_fault(schema: StructType) -> StructType:
    """Add the column of faults; ``value`` becomes nullable, since rejected lines are null."""
    fields = [StructField(field.name, field.dataType, field.nullable or field.name == VALUE) for field in schema]
    return StructType([*fields, StructField(FAULT, StringType())])


def _scrubbed(
    texts: list[bytes | None], scrub: Callable[[bytes], tuple[bytes, int]], *, rejects: bool
) -> tuple[list[bytes | None], list[str | None]]:
    """Scrub all texts; with ``rejects``, fall back to one by one if a text is refused."""
    try:
        return [None if text is None else scrub(text)[0] for text in texts], [None] * len(texts)
    except NotARecordError:
        if not rejects:
            raise
    scrubbed: list[bytes | None] = []
    faults: list[str | None] = []
    for text in texts:
        try:
            scrubbed.append(None if text is None else scrub(text)[0])
            faults.append(None)
        except NotARecordError as error:
            scrubbed.append(None)
            faults.append(str(error))
    return scrubbed, faults
