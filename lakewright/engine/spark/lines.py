"""Objects of text lines: the format for jobs that split lines into columns themselves."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakewright.concurrency import ThreadPool
from lakewright.engine.spark.objects import with_object
from lakewright.engine.spark.rows import TextRows
from lakewright.errors import DamagedGzipError, ObjectRefusedError
from lakewright.log.records import SourceObject
from lakewright.runs.job.batch import Version
from lakewright.sources.reader import Found, Look
from lakewright.storage.compression.gzip import MAGIC, gunzip, is_gzip
from lakewright.storage.lake import Lake
from transforms.spark.typed_rows import FAULT, POSITION, TEXT

_URI: Final = "_lakewright_uri"
_SPLIT: Final = "_lakewright_split"
_PIECE_BYTES: Final = 1 << 20
_AT_ONCE: Final = 16
_OTHER_NAME: Final = "it is gzip, which Spark only decompresses if the name ends in .gz; rename it"


class LineFormat:
    """See ``lakewright.sources.reader.Format``: UTF-8 text, plain or as gzip in objects named .gz."""

    def look(self, lake: Lake, objects: Sequence[Found], known: Mapping[Version, bool]) -> Look:
        """See ``Format.look``; the head of an object shows whether it is gzip."""
        new = [found for found in objects if (found.path, found.etag) not in known]
        with ThreadPool(_AT_ONCE) as pool:
            heads = pool.map(lambda found: is_gzip(lake.read(found.path, length=len(MAGIC))), new)
            packed = {**known, **{(found.path, found.etag): head for found, head in zip(new, heads, strict=True)}}
        is_packed = (found.path for found in objects if packed[found.path, found.etag])
        return Look(packed, {path: _OTHER_NAME for path in is_packed if not path.endswith(".gz")})

    def find_damage(self, lake: Lake, objects: Sequence[Found], heads: Look) -> dict[str, str]:  # noqa: ARG002
        """See ``Format.find_damage``."""
        return find_broken_gzip(lake, (found.path for found in objects))

    def open(self, lake: Lake, objects: Sequence[SourceObject], heads: Look) -> TextRows:  # noqa: ARG002
        """See ``Format.open``."""
        return TextRows(LineReading(lake, [source for source in objects if source.size]))


@dataclass(frozen=True)
class LineReading:
    """See ``lakewright.engine.spark.rows.Reading``; each non-blank line is a row."""

    lake: Lake
    objects: Sequence[SourceObject]

    def frame(self, spark: SparkSession, *, only: Collection[str] | None = None) -> DataFrame:
        """See ``Reading.frame``.

        Columns out: _lakewright_text (string; the line), _lakewright_fault (string; null), _lakewright_object, and the
                     objects' values; if ``only`` is given, _lakewright_position (bigint; the line, from 1); the job's
                     transform adds the other text columns
        """
        objects = [source for source in self.objects if only is None or source.path in only]
        reader = spark.read.options(recursiveFileLookup=True, __globPaths__=False)
        lines = reader.text([self.lake.spark_uri(source.path) for source in objects]).select(
            F.col("value").alias(TEXT),
            F.lit(None).cast("string").alias(FAULT),
            F.col("_metadata.file_path").alias(_URI),
            F.col("_metadata.file_block_start").alias(_SPLIT),
        )
        numbered = lines.drop(_SPLIT) if only is None else _with_line_numbers(lines)
        return with_object(numbered.where(F.trim(TEXT) != ""), self.lake, objects, uri=_URI)

    def refuse_damaged(self) -> None:
        """See ``Reading.refuse_damaged``."""
        if damaged := find_broken_gzip(self.lake, (source.path for source in self.objects)):
            raise ObjectRefusedError(damaged)


def _with_line_numbers(lines: DataFrame) -> DataFrame:
    """Number the lines of each object, from 1: those of its splits are counted first."""
    # Within a task, ids are consecutive and in the order of the lines; both queries have the same tasks.
    with_ids = lines.withColumn(POSITION, F.monotonically_increasing_id())
    splits = with_ids.groupBy(_URI, _SPLIT).agg(F.min(POSITION).alias("first"), F.count(F.lit(1)).alias("lines"))
    before: Counter[str] = Counter()
    added = []
    for split in splits.orderBy(_SPLIT).collect():
        added.append((split[_URI], split[_SPLIT], before[split[_URI]] + 1 - split["first"]))
        before[split[_URI]] += split["lines"]
    known = lines.sparkSession.createDataFrame(added, f"{_URI} string, {_SPLIT} bigint, added bigint")
    numbered = with_ids.join(F.broadcast(known), on=[_URI, _SPLIT], how="left")
    return numbered.withColumn(POSITION, F.col(POSITION) + F.col("added")).drop("added", _SPLIT)


def find_broken_gzip(lake: Lake, paths: Iterable[str]) -> dict[str, str]:
    """Read all objects named .gz, and return the damage of damaged ones."""

    def look(path: str) -> tuple[str, str]:
        try:
            for _ in gunzip(lake.pieces(path, length=_PIECE_BYTES), piece_bytes=_PIECE_BYTES):
                pass
        except DamagedGzipError as error:
            return path, str(error)
        return path, ""

    with ThreadPool(_AT_ONCE) as pool:
        found = pool.map(look, (path for path in paths if path.endswith(".gz")))
        return {path: reason for path, reason in found if reason}
