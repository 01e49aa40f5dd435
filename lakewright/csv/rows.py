"""CSV as rows of a table: read, typed and written in workers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Final

from lakewright.csv.conversion import ConversionTask, Converted, convert_parts
from lakewright.csv.format import CsvObjects
from lakewright.csv.objects import CsvPart
from lakewright.csv.ranges import RangedObject
from lakewright.csv.tasks import plan_tasks
from lakewright.errors import ObjectRefusedError
from lakewright.log.records import Counts
from lakewright.parquet.place import TablePlace
from lakewright.parquet.sink import WrittenRows
from lakewright.quality.row_rules import NO_ROW_RULES, RowRules
from lakewright.quarantine.place import QuarantinePlace
from lakewright.runs.job.batch import Batch
from transforms.csv.typed_column import TypedColumn

_NOT_FOUND: Final = (
    "corrected records ({}) no longer begin where they did, since source.csv has changed; undo the change, or delete "
    "the folder of their correction below corrections/ to read the object without it"
)


@dataclass(frozen=True)
class TypedRows:
    """The rows of a batch, with declared columns; see ``JudgedRows``."""

    source: CsvObjects
    columns: Sequence[TypedColumn]
    row_rules: RowRules = NO_ROW_RULES

    def write(self, batch: Batch, table: TablePlace, quarantine: QuarantinePlace) -> WrittenRows:
        """See ``JudgedRows.write``; good and rejected rows are written as the objects are read."""
        source, workers = self.source, batch.workers

        def convert(tasks: Sequence[Sequence[CsvPart]]) -> list[Converted]:
            places = (source.lake.uri, batch.lake.uri)
            work = [
                ConversionTask(*places, parts, source.rules, self.columns, table, quarantine, self.row_rules)
                for parts in tasks
            ]
            return workers.run(convert_parts, work)

        tasks = plan_tasks(source.objects, workers.at_once, can_split=source.rules.can_split)
        reads = convert(tasks)
        gathered = [read for parts, read in zip(tasks, reads, strict=True) if not parts[0].is_range]
        ranged = _ranged_objects(
            [(parts[0], read) for parts, read in zip(tasks, reads, strict=True) if parts[0].is_range]
        )
        while again := [(each, part) for each in ranged if (part := each.verify())]:
            for (each, _), read in zip(again, convert([[part] for _, part in again]), strict=True):
                each.accept(read)
        refused = {path: damage.describe() for read in gathered for path, damage in read.damage.items()}
        refused |= {each.path: each.damage for each in ranged if each.damage}
        if refused:
            raise ObjectRefusedError(refused)
        reads = [*gathered, *(read for each in ranged for read in each.verified)]
        self._check_superseded(reads)
        return self._written(reads)

    def _check_superseded(self, reads: Sequence[Converted]) -> None:
        """Require that each corrected record was read: under other rules, it may not begin where it did.

        Raises:
            ObjectRefusedError: If one was not.
        """
        counts = sum((each.superseded for each in reads), Counter[str]())
        missing = {each.path: len(each.superseded) - counts[each.path] for each in self.source.objects}
        if any(missing.values()):
            raise ObjectRefusedError({path: _NOT_FOUND.format(count) for path, count in missing.items() if count})

    def _written(self, reads: Sequence[Converted]) -> WrittenRows:
        read, rejected = sum(each.read for each in reads), sum(each.rejected for each in reads)
        superseded = sum(each.superseded.total() for each in reads)
        skipped = sum((each.skipped for each in reads), Counter[str]())
        written = read - rejected - superseded - skipped.total()
        counts = Counts(read=read, written=written, superseded=superseded, rejected=rejected, skipped=skipped.total())
        return WrittenRows(
            counts=counts,
            columns={column.name: column.ddl_type for column in self.columns},
            table=[file for each in reads for file in each.table],
            quarantine=[file for each in reads for file in each.quarantine],
            rules=dict(sorted(sum((each.rules for each in reads), Counter[str]()).items())),
            first_rejected=_first_rejected(reads),
            skipped=dict(sorted(skipped.items())),
        )


def _first_rejected(reads: Sequence[Converted]) -> dict[str, str]:
    places = sorted((rule, place) for each in reads for rule, place in each.first_rejected.items())
    return {rule: min(of_rule)[1].describe() for rule, of_rule in groupby(places, key=itemgetter(0))}


def _ranged_objects(reads: Sequence[tuple[CsvPart, Converted]]) -> list[RangedObject]:
    """Gather the reads of each object; its ranges follow each other."""
    by_object = (list(group) for _, group in groupby(reads, key=lambda read: read[0].source.path))
    return [RangedObject([part for part, _ in group], [read for _, read in group]) for group in by_object]
