"""CSV objects as rows of text, bound to the declared columns by header name; Spark does the parsing."""

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
from lakewright.csv.objects import CsvOptions, Finding, Header
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
        lake: Where the objects are.
        objects: The objects; each has text.
        headers: The header of each object, by path.
        options: How the text is written.
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
        """Read objects as text columns; those whose paths are ``in_python`` by Python workers.

        Of the others, Spark makes values of misquoted records that nobody wrote: their rows are doubted. Without
        ``multiline``, lines equal to the header are left out wherever they are, and observed: ``headers``, the object
        of each, a line each.

        Columns out: every declared column (string), year, month, day where the objects have them as values,
                     _lakewright_object, _lakewright_text (the row as written; null where it was not kept),
                     _lakewright_fault (field_count, quote, repeated_header, or null), _lakewright_doubt (boolean;
                     whether line ends or quotes in the row leave in doubt what its record is)
        Rows:        every row but the headers, of all objects or ``only`` some; blank lines are no rows
        """
        objects = [taken for taken in self.objects if only is None or taken.path in only]
        layouts: dict[tuple[Header, bool], list[str]] = {}
        for path in (taken.path for taken in objects):
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
        """Read objects through once more; see ``lakewright.csv.objects.look_through``."""
        return look_through_objects(self.spark, self.lake, paths, self.headers, self.options)

    def hidden_paths(self) -> set[str]:
        """Name the objects that Spark's reader passes over without a word, for their names."""
        return {taken.path for taken in self.objects if is_hidden(taken.path.rsplit("/", 1)[-1])}


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
    # The exact comparison is the slower one, and hardly ever made.
    return F.coalesce(F.col(cell).contains(name), F.lit(False)) & (F.trim(F.translate(cell, "\ufeff", "")) == name)


def _read_records(
    spark: SparkSession, uris: Sequence[str], line_end: str, options: CsvOptions, cells: Sequence[str]
) -> DataFrame:
    """Let Spark find the records; the text of one is kept where the number of its fields is wrong."""
    schema = ", ".join(f"{column} string" for column in (*cells, TEXT))
    reader = _reader(spark, line_end).schema(schema).options(header=True, mode="PERMISSIVE", multiLine=True)
    reader = reader.options(
        encoding=options.encoding,
        # What is misquoted becomes a value that begins with a quote. To raise an error is no choice: it quotes the row.
        unescapedQuoteHandling="STOP_AT_DELIMITER",
        **_fields(options, TEXT),
    )
    rows = reader.csv(list(uris)).select("*", F.col("_metadata.file_path").alias(_URI))
    if line_end == "\n":
        # The line feed alone is Spark's line end here, so that line ends inside quotes stay as they are; a carriage
        # return before it stays at the end of the last field, and makes a row of a blank line.
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
    """Let Spark split the objects into lines, and each line into fields; quotes that do not hold show on the line.

    Its CSV reader is not asked for lines: it leaves out those of blanks, which may be delimiters or a value.
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
    # A name with [, { or * in it is a name, not a pattern.
    return spark.read.options(lineSep=line_end, recursiveFileLookup=True, __globPaths__=False)


def _fields(options: CsvOptions, corrupt: str) -> dict[str, str]:
    return {
        "sep": options.delimiter,
        "quote": '"',
        "escape": '"',
        # An unquoted empty field becomes this text, which nobody can have written, and this text becomes null.
        "nullValue": uuid.uuid4().hex,
        "emptyValue": "",
        "columnNameOfCorruptRecord": corrupt,
    }


def _well_quoted(delimiter: str) -> str:
    """Match a line in which each field that opens with a quote is closed by one, with at most blanks after it.

    It is possessive throughout, so that Java neither backtracks nor recurses, however long the line is.
    """
    cut = rf"\x{{{ord(delimiter):x}}}"
    one = rf'(?:"(?:[^"]++|"")*+"[\x00-\x20&&[^{cut}]]*+|(?!")[^{cut}]*+)'
    return f"^{one}(?:{cut}{one})*+$"
