"""A worker's part of reading CSV: objects in, staged Parquet files of good and of rejected rows out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import attrgetter
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from lakewright.csv.binding import bind_columns
from lakewright.csv.objects import CsvObject, CsvPart, CsvRules, Damage, damage_of, read_part
from lakewright.log.records import DataFile
from lakewright.measuring.work import Done, advance
from lakewright.parquet.arrow import TableWriter
from lakewright.parquet.place import TablePlace
from lakewright.quality.row_rules import NO_ROW_RULES, ArrowRowRules, RowRules
from lakewright.quarantine.files import QuarantineWriter
from lakewright.quarantine.place import QuarantinePlace
from lakewright.quarantine.rows import Reason, RejectedRow, count_rules, quarantine_table
from lakewright.storage.uris import open_lake
from transforms.csv.kept_records import without_records
from transforms.csv.text_layout import TextBlock
from transforms.csv.typed_column import TypedColumn
from transforms.csv.typed_columns import type_texts
from transforms.errors import DataError
from transforms.object_names import partition_path
from transforms.partition_folders import split_by_partition


@dataclass(frozen=True)
class ConversionTask:
    """What one task reads, either whole objects or one byte range, and where it writes the rows."""

    source_uri: str
    lake_uri: str
    parts: Sequence[CsvPart]
    rules: CsvRules
    columns: Sequence[TypedColumn]
    table: TablePlace
    quarantine: QuarantinePlace
    row_rules: RowRules = NO_ROW_RULES


class RejectedPlace(NamedTuple):
    """Where a row that breaks a rule begins, and what is wrong with it if the rule does not say it all."""

    path: str
    position: int
    words: str

    def describe(self) -> str:
        """Describe it for the receipt."""
        return f"{self.path} at {self.position}" + (f": {self.words}" if self.words else "")


@dataclass
class Converted:
    """The output of a task; if there is damage, there are no files.

    Attributes:
        superseded: The number of records that corrections replace, by path.
        skipped: The number of lines that are not records, by kind.
        rules: How many rejected rows break each rule, with its column.
        first_rejected: The first row that breaks each of these rules, by path and position.
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
    skipped: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    first_rejected: dict[str, RejectedPlace] = field(default_factory=dict)
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
        self._table, self._quarantine = TableWriter(lake, task.table), QuarantineWriter(lake, task.quarantine)
        types = {column.name: column.ddl_type for column in task.columns}
        self._row_rules = ArrowRowRules(task.row_rules, types)
        self.converted = Converted()

    def add(self, source: CsvObject, block: TextBlock) -> None:
        """Type a block of records, and separate good from rejected rows."""
        read, rejected = self.converted.read, self.converted.rejected
        self._add(source, block)
        advance(Done(rows=self.converted.read - read, rejected=self.converted.rejected - rejected))

    def _add(self, source: CsvObject, block: TextBlock) -> None:
        self._note_place(block)
        self.converted.skipped.update(block.skipped)
        self.converted.read += sum(block.skipped.values())
        if source.superseded:
            block = self._without_superseded(source, block)
        values: dict[str, Any] = {}
        broken: dict[str, list[Any]] = {}
        for column in self._task.columns:
            typed = type_texts(block.columns[column.name].chunk(0), column)
            values[column.name] = typed.values
            if typed.rules is not None and typed.rules.null_count < len(typed.rules):
                broken[column.name] = [typed.rules]
        self.converted.read += block.columns.num_rows + len(block.faults)
        good = pa.table(values)
        self._apply_row_rules(good, broken)
        has_rejected = bool(block.faults or broken)
        names = bind_columns(source.header, self._task.rules.names).names if has_rejected else {}
        rejected = _rejected_as_a_whole(block, names)
        if broken:
            is_rejected = reduce(pc.or_, (pc.is_valid(rules) for of_column in broken.values() for rules in of_column))
            good = good.filter(pc.invert(is_rejected))
            rows = pc.indices_nonzero(is_rejected).to_pylist()
            rejected += _rejected_by_values(block, rows, broken, names, self._task.row_rules.words)
        if good.num_rows:
            for partition, part in split_by_partition(good, self._task.table.partition_by, source.values):
                self._table.add(partition, part)
        if rejected:
            self._reject(source, sorted(rejected, key=attrgetter("position")))

    def _without_superseded(self, source: CsvObject, block: TextBlock) -> TextBlock:
        """Leave out the records that corrections replace, and count them."""
        kept = without_records(block, source.superseded)
        count = block.columns.num_rows + len(block.faults) - kept.columns.num_rows - len(kept.faults)
        self.converted.read += count
        self.converted.superseded[source.path] += count
        return kept

    def _apply_row_rules(self, rows: pa.Table, broken: dict[str, list[Any]]) -> None:
        """Add the expectations that rows break; of a text that does not fit its column, only that is said."""
        for rule, mask in self._row_rules.broken(rows):
            fits = [pc.is_null(rules) for rules in broken.get(rule.column, ())[:1]]
            names = pc.if_else(reduce(pc.and_, fits, mask), rule.name, pa.scalar(None, pa.string()))
            broken.setdefault(rule.column, [pa.nulls(rows.num_rows, pa.string())]).append(names)

    def flush(self) -> None:
        """Write what is buffered."""
        self._table.flush()
        self._quarantine.flush()
        self.converted.table, self.converted.quarantine = self._table.files, self._quarantine.files

    def _note_place(self, block: TextBlock) -> None:
        if self.converted.begins is None:
            self.converted.begins = block.begins
        self.converted.ends, self.converted.lines = block.ends, block.lines

    def _reject(self, source: CsvObject, rejected: Sequence[RejectedRow]) -> None:
        self.converted.rejected += len(rejected)
        self.converted.rules.update(count_rules(rejected))
        self._note_first(source.path, rejected)
        place = self._task.quarantine
        partition = partition_path({name: source.values[name] for name in place.partition_by})
        self._quarantine.add(partition, quarantine_table(rejected, source.path, source.etag, place))

    def _note_first(self, path: str, rejected: Sequence[RejectedRow]) -> None:
        """Note the first row of an object that breaks a rule, unless an object before it has one."""
        first = self.converted.first_rejected
        for row in rejected:
            for reason in row.reasons:
                name = reason.name
                if name not in first or path < first[name].path:
                    first[name] = RejectedPlace(path, row.position, reason.words)


