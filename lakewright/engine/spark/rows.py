"""Text rows that Spark reads, types and writes; objects with rejected rows are read a second time for these."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Observation, SparkSession

from lakewright.engine.job_watch import watched_jobs
from lakewright.engine.spark import observations
from lakewright.engine.spark.parquet import plan_reading, stage_parquet, staged_files
from lakewright.engine.spark.quarantine import stage_rejected
from lakewright.engine.spark.session import own_session
from lakewright.log.records import Counts, DataFile, SourceObject
from lakewright.parquet.place import TablePlace
from lakewright.parquet.sink import WrittenRows
from lakewright.quarantine.files import total_rules
from lakewright.quarantine.place import QuarantinePlace
from lakewright.runs.job.batch import Batch
from lakewright.runs.progress import count_of
from lakewright.storage.lake import Lake
from transforms.spark.typed_rows import POSITION, TypedColumn, keep_good, keep_rejected, with_typed_values

Step = Callable[[DataFrame], DataFrame]


class Reading(Protocol):
    """How Spark reads the objects of a batch."""

    @property
    def lake(self) -> Lake:
        """The source of the objects."""

    @property
    def objects(self) -> Sequence[SourceObject]:
        """The objects, none of them empty."""

    def frame(self, spark: SparkSession, *, only: Collection[str] | None = None) -> DataFrame:
        """Read the objects, or ``only`` some, as text columns.

        Columns out: text columns, those of the objects' values, _lakewright_object, _lakewright_text,
                     _lakewright_fault (see ``transforms.spark.typed_rows``); if ``only`` is given,
                     _lakewright_position (bigint; where the row begins in its object)
        """

    def refuse_damaged(self) -> None:
        """Look for damaged objects, after Spark has failed to read the objects.

        Raises:
            ObjectRefusedError: If objects are damaged.
        """


@dataclass(frozen=True)
class TextRows:
    """Rows of text columns, as passed to a job's build."""

    reading: Reading
    steps: tuple[Step, ...] = ()

    def transform(self, step: Step) -> "TextRows":
        """Append a transform of the frame."""
        return replace(self, steps=(*self.steps, step))

    def typed(self, columns: Sequence[TypedColumn]) -> "TypedRows":
        """Type the declared columns; rows with values that do not fit are rejected."""
        return TypedRows(self, tuple(columns))


@dataclass(frozen=True)
class TypedRows:
    """Typed rows, good and rejected; see ``lakewright.parquet.sink.JudgedRows``."""

    text: TextRows
    columns: tuple[TypedColumn, ...]

    def write(self, batch: Batch, table: TablePlace, quarantine: QuarantinePlace) -> WrittenRows:
        """Read once and write the good rows; then read objects with rejected rows again to write those rows."""
        reading, types = self.text.reading, {column.name: column.ddl_type for column in self.columns}
        if not reading.objects:
            return WrittenRows(Counts(), types, [])
        spark = own_session(lake_uris=(batch.lake.uri, reading.lake.uri))
        target, refused = table.destination.strip("/").rsplit("/", 1)[-1], list[DataFile]()
        with watched_jobs(spark.sparkContext, batch.progress, target):
            counted = self._write_good(spark, batch, table)
            if rejected := counted["rejected"]:
                batch.progress.stage(target, "quarantine", count_of(rejected, "row"))
                refused = self._write_rejected(spark, batch, quarantine, set(counted["dirty"].split("\n")))
        return WrittenRows(
            counts=Counts(read=counted["read"], written=counted["read"] - rejected, rejected=rejected),
            columns=types,
            table=staged_files(spark, batch.lake, table),
            quarantine=refused,
            rules=total_rules(refused),
        )

    def _write_good(self, spark: SparkSession, batch: Batch, table: TablePlace) -> dict[str, Any]:
        reading, observed = self.text.reading, Observation()
        gather = plan_reading(spark, reading.objects)
        judged = self._judged(reading.frame(spark)).transform(observations.observe_judged, observed=observed)
        try:
            stage_parquet(
                judged.transform(keep_good, columns=self.columns, also=_own_keys(table, self.columns)),
                batch.lake.spark_uri(table.staging.rstrip("/")),
                partition_by=table.partition_by,
                compression=table.compression,
                gather=gather,
            )
        except (Py4JJavaError, PySparkException):
            reading.refuse_damaged()
            raise
        return observations.counted(observed)

    def _write_rejected(
        self, spark: SparkSession, batch: Batch, quarantine: QuarantinePlace, dirty: Collection[str]
    ) -> list[DataFile]:
        reading = self.text.reading
        rejected = self._judged(reading.frame(spark, only=dirty)).transform(
            keep_rejected, columns=self.columns, also=(POSITION, *quarantine.partition_by)
        )
        objects = [source for source in reading.objects if source.path in dirty]
        return stage_rejected(rejected.withColumnRenamed(POSITION, "position"), batch.lake, quarantine, objects)

    def _judged(self, frame: DataFrame) -> DataFrame:
        for step in self.text.steps:
            frame = frame.transform(step)
        return frame.transform(with_typed_values, columns=self.columns)


def _own_keys(place: TablePlace, columns: Sequence[TypedColumn]) -> list[str]:
    """Return the partition columns that are not declared: they come from the objects' names."""
    declared = {column.name for column in columns}
    return [name for name in place.partition_by if name not in declared]
