"""Read CSV objects with Spark, or with Python workers if Spark would misread them."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from lakewright.csv.heads import Header
from lakewright.csv.objects import Finding, misread_among, refused_among
from lakewright.csv.options import CsvOptions
from lakewright.engine.spark.csv.frame import DOUBT, CsvBatch
from lakewright.errors import ObjectRefusedError
from lakewright.log.records import SourceObject
from lakewright.storage.lake import Lake
from transforms.spark.typed_rows import OBJECT


@dataclass(frozen=True)
class CsvReading:
    """See ``lakewright.engine.spark.rows.Reading``.

    Attributes:
        headers: The header of each object, by path.
        options: Options of the text.
        names: The name in the header of each declared column.
        findings: The results of scanning objects; Python workers read those that Spark would misread.
    """

    lake: Lake
    objects: Sequence[SourceObject]
    headers: Mapping[str, Header]
    options: CsvOptions
    names: Mapping[str, str]
    findings: Mapping[str, Finding] = field(default_factory=dict)

    @property
    def record_bytes(self) -> int:
        """See ``Reading.record_bytes``."""
        return max(self.headers[source.path].record_bytes for source in self.objects)

    def frame(
        self, spark: SparkSession, *, only: Collection[str] | None = None
    ) -> tuple[DataFrame, Sequence[Observation]]:
        """See ``Reading.frame``; observes doubtful objects, and without ``multiline`` the object of each header."""
        batch, doubted = self._batch(spark), Observation()
        headers = None if self.options.multiline else Observation()
        rows = batch.read(in_python=self._in_python(batch), only=only, observed_headers=headers)
        doubts = F.array_join(F.collect_set(F.when(F.col(DOUBT), F.col(OBJECT))), "\n").alias("doubted")
        return rows.observe(doubted, doubts), [doubted] if headers is None else [doubted, headers]

    def checked(self, spark: SparkSession) -> "CsvReading":
        """See ``Reading.checked``: scans objects whose last line may leave a quote open."""
        suspects = {source.path for source in self.objects if self.headers[source.path].is_suspect}
        batch = self._batch(spark)
        return self._with_findings(batch, batch.hidden_paths() | (suspects if self.options.multiline else set()))

    def revised(self, spark: SparkSession, counted: Mapping[str, Any] | None) -> "CsvReading | None":
        """See ``Reading.revised``: scans doubtful objects, or all of them if Spark failed."""
        batch = self._batch(spark)
        if counted is None:
            revised = self._with_findings(batch, {source.path for source in self.objects})
        else:
            revised = self._with_findings(batch, set(filter(None, counted["doubted"].split("\n"))))
            revised = revised._with_repeated_headers(batch, counted.get("headers"))
        return None if revised._in_python(batch) == self._in_python(batch) else revised

    def _batch(self, spark: SparkSession) -> CsvBatch:
        return CsvBatch(spark, self.lake, self.objects, self.headers, self.options, self.names)

    def _in_python(self, batch: CsvBatch) -> set[str]:
        """Return the paths of objects that Spark would misread or silently skip."""
        return batch.hidden_paths() | misread_among(self.findings)

    def _with_findings(self, batch: CsvBatch, paths: Collection[str]) -> "CsvReading":
        """Scan objects, except those scanned before.

        Raises:
            ObjectRefusedError: If objects cannot be read as declared.
        """
        findings = {**self.findings, **batch.look_through(path for path in paths if path not in self.findings)}
        if refused := refused_among(findings):
            raise ObjectRefusedError(refused)
        return replace(self, findings=findings)

    def _with_repeated_headers(self, batch: CsvBatch, headers: str | None) -> "CsvReading":
        """Mark objects as misread in which not exactly one line was skipped as equal to the header."""
        if headers is None:
            return self
        header_lines = Counter(headers.split("\n"))
        by_spark = {source.path for source in self.objects} - self._in_python(batch)
        repeated = {path: Finding(is_misread=True) for path in by_spark if header_lines[path] != 1}
        return replace(self, findings={**self.findings, **repeated})
