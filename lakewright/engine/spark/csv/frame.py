"""Read CSV objects as rows of text, with columns bound by header name; Spark parses."""

import string
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Final

from pyspark.sql import Column, DataFrame, DataFrameReader, Observation, SparkSession
from pyspark.sql import functions as F

from lakewright.csv.binding import bind_columns
from lakewright.csv.heads import Header
from lakewright.csv.objects import Finding
from lakewright.csv.options import CsvOptions
from lakewright.engine.spark.csv.records import look_through_objects, read_records
from lakewright.engine.spark.objects import hadoop_uri, with_object
from lakewright.log.records import SourceObject
from lakewright.storage.lake import Lake
from transforms.object_names import is_hidden
from transforms.spark.typed_rows import FAULT, OBJECT, TEXT

DOUBT: Final = "_lakewright_doubt"

_IS_HEADER: Final = "_lakewright_is_header"
_URI: Final = "_lakewright_uri"
_QUOTED: Final = ("Cc", "Zl", "Zp", "Zs")
_LEGAL: Final = string.ascii_letters + string.digits + "_-!.~'()*,;:$&+=/@"


@dataclass(frozen=True)
class CsvBatch:
    """Objects that are read together.

    Attributes:
        spark: The session that reads.
        lake: The lake of the objects.
        objects: The objects; each has text.
        headers: The header of each object, by path.
        options: Options of the text.
        wanted: The name in the header of each declared column.
    """

    spark: SparkSession
    lake: Lake
    objects: Sequence[SourceObject]
    headers: Mapping[str, Header]
    options: CsvOptions
    wanted: Mapping[str, str]

    def read(
        self,
        *,
        in_python: Collection[str] = (),
        only: Collection[str] | None = None,
        observed_headers: Observation | None = None,
    ) -> DataFrame:
        """Read objects as text columns; paths ``in_python`` are read by Python workers.

        In the other objects, Spark parses misquoted records into wrong values: such rows are marked as doubtful.
        Without ``multiline``, lines equal to the header are skipped anywhere in an object, and observed as ``headers``:
        the object of each such line, one per line.

        Columns out: every declared column (string), year, month, day where the objects have them as values,
                     _lakewright_object, _lakewright_text (the row as written; null if it was not kept),
                     _lakewright_fault (field_count, quote, repeated_header, or null), _lakewright_doubt (boolean;
                     whether line ends or quotes in the row make its record boundaries doubtful)
        Rows:        every row except headers, of all objects or ``only`` some; blank lines are not rows
        """
        objects = [source for source in self.objects if only is None or source.path in only]
        layouts: dict[tuple[Header, bool], list[str]] = {}
        for path in (source.path for source in objects):
            header = self.headers[path]
            layout = Header(header.names, header.line_end, "" if self.options.multiline else header.line)
            layouts.setdefault((layout, path in in_python), []).append(path)
        parts = [_read_layout(self, paths, header, is_in_python) for (header, is_in_python), paths in layouts.items()]
        rows = with_object(reduce(DataFrame.unionByName, parts), self.lake, objects, uri=_URI)
        if observed_headers is not None:
            of_header = F.when(F.col(_IS_HEADER), F.col(OBJECT))
            rows = rows.observe(observed_headers, F.array_join(F.collect_list(of_header), "\n").alias("headers"))
        return rows.where(~F.col(_IS_HEADER)).drop(_IS_HEADER)

    def look_through(self, paths: Iterable[str]) -> dict[str, Finding]:
        """Scan objects; see ``lakewright.csv.objects.look_through``."""
        return look_through_objects(self.spark, self.lake, paths, self.headers, self.options)

    def hidden_paths(self) -> set[str]:
        """Return the paths of objects that Spark's reader silently skips because of their names."""
        return {source.path for source in self.objects if is_hidden(source.path.rsplit("/", 1)[-1])}


def _read_layout(batch: CsvBatch, paths: Sequence[str], header: Header, is_in_python: bool) -> DataFrame:
    spark, options = batch.spark, batch.options
    cells = [f"c{index}" for index in range(len(header.names))]
    uris = [batch.lake.spark_uri(path) for path in paths]
    if is_in_python:
        named = {path: hadoop_uri(uri) for path, uri in zip(paths, uris, strict=True)}
        rows = read_records(spark, batch.lake, named, header, options, cells=cells, uri=_URI)
        rows = rows.withColumns({DOUBT: F.lit(False), _IS_HEADER: F.lit(False)})
    elif options.multiline:
        rows = _read_records(spark, uris, header.line_end, options, cells).withColumn(_IS_HEADER, F.lit(False))
    else:
        rows = _read_lines(spark, uris, header, options, cells)
    positions, _ = bind_columns(header, batch.wanted)
    repeated = reduce(and_, (_is_name(f"c{index}", header.names[index]) for index in positions.values()))
    return rows.select(
        *(F.col(f"c{index}").alias(name) for name, index in positions.items()),
        _URI,
        TEXT,
        DOUBT,
        _IS_HEADER,
        F.coalesce(FAULT, F.when(repeated, F.lit("repeated_header"))).alias(FAULT),
    )


