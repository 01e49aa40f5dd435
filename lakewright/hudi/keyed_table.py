"""A Hudi table of the lake: how the feed wants it, what lies there, and whether the two and the log agree."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakewright.engine.spark.changes.judged import change_session
from lakewright.errors import ConfigError, OvertakenError, StateError
from lakewright.hudi.client import roll_back
from lakewright.hudi.compaction import finish_compactions
from lakewright.hudi.config import HudiOptions, HudiTableSpec
from lakewright.hudi.timeline import PROPERTIES_FILE, Commit, Timeline, find_backup, read_properties
from lakewright.hudi.writer import HudiTable, has_other_types, write_anew
from lakewright.log.actions import TableState
from lakewright.runs.job import Target
from lakewright.storage.lake import Lake
from transforms.spark.changes import IS_DELETED, KEY, ORDER, needs_key_column
from transforms.spark.names import column

REBUILD: Final = "run `rebuild` to make the whole table anew"
_ANEW: Final = "run `rebuild` to make it anew from all sources"
_HUDI_KEY: Final = "_hoodie_record_key"


@dataclass(frozen=True)
class KeyedTable:
    """One table with a key.

    Attributes:
        source_lake: Where its changes come from; Spark needs credentials there too.
    """

    lake: Lake
    source_lake: Lake
    target: Target
    options: HudiOptions
    spec: HudiTableSpec

    @cached_property
    def spark(self) -> SparkSession:
        """The session in which the table is read and written; its settings are the table's own."""
        return change_session(self.lake, self.source_lake)

    @property
    def uri(self) -> str:
        """Where the table lies, as Spark opens it."""
        return self.lake.spark_uri(self.target.path)

    def properties(self) -> dict[str, str]:
        """Read the table's own properties; empty where no table is."""
        return read_properties(self.lake, self.target.path)

    def timeline(self) -> Timeline:
        """Give the timeline of the table, as it is now."""
        return Timeline(self.spark, self.uri)

    def has_commits(self) -> bool:
        """Tell whether there is a table with anything in it."""
        return bool(self.properties()) and any(True for _ in self.timeline().commits())

    def is_ours(self, commit: Commit) -> bool:
        """Tell whether a commit is one of this target's batches."""
        return (commit.ours.get("feed"), commit.ours.get("target")) == (self.target.feed_name, self.target.name)

    def rows(self, *names: str) -> DataFrame:
        """Read the rows that the table holds: their keys, and the columns that are named."""
        rows = self.spark.read.format("hudi").load(self.uri)
        return rows.select(F.col(_HUDI_KEY).alias(KEY), *(column(name) for name in names if name != KEY))

    def widen(self, columns: Mapping[str, str], *, attempt: str) -> None:
        """Make the table's files anew, in a commit of its own, if Hudi does not read them with the types to come.

        The commit is no batch: its rows are those that were there. If the run is killed after it, the next one finds
        the table with the wider types, and goes on.

        Raises:
            OvertakenError: If another run committed a batch meanwhile.
            StateError: If Hudi wrote another number of rows; the commit has then been rolled back.
        """
        rows = self.spark.read.format("hudi").load(self.uri)
        held = dict(rows.dtypes)
        if not has_other_types(held, columns):
            return
        finish_compactions(self.spark, self.described(held))
        last = self.timeline().last_batch()
        values = {name: column(name) if name in held else F.lit(None) for name in columns}
        wider = [value.cast(columns[name]).alias(name) for name, value in values.items()]
        anew = rows.select(*wider, F.col(_HUDI_KEY).alias(KEY), ORDER, IS_DELETED)
        count, size = anew.count(), sum(found.size for found in self.lake.list(self.target.path))
        write_anew(anew, self.described(columns), {"widened_by": attempt}, size=size)
        self._check_widened(columns, attempt, count, last.number if last else 0)

    def _check_widened(self, columns: Mapping[str, str], attempt: str, count: int, number: int) -> None:
        """Roll the commit of ``widen`` back if it hides a batch that came before it, or has other rows."""
        commits = list(self.timeline().commits())
        place, own = next(
            (found for found in enumerate(commits) if found[1].ours.get("widened_by") == attempt), (0, None)
        )
        hides_batch = own is not None and any(commit.number > number for commit in commits[place:])
        if own is not None and (hides_batch or own.inserted != count):
            roll_back(self.spark, self.described(columns), own.instant)
        if own is None or any(commit.number > number for commit in commits):
            raise OvertakenError("another run committed a batch meanwhile; nothing was done twice")
        if own.inserted != count:
            raise StateError(
                f"{count} rows of {self.target.path} were to be written with wider types, and Hudi wrote "
                f"{own.inserted}; the commit was rolled back"
            )

    def described(self, columns: Mapping[str, str]) -> HudiTable:
        """Describe the table as the feed wants it, with the columns that it has."""
        feed, spec = self.options, self.spec
        own_key = needs_key_column({name: columns[name] for name in spec.key if name in columns})
        index = spec.index or feed.index
        # Hudi's own global index reads and shuffles all rows of the files that hold a changed key. But moments of one
        # millisecond share a folder: of these, Hudi alone can tell whether a key has moved.
        by_time = any(columns.get(name, "").startswith("timestamp") for name in spec.partition_by)
        looks_up = index == "global_simple" and not by_time
        return HudiTable(
            name=self.target.name,
            uri=self.uri,
            key=KEY if own_key or len(spec.key) > 1 else spec.key[0],
            partition_by=spec.partition_by,
            storage=spec.storage or feed.storage,
            index="simple" if looks_up else index,
            places_changes=looks_up and bool(spec.partition_by),
            version=feed.table_version,
            keep_commits=feed.keep_commits,
            file_mb=feed.max_file_mb,
            small_file_mb=feed.small_file_mb,
            parallelism=feed.parallelism,
        )

    def check(self, state: TableState) -> None:
        """Hold the table on storage against the feed, and its timeline against the log.

        Raises:
            ConfigError: If its properties are not those of the feed, or its place is taken.
            StateError: If the timeline does not end with the batch that the log ends with.
        """
        path, properties = self.target.path, self.properties()
        if not properties:
            if backup := find_backup(self.lake, path):
                raise StateError(
                    f"{PROPERTIES_FILE} of {path} is empty or gone, as a write that was cut off leaves it; copy its "
                    f"backup {backup} over it and run again"
                )
            if state.committed:
                raise StateError(f"the log ends with batch {state.committed}, but {path} holds no Hudi table; {_ANEW}")
            if stray := next(iter(self.lake.list(path)), None):
                raise ConfigError(f"{path} holds {stray.path}, and is no Hudi table; choose another target.path")
            return
        last = self.timeline().last_batch()
        if last is not None and not self.is_ours(last):
            owner = f"feed {last.ours.get('feed')}, target {last.ours.get('target')}"
            raise ConfigError(f"{path} was last written by {owner}; one table belongs to one feed")
        if last is None and self.has_commits():
            raise ConfigError(f"{path} is a Hudi table that this project did not write; {REBUILD}")
        held = last.number if last else 0
        if held != state.committed:
            raise StateError(
                f"the log ends with batch {state.committed}, the timeline of {path} with batch {held}: it was "
                f"restored, or written by another lake's run; {_ANEW}"
            )
        for name, wanted in self.described(state.columns).properties().items() if held else ():
            if (found := properties.get(name, "")) != wanted:
                raise ConfigError(f"{name} of {path} is {found!r}, and {wanted!r} in the feed; {REBUILD}")
