"""A column of JSON records to the columns of a schema, with rejected records and values without a column. No pyspark.

Rows equal those of the job. Where the job would learn new columns and read again, a row keeps the values that have no
column.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from transforms.events.blocks import flatten_block
from transforms.events.flat_rows import FlatRows
from transforms.events.record_shape import RecordShape
from transforms.events.schema import EventColumn, EventSchema, News, Path
from transforms.events.typed_columns import as_text, to_arrow, type_columns
from transforms.key_paths import write_path

#: The rule that a record breaks, its text, and its values without a column; all null in a clean row.
FAULT: Final = "_lakewright_fault"
TEXT: Final = "_lakewright_text"
LEFT_OUT: Final = "_lakewright_left_out"
BESIDE: Final = {FAULT: pa.string(), TEXT: pa.string(), LEFT_OUT: pa.map_(pa.string(), pa.string())}
#: Values of this much text are still in the CPU cache when they become columns.
_BLOCK_BYTES: Final = 256 << 10


class TextFlattener:
    """Flattens blocks of mostly uniform records to the columns of one schema."""

    def __init__(self, columns: Sequence[EventColumn]) -> None:
        self._schema, self._shape = EventSchema(columns), RecordShape()

    def flatten(self, texts: pa.Array) -> Iterator[tuple[pa.Array, dict[str, pa.Array]]]:
        """Flatten a column of bytes, block by block.

        Returns:
            The positions in ``texts`` of the rows, and the columns: the schema's, then the additional ones. Null and
            blank texts are not rows; rejected ones follow the others of their block, without values.

        Raises:
            DataError: If there are too many attributes.
        """
        for start, lines in blocks_of(texts):
            flat = flatten_block(lines, self._shape, after_line=start)
            numbers = [line.number for line in flat.lines] + [line.number for line in flat.rejected]
            yield pc.subtract(pa.array(numbers, pa.int64()), 1), self._columns(flat)

    def _columns(self, flat: FlatRows) -> dict[str, pa.Array]:
        rows = len(flat.lines)
        typed = type_columns(flat.values, rows, self._schema, {})
        left_out = _left_out(flat, self._schema, typed.news)
        beside = [pa.nulls(rows, pa.string()), pa.nulls(rows, pa.string()), left_out]
        columns = {name: typed.columns[name] for name in self._schema.arrow_types}
        columns |= dict(zip(BESIDE, beside, strict=True))
        if not flat.rejected:
            return columns
        rejected = {
            FAULT: pa.array([line.rule for line in flat.rejected], pa.string()),
            TEXT: pa.array([line.text.decode(errors="backslashreplace") for line in flat.rejected], pa.string()),
        }
        blank = len(flat.rejected)
        return {
            name: pa.concat_arrays([values, rejected.get(name, pa.nulls(blank, values.type))])
            for name, values in columns.items()
        }


def blocks_of(texts: pa.Array) -> Iterator[tuple[int, list[bytes]]]:
    """Split a column of bytes into blocks, each with the position of its first row; null counts as blank."""
    rows = max(1, _BLOCK_BYTES * len(texts) // max(texts.nbytes, 1))
    for start in range(0, len(texts), rows):
        lines = texts.slice(start, rows).to_pylist()
        yield start, [line or b"" for line in lines] if texts.null_count else lines


def observe_texts(texts: pa.Array, shape: RecordShape, schema: EventSchema, formats: dict[Path, str]) -> Iterator[News]:
    """Return what a schema lacks for records, block by block.

    Raises:
        DataError: If there are too many attributes.
    """
    for _, lines in blocks_of(texts):
        flat = flatten_block(lines, shape)
        yield type_columns(flat.values, len(flat.lines), schema, formats).news


def _left_out(flat: FlatRows, schema: EventSchema, news: News) -> pa.Array:
    """Encode values without a column: attributes as for ``read_path``, values as in text columns."""
    rows = len(flat.lines)
    lacking = [path for path in news.statistics if path not in schema.texts]
    if not lacking and not news.misfits:
        return pa.nulls(rows, BESIDE[LEFT_OUT])
    left_out: list[list[tuple[str, str]]] = [[] for _ in range(rows)]
    for path in sorted([*lacking, *news.misfits]):
        values, column = flat.values[path], schema.values.get(path)
        places = range(rows) if column is None else to_arrow(values, column.type)[1]
        for row in places:
            if values[row] is not None:
                left_out[row].append((write_path(path), as_text(values[row])))
    return pa.array([found or None for found in left_out], BESIDE[LEFT_OUT])
