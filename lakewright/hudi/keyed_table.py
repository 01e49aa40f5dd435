"""A Hudi table of the lake: its settings in the feed, its state on storage, and checks that both match the log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakewright.engine.spark.changes.judged import change_session
from lakewright.errors import ConfigError, Difference, OvertakenError, StateError, TableDiffersError
from lakewright.hudi.compaction import finish_compactions
from lakewright.hudi.config import HudiOptions, HudiTableSpec, Storage
from lakewright.hudi.timeline import (
    PROPERTIES_FILE,
    Commit,
    Timeline,
    find_backup,
    has_changed_since,
    read_properties,
)
from lakewright.hudi.versions import check_session, hudi_version, with_order_field
from lakewright.hudi.writer import HudiTable, has_other_types, rewrite, roll_back
from lakewright.log.state import TableState
from lakewright.runs.job.target import Target
from lakewright.storage.lake import Lake
from transforms.spark.changes import IS_DELETED, KEY, ORDER, needs_key_column
from transforms.spark.names import column

REBUILD: Final = "run `rebuild` to rebuild the whole table"
_REBUILD_ALL: Final = "run `rebuild` to rebuild it from all sources"
_HUDI_KEY: Final = "_hoodie_record_key"


@dataclass(frozen=True)
class KeyedTable:
    """A table with a key.

    Attributes:
        source_lake: The lake of its changes, for which Spark also needs credentials.
    """

    lake: Lake
    source_lake: Lake
    target: Target
    options: HudiOptions
    spec: HudiTableSpec

    @cached_property
    def spark(self) -> SparkSession:
        """The session that reads and writes the table; its settings belong to the table."""
        return change_session(self.lake, self.source_lake)

    @property
    def uri(self) -> str:
        """The table's URI for Spark."""
        return self.lake.spark_uri(self.target.path)

    @property
    def storage(self) -> Storage:
        """The storage type that the feed declares."""
        return self.spec.storage or self.options.storage

    def properties(self) -> dict[str, str]:
        """Read the table's properties; empty if there is no table."""
        return with_order_field(read_properties(self.lake, self.target.path))

    def timeline(self) -> Timeline:
        """Return the current timeline of the table."""
        return Timeline(self.spark, self.uri)

    def has_commits(self) -> bool:
        """Return whether the table exists and has commits."""
        return bool(self.properties()) and any(True for _ in self.timeline().commits())

    def is_ours(self, commit: Commit) -> bool:
        """Return whether a commit is a batch of this target."""
        return (commit.ours.get("feed"), commit.ours.get("target")) == (self.target.feed_name, self.target.name)

    def rows(self, *names: str) -> DataFrame:
        """Read the rows of the table: their keys, and the given columns."""
        rows = self._stored_rows([name for name in self.spec.partition_by if name in names])
        return rows.select(F.col(_HUDI_KEY).alias(KEY), *(column(name) for name in names if name != KEY))

    def _stored_rows(self, partition_by: Sequence[str]) -> DataFrame:
        """Read the rows of the table as stored, including the values of the given partition columns."""
        rows = self.spark.read.format("hudi").load(self.uri)
        if self.storage == "merge_on_read":
            return rows
        return hudi_version(self.spark).with_stored_values(rows, partition_by)

    def widen(self, columns: Mapping[str, str], *, attempt: str) -> None:
        """Rewrite the table's files in a separate commit, if Hudi cannot read them with the new types.

        The commit is not a batch: its rows are unchanged. If the run is killed after it, the next run finds the table
        with the wider types and continues.

        Raises:
            OvertakenError: If another run committed a batch meanwhile.
            StateError: If Hudi wrote a different number of rows; the commit has been rolled back.
        """
        rows = self._stored_rows(self.spec.partition_by)
        types_in_table = dict(rows.dtypes)
        if not has_other_types(types_in_table, columns):
            return
        finish_compactions(self.spark, self.described(types_in_table))
        last = self.timeline().last_batch()
        values = {name: column(name) if name in types_in_table else F.lit(None) for name in columns}
        wider = [value.cast(columns[name]).alias(name) for name, value in values.items()]
        rewritten = rows.select(*wider, F.col(_HUDI_KEY).alias(KEY), ORDER, IS_DELETED)
        count, size = rewritten.count(), sum(file.size for file in self.lake.list(self.target.path))
        rewrite(rewritten, self.described(columns), {"widened_by": attempt}, size=size)
        self._check_widened(columns, attempt, count, last.number if last else 0)

    def _check_widened(self, columns: Mapping[str, str], attempt: str, count: int, number: int) -> None:
        """Roll back the commit of ``widen`` if it hides an earlier batch or has a different number of rows."""
        commits = list(self.timeline().commits())
        place, own = next(
            (numbered for numbered in enumerate(commits) if numbered[1].ours.get("widened_by") == attempt), (0, None)
        )
        hides_batch = own is not None and any(commit.number > number for commit in commits[place:])
        if own is not None and (hides_batch or own.inserted != count):
            roll_back(self.spark, self.described(columns), own.instant)
        if own is None or any(commit.number > number for commit in commits):
            raise OvertakenError("another run committed a batch meanwhile; nothing was applied twice")
        if own.inserted != count:
            raise StateError(
                f"{count} rows of {self.target.path} should have been written with wider types, and Hudi wrote "
                f"{own.inserted}; the commit was rolled back"
            )

    def described(self, columns: Mapping[str, str]) -> HudiTable:
        """Describe the table as configured in the feed, with the given columns."""
        feed, spec = self.options, self.spec
        own_key = needs_key_column({name: columns[name] for name in spec.key if name in columns})
        index = spec.index or feed.index
        # Hudi's own global index reads and shuffles all rows of the files that hold a changed key. But timestamps of
        # one millisecond share a folder, and then only Hudi can detect whether a key has moved.
        by_time = any(columns.get(name, "").startswith("timestamp") for name in spec.partition_by)
        looks_up = index == "global_simple" and not by_time
        return HudiTable(
            name=self.target.name,
            uri=self.uri,
            key=KEY if own_key or len(spec.key) > 1 else spec.key[0],
            partition_by=spec.partition_by,
            storage=self.storage,
            index="simple" if looks_up else index,
            places_changes=looks_up and bool(spec.partition_by),
            version=feed.table_version,
            keep_commits=feed.keep_commits,
            file_mb=feed.max_file_mb,
            small_file_mb=feed.small_file_mb,
            parallelism=feed.parallelism,
        )

    def check_version(self) -> None:
        """Require a Hudi that supports the table's version and the feed's ``table_version``.

        Raises:
            ConfigError: If Hudi is missing, untested or too old, or the session does not suit it.
        """
        check_session(self.spark)
        stored = int(self.properties().get("hoodie.table.version", "0"))
        hudi_version(self.spark).check_table(self.target.path, stored, self.options.table_version)

    def check(self, state: TableState) -> None:
        """Compare the table on storage with the feed, and its timeline with the log.

        A table that is as its last batch left it is not opened, so that unchanged tables need no Spark.

        Raises:
            ConfigError: If its properties differ from the feed's, or another table or feed uses its folder.
            StateError: If the timeline and the log end with different batches.
        """
        path, properties = self.target.path, self.properties()
        if not properties:
            if backup := find_backup(self.lake, path):
                raise StateError(
                    f"{PROPERTIES_FILE} of {path} is empty or gone, as after an interrupted write; copy its "
                    f"backup {backup} over it and run again"
                )
            if state.committed:
                raise StateError(
                    f"the log ends with batch {state.committed}, but {path} has no Hudi table; {_REBUILD_ALL}"
                )
            if stray := next(iter(self.lake.list(path)), None):
                raise ConfigError(f"{path} contains {stray.path}, but is not a Hudi table; choose another target.path")
            return
        if has_changed_since(self.lake, path, properties, state.instant):
            self._check_timeline(state)
        for name, wanted in self.described(state.columns).properties().items() if state.committed else ():
            if (actual := properties.get(name, "")) != wanted:
                self.check_version()  # a table of a later version cannot be rebuilt either
                raise TableDiffersError(
                    f"{name} of {path} is {actual!r}, but {wanted!r} in the feed; {REBUILD}",
                    differences=[Difference(name, actual, wanted)],
                )

    def _check_timeline(self, state: TableState) -> None:
        """Compare the timeline with the log."""
        path, last = self.target.path, self.timeline().last_batch()
        if last is not None and not self.is_ours(last):
            owner = f"feed {last.ours.get('feed')}, target {last.ours.get('target')}"
            raise ConfigError(f"{path} was last written by {owner}; a table belongs to one feed")
        if last is None and self.has_commits():
            raise ConfigError(f"{path} is a Hudi table not written by this project; {REBUILD}")
        in_table = last.number if last else 0
        if in_table != state.committed:
            raise StateError(
                f"the log ends with batch {state.committed}, the timeline of {path} with batch {in_table}: it was "
                f"restored, or written by another lake's run; {_REBUILD_ALL}"
            )
