"""The compaction of a Parquet table: a batch that merges small files and changes no row.

It runs under the table's own lease and log. If it is interrupted, the next run of any kind drops it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from lakewright.config import ParquetFeed
from lakewright.errors import ConfigError
from lakewright.log.actions.files import CompactFiles
from lakewright.log.log import Append, Plan
from lakewright.log.state import TableState
from lakewright.parquet.sink import ParquetSink
from lakewright.parquet.small_files import Merge, partitions_above, plan_merges
from lakewright.runs.job.batch import Batch, Choice, Staged, Survey
from lakewright.runs.job.interfaces import Preflight
from lakewright.runs.job.request import Request
from lakewright.runs.job.target_job import AnyJob, TargetJob
from lakewright.sources.selection import is_within
from transforms.object_names import partition_path

if TYPE_CHECKING:
    from lakewright.catalog.table import Catalog

COMPACT: Final = "compact"


@dataclass(frozen=True)
class Compaction:
    """Reader and sink of a compaction, which may follow batches of the table's job.

    See ``lakewright.runs.job.interfaces``.

    Attributes:
        table: The sink of the table's job.
        wanted: Year, month and day of the partitions to compact, as far as given.
        partitions: The partitions to compact; None for all.
    """

    table: ParquetSink
    wanted: Mapping[str, str] = field(default_factory=dict)
    partitions: frozenset[str] | None = None
    skips_refused: bool = False

    def job(self, owner: AnyJob) -> AnyJob:
        """Return the job that compacts the table of ``owner``."""
        return TargetJob(owner.feed, owner.target, self, _unchanged, self, maintained_by=COMPACT)

    def after(self, job: AnyJob, state: TableState, written: Collection[str]) -> AnyJob | None:
        """See ``Upkeep.after``; a compaction is due where there are more small files than the feed wants."""
        limit = job.feed.compact_above if isinstance(job.feed, ParquetFeed) else None
        partitions = partitions_above(state.files, written, limit) if limit else frozenset()
        return replace(self, partitions=partitions).job(job) if partitions else None

    def merges(self, state: TableState) -> list[Merge]:
        """Return what a compaction would merge.

        Raises:
            ConfigError: If the table has no partition of the wanted date.
        """
        files = [file for file in state.files.values() if self._is_wanted(file.partition)]
        if self.wanted and not files:
            raise ConfigError(f"the table has no partition {partition_path(self.wanted)}")
        return plan_merges(files)

    def check(self, state: TableState, request: Request) -> Preflight:  # noqa: ARG002
        """See ``Sink.check``."""
        if problem := state.other_layout(self.layout()):
            raise ConfigError(f"{problem}; run `rebuild` to rebuild the whole table")
        return Preflight(state)

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:  # noqa: ARG002
        """See ``Reader.survey``."""
        files = [file for merge in self.merges(state) for file in merge.files]
        return Survey(Choice([], Append()), without_objects=bool(files), rewritten=files)

    def changed(self, plan: Plan) -> list[str]:  # noqa: ARG002
        """See ``Reader.changed``."""
        return []

    def read(self, batch: Batch) -> None:
        """See ``Reader.read``; workers read the files that they merge."""

    def stage(self, batch: Batch, rows: None) -> Staged:  # noqa: ARG002
        """See ``Sink.stage``; the accounting compares the rows of the files before and after."""
        from lakewright.parquet.merging import MergeTask, merge_files, table_types  # pyarrow

        state, merges = batch.state, self.merges(batch.state)
        place, types = self.table.place(batch), table_types(state)
        tasks = [
            MergeTask(batch.lake.uri, merge.partition, merge.files, list(state.columns), types, place)
            for merge in merges
        ]
        merged = [file for files in batch.workers.run(merge_files, tasks) for file in files]
        rows_before, rows_after = sum(merge.rows for merge in merges), sum(each.file.rows for each in merged)
        return Staged(in_table=rows_after - rows_before, actions=[CompactFiles(merged)])

    def layout(self) -> str:
        """See ``Sink.layout``."""
        return self.table.layout()

    def catalog(self) -> "Catalog | None":
        """See ``Sink.catalog``."""
        return self.table.catalog()

    def _is_wanted(self, partition: str) -> bool:
        date = dict(part.split("=", 1) for part in partition.split("/") if "=" in part)
        return is_within(date, self.wanted) and (self.partitions is None or partition in self.partitions)


def _unchanged(rows: Any) -> Any:
    return rows