def _is_name(cell: str, name: str) -> Column:
    # The exact comparison is slower, but rarely evaluated.
    return F.coalesce(F.col(cell).contains(name), F.lit(False)) & (F.trim(F.translate(cell, "\ufeff", "")) == name)


def _read_records(
    spark: SparkSession, uris: Sequence[str], line_end: str, options: CsvOptions, cells: Sequence[str]
) -> DataFrame:
    """Let Spark split the records; the text of a record is kept if its number of fields is wrong."""
    schema = ", ".join(f"{column} string" for column in (*cells, TEXT))
    reader = _reader(spark, line_end).schema(schema).options(header=True, mode="PERMISSIVE", multiLine=True)
    reader = reader.options(
        encoding=options.encoding,
        # A misquoted field becomes a value that begins with a quote. RAISE_ERROR is not an option: it quotes the row.
        unescapedQuoteHandling="STOP_AT_DELIMITER",
        **_fields(options, TEXT),
    )
    rows = reader.csv(list(uris)).select("*", F.col("_metadata.file_path").alias(_URI))
    if line_end == "\n":
        # Spark's line end is only the line feed here, so line ends inside quotes stay unchanged. A carriage return
        # before it stays in the last field, and turns a blank line into a row.
        first, last = F.col(cells[0]), cells[-1]
        alone = F.coalesce(first == "\r", F.lit(False))
        is_blank = alone if len(cells) == 1 else alone & F.col(TEXT).isNotNull() & F.col(cells[1]).isNull()
        ended = F.when(F.col(last).endswith("\r"), F.when(F.col(last) != "\r", _without_last(F.col(last))))
        rows = rows.where(~is_blank).withColumn(last, ended.otherwise(F.col(last)))
    doubts = [F.col(name).contains(line_end) | F.col(name).startswith('"') for name in cells]
    doubts.append(F.col(TEXT).contains('"'))
    return rows.select(
        *cells,
        _URI,
        _without_return(F.col(TEXT)).alias(TEXT),
        reduce(or_, (F.coalesce(doubt, F.lit(False)) for doubt in doubts)).alias(DOUBT),
        F.when(F.col(TEXT).isNotNull(), F.lit("field_count")).alias(FAULT),
    )


def _read_lines(
    spark: SparkSession, uris: Sequence[str], header: Header, options: CsvOptions, cells: Sequence[str]
) -> DataFrame:
    """Let Spark split the objects into lines, and lines into fields; broken quotes are detected per line.

    Spark's CSV reader is not used for lines, since it skips lines of blanks, which may be delimiters or a value.
    """
    lines = _reader(spark, header.line_end).text(list(uris))
    written = F.decode(F.col("value").cast("binary"), options.encoding)
    lines = lines.select(F.col("_metadata.file_path").alias(_URI), _without_return(written).alias(TEXT))
    lines = lines.where(F.col(TEXT) != "").withColumn(_IS_HEADER, F.col(TEXT).isin(header.line, "\ufeff" + header.line))
    schema = ", ".join(f"{cell} string" for cell in (*cells, FAULT))
    rows = lines.withColumn("fields", F.from_csv(TEXT, schema, _fields(options, FAULT)))
    is_broken = F.col(TEXT).contains('"') & ~F.col(TEXT).rlike(_well_quoted(options.delimiter))
    rows = rows.withColumn(DOUBT, is_broken)
    fault = F.when(F.col(DOUBT), F.lit("quote")).when(F.col(f"fields.{FAULT}").isNotNull(), F.lit("field_count"))
    return rows.select(*(f"fields.{cell}" for cell in cells), _URI, TEXT, DOUBT, _IS_HEADER, fault.alias(FAULT))


def _without_return(text: Column) -> Column:
    return F.when(text.endswith("\r"), _without_last(text)).otherwise(text)


def _without_last(text: Column) -> Column:
    return text.substr(F.lit(1), F.length(text) - 1)


def _reader(spark: SparkSession, line_end: str) -> DataFrameReader:
    # Names may contain [, { or *, and are not patterns.
    return spark.read.options(lineSep=line_end, recursiveFileLookup=True, __globPaths__=False)


def _fields(options: CsvOptions, corrupt: str) -> dict[str, str]:
    return {
        "sep": options.delimiter,
        "quote": '"',
        "escape": '"',
        # Spark replaces an unquoted empty field by nullValue, and then nullValue by null; a random one never occurs.
        "nullValue": uuid.uuid4().hex,
        "emptyValue": "",
        "columnNameOfCorruptRecord": corrupt,
    }


def _well_quoted(delimiter: str) -> str:
    """Return a pattern for lines in which each quoted field is closed, with at most blanks after the closing quote.

    All quantifiers are possessive, so that Java neither backtracks nor recurses on long lines.
    """
    cut = rf"\x{{{ord(delimiter):x}}}"
    one = rf'(?:"(?:[^"]++|"")*+"[\x00-\x20&&[^{cut}]]*+|(?!")[^{cut}]*+)'
    return f"^{one}(?:{cut}{one})*+$"
