"""A worker's part of reading CSV: objects in, staged Parquet files of good and of rejected rows out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from lakewright.csv.objects import CsvObject, CsvPart, CsvRules, Damage, damage_of, read_part
from lakewright.log.records import DataFile
from lakewright.parquet.arrow import TableWriter
from lakewright.parquet.place import TablePlace
from lakewright.storage.uris import open_lake
from transforms.csv.kept_records import without_records
from transforms.csv.text_layout import TextBlock
from transforms.csv.typed_column import TypedColumn
from transforms.csv.typed_columns import type_texts
from transforms.errors import DataError
from transforms.partition_folders import split_by_partition

_REJECTED: Final = pa.schema(
    [
        ("object", pa.string()),
        ("etag", pa.string()),
        ("position", pa.int64()),
        ("reasons", pa.list_(pa.struct([("rule", pa.string()), ("column", pa.string())]))),
        ("text", pa.string()),
        ("fields", pa.map_(pa.string(), pa.string())),
    ]
)

Reason = dict[str, str | None]


@dataclass(frozen=True)
class ConversionTask:
    """What one task reads, either whole objects or one byte range, and where it writes the rows."""

    source_uri: str
    lake_uri: str
    parts: Sequence[CsvPart]
    rules: CsvRules
    columns: Sequence[TypedColumn]
    table: TablePlace
    quarantine: TablePlace


@dataclass
class Converted:
    """The output of a task; if there is damage, there are no files.

    Attributes:
        superseded: The number of records that corrections replace, by path.
        rules: How many rejected rows break each rule, with its column.
        damage: The damage of objects that cannot be read as declared, by path.
        table: Files of good rows.
        quarantine: Files of rejected rows.
        begins: Where the first record of a byte range begins in the object; None if it was not found.
        ends: Where its last record ends.
        lines: The number of lines from there to there.
    """

    read: int = 0
    rejected: int = 0
    superseded: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    damage: dict[str, Damage] = field(default_factory=dict)
    table: list[DataFile] = field(default_factory=list)
    quarantine: list[DataFile] = field(default_factory=list)
    begins: int | None = None
    ends: int = 0
    lines: int = 0


def convert_parts(task: ConversionTask) -> Converted:
    """Read each object once; after a damaged one, the others are only read to look for further damage."""
    lakes, conversion = {uri: open_lake(uri) for uri in _lake_uris(task)}, _Conversion(task)
    converted = conversion.converted
    for part in task.parts:
        lake = lakes[part.source.lake_uri or task.source_uri]
        try:
            for block in read_part(lake, part, task.rules):
                if not converted.damage:
                    conversion.add(part.source, block)
        except DataError as error:
            converted.damage[part.source.path] = damage_of(error, part.source.path)
    if not converted.damage:
        conversion.flush()
    return converted


def _lake_uris(task: ConversionTask) -> set[str]:
    return {part.source.lake_uri or task.source_uri for part in task.parts}


class _Conversion:
    """The rows of a task, typed and written by partition."""

    def __init__(self, task: ConversionTask) -> None:
        lake = open_lake(task.lake_uri)
        self._task = task
        self._table, self._quarantine = TableWriter(lake, task.table), TableWriter(lake, task.quarantine)
        self.converted = Converted()

    def add(self, source: CsvObject, block: TextBlock) -> None:
        """Type a block of records, and separate good from rejected rows."""
        self._note_place(block)
        if source.superseded:
            block = self._without_superseded(source, block)
        values: dict[str, Any] = {}
        broken: dict[str, Any] = {}
        for column in self._task.columns:
            typed = type_texts(block.columns[column.name].chunk(0), column)
            values[column.name] = typed.values
            if typed.rules is not None and typed.rules.null_count < len(typed.rules):
                broken[column.name] = typed.rules
        self.converted.read += block.columns.num_rows + len(block.faults)
        good = pa.table(values)
        rejected = _rejected_as_a_whole(source, block)
        if broken:
            is_rejected = reduce(pc.or_, (pc.is_valid(rules) for rules in broken.values()))
            good = good.filter(pc.invert(is_rejected))
            rejected += _rejected_by_values(source, block, pc.indices_nonzero(is_rejected).to_pylist(), broken)
        self._write(self._table, self._task.table, source, good)
        if rejected:
            self.converted.rejected += len(rejected)
            self.converted.rules.update(map(_rule_name, (reason for row in rejected for reason in row["reasons"])))
            self._write(self._quarantine, self._task.quarantine, source, pa.Table.from_pylist(rejected, _REJECTED))

    def _without_superseded(self, source: CsvObject, block: TextBlock) -> TextBlock:
        """Leave out the records that corrections replace, and count them."""
        kept = without_records(block, source.superseded)
        count = block.columns.num_rows + len(block.faults) - kept.columns.num_rows - len(kept.faults)
        self.converted.read += count
        self.converted.superseded[source.path] += count
        return kept

    def flush(self) -> None:
        """Write what is buffered."""
        self._table.flush()
        self._quarantine.flush()
        self.converted.table, self.converted.quarantine = self._table.files, self._quarantine.files

    def _note_place(self, block: TextBlock) -> None:
        if self.converted.begins is None:
            self.converted.begins = block.begins
        self.converted.ends, self.converted.lines = block.ends, block.lines

    def _write(self, writer: TableWriter, place: TablePlace, source: CsvObject, rows: pa.Table) -> None:
        if rows.num_rows:
            for partition, part in split_by_partition(rows, place.partition_by, source.values):
                writer.add(partition, part)


def _rejected_as_a_whole(source: CsvObject, block: TextBlock) -> list[dict[str, Any]]:
    return [
        {
            "object": source.path,
            "reasons": [{"rule": fault.rule, "column": None}],
            "etag": source.etag,
            "position": fault.position,
            "text": fault.text,
            "fields": None if fault.fields is None else list(fault.fields.items()),
        }
        for fault in block.faults
    ]


def _rejected_by_values(
    source: CsvObject, block: TextBlock, rows: Sequence[int], broken: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return rejected rows with every reason, in the order of the columns, and their fields as written."""
    reasons: list[list[Reason]] = [[] for _ in rows]
    for name, rules in broken.items():
        for place, rule in enumerate(rules.take(pa.array(rows, pa.int64())).to_pylist()):
            if rule is not None:
                reasons[place].append({"rule": rule, "column": name})
    fields = block.columns.take(pa.array(rows, pa.int64())).to_pylist()
    return [
        {
            "object": source.path,
            "etag": source.etag,
            "position": position,
            "reasons": why,
            "text": text,
            "fields": list(row.items()),
        }
        for why, position, text, row in zip(reasons, block.positions(rows), block.texts(rows), fields, strict=True)
    ]


def _rule_name(reason: Reason) -> str:
    return f"{reason['column']}: {reason['rule']}" if reason["column"] else f"{reason['rule']}"
