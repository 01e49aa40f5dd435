"""CSV objects read by Spark, and by Python workers where Spark would misread them."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from lakewright.csv.objects import CsvOptions, Finding, Header, misread_among, refused_among
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
        options: How the text is written.
        names: The name in the header of each declared column.
        findings: What reading objects through has shown; those that Spark misreads go to Python workers.
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
        return max(self.headers[taken.path].record_bytes for taken in self.objects)

    def frame(
        self, spark: SparkSession, *, only: Collection[str] | None = None
    ) -> tuple[DataFrame, Sequence[Observation]]:
        """See ``Reading.frame``; observed are doubted objects, and without ``multiline`` the object of each header."""
        batch, doubted = self._batch(spark), Observation()
        headers = None if self.options.multiline else Observation()
        rows = batch.read(in_python=self._in_python(batch), only=only, observed_headers=headers)
        doubts = F.array_join(F.collect_set(F.when(F.col(DOUBT), F.col(OBJECT))), "\n").alias("doubted")
        return rows.observe(doubted, doubts), [doubted] if headers is None else [doubted, headers]

    def checked(self, spark: SparkSession) -> "CsvReading":
        """See ``Reading.checked``: objects whose last line may leave a quote open are read through."""
        suspects = {taken.path for taken in self.objects if self.headers[taken.path].is_suspect}
        batch = self._batch(spark)
        return self._with_findings(batch, batch.hidden_paths() | (suspects if self.options.multiline else set()))

    def revised(self, spark: SparkSession, counted: Mapping[str, Any] | None) -> "CsvReading | None":
        """See ``Reading.revised``: objects in doubt are read through, all of them if Spark failed."""
        batch = self._batch(spark)
        if counted is None:
            revised = self._with_findings(batch, {taken.path for taken in self.objects})
        else:
            revised = self._with_findings(batch, set(filter(None, counted["doubted"].split("\n"))))
            revised = revised._with_repeated_headers(batch, counted.get("headers"))
        return None if revised._in_python(batch) == self._in_python(batch) else revised

    def _batch(self, spark: SparkSession) -> CsvBatch:
        return CsvBatch(spark, self.lake, self.objects, self.headers, self.options, self.names)

    def _in_python(self, batch: CsvBatch) -> set[str]:
        """Name the objects that Spark would misread, or pass over without a word."""
        return batch.hidden_paths() | misread_among(self.findings)

    def _with_findings(self, batch: CsvBatch, paths: Collection[str]) -> "CsvReading":
        """Read objects through, but for those that were before.

        Raises:
            ObjectRefusedError: If some of them cannot be read as declared.
        """
        findings = {**self.findings, **batch.look_through(path for path in paths if path not in self.findings)}
        if refused := refused_among(findings):
            raise ObjectRefusedError(refused)
        return replace(self, findings=findings)

    def _with_repeated_headers(self, batch: CsvBatch, headers: str | None) -> "CsvReading":
        """Take note of objects in which not only the first line was left out as equal to the header."""
        if headers is None:
            return self
        times = Counter(headers.split("\n"))
        by_spark = {taken.path for taken in self.objects} - self._in_python(batch)
        repeated = {path: Finding(is_misread=True) for path in by_spark if times[path] != 1}
        return replace(self, findings={**self.findings, **repeated})