def _rejected_as_a_whole(block: TextBlock, names: Mapping[str, str]) -> list[RejectedRow]:
    return [
        RejectedRow(
            fault.position,
            [Reason(fault.rule, words=fault.words)],
            fault.text,
            None if fault.fields is None else _by_name(fault.fields, names),
        )
        for fault in block.faults
    ]


def _rejected_by_values(
    block: TextBlock,
    rows: Sequence[int],
    broken: Mapping[str, Sequence[Any]],
    names: Mapping[str, str],
    words: Mapping[str, str],
) -> list[RejectedRow]:
    """Return rejected rows with every reason, in the order of the columns, and their fields as written.

    ``words`` are those of expectations, by the name of their reason.
    """
    reasons: list[list[Reason]] = [[] for _ in rows]
    for name, rules in ((name, rules) for name, of_column in broken.items() for rules in of_column):
        for place, rule in enumerate(rules.take(pa.array(rows, pa.int64())).to_pylist()):
            if rule is not None:
                reason = Reason(rule, name)
                reasons[place].append(reason._replace(words=words.get(reason.name, "")))
    fields = block.columns.take(pa.array(rows, pa.int64())).to_pylist()
    placed = zip(block.positions(rows), reasons, block.texts(rows), fields, strict=True)
    return [RejectedRow(position, why, text, _by_name(row, names)) for position, why, text, row in placed]


def _by_name(fields: Mapping[str, str | None], names: Mapping[str, str]) -> dict[str, str | None]:
    """Return the fields by their name in the header, instead of the declared one."""
    return {names[column]: text for column, text in fields.items()}
