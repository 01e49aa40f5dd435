"""Objects of text lines: the format for a job that cuts lines into columns itself."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from lakewright.engine.spark.objects import with_object
from lakewright.engine.spark.rows import TextRows
from lakewright.log.records import SourceObject
from lakewright.runs.job import Version
from lakewright.sources.reader import Found, Look
from lakewright.storage.lake import Lake
from transforms.spark.typed_rows import FAULT, TEXT

_URI = "_lakewright_uri"


class LineFormat:
    """See ``lakewright.sources.reader.Format``: UTF-8 text, plain or gzip; lines say nothing before they are read."""

    def look(self, lake: Lake, objects: Sequence[Found], known: Mapping[Version, Any]) -> Look:  # noqa: ARG002
        """See ``Format.look``."""
        return Look()

    def find_damage(self, lake: Lake, objects: Sequence[Found], heads: Look) -> dict[str, str]:  # noqa: ARG002
        """See ``Format.find_damage``."""
        return {}

    def open(self, lake: Lake, objects: Sequence[SourceObject], heads: Look) -> TextRows:  # noqa: ARG002
        """See ``Format.open``."""
        return TextRows(LineReading(lake, [taken for taken in objects if taken.size]))


@dataclass(frozen=True)
class LineReading:
    """See ``lakewright.engine.spark.rows.Reading``; each line is a row, in the column _lakewright_text."""

    lake: Lake
    objects: Sequence[SourceObject]
    record_bytes: int = 0

    def checked(self, spark: SparkSession) -> "LineReading":  # noqa: ARG002
        """See ``Reading.checked``."""
        return self

    def frame(
        self, spark: SparkSession, *, only: Collection[str] | None = None
    ) -> tuple[DataFrame, Sequence[Observation]]:
        """See ``Reading.frame``; a step of the job's own adds the other text columns."""
        objects = [taken for taken in self.objects if only is None or taken.path in only]
        reader = spark.read.options(recursiveFileLookup=True, __globPaths__=False)
        lines = reader.text([self.lake.spark_uri(taken.path) for taken in objects]).select(
            F.col("value").alias(TEXT),
            F.lit(None).cast("string").alias(FAULT),
            F.col("_metadata.file_path").alias(_URI),
        )
        return with_object(lines, self.lake, objects, uri=_URI), []

    def revised(self, spark: SparkSession, counted: Mapping[str, Any] | None) -> None:
        """See ``Reading.revised``: there is no other way to read lines."""
