"""CSV objects as rows of text, bound to the declared columns by header name.

Spark does the parsing. Beside it, the head of each object is looked at once, for its header and its line ends, which
Spark would take by position and by guess.
"""

import codecs
import csv
import io
import string
import unicodedata
import uuid
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import reduce
from operator import and_, or_
from typing import Any, Final, Literal
from urllib.parse import quote

from pydantic import Field, field_validator, model_validator
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakewright.config import Model
from lakewright.lake import Lake
from lakewright.log import SourceObject
from transforms.csv_quotes import find_torn_quote
from transforms.errors import HeaderError
from transforms.typed_rows import FAULT, OBJECT, TEXT

_HEAD_BYTES: Final = 1 << 16
_LONGEST_HEADER: Final = 1 << 20
_CHUNK_BYTES: Final = 1 << 20
_GZIP_MAGIC: Final = b"\x1f\x8b"
_UNKNOWN_CODECS: Final = (".bz2", ".deflate", ".lz4", ".snappy", ".zst", ".xz", ".zip")
_SPLITTABLE_ENCODINGS: Final = ("ascii", "utf-8", "iso8859", "cp125", "latin")
_LOOKS_AT_ONCE: Final = 16
_QUOTED: Final = ("Cc", "Zl", "Zp", "Zs")
_LEGAL: Final = string.ascii_letters + string.digits + "_-!.~'()*,;:$&+=/@"

#: A character that Unicode keeps out of all text: lines are read with it as delimiter, so that they stay whole.
_NOT_IN_TEXT: Final = "\ufdd0"


class CsvOptions(Model):
    """How the CSV text is written."""

    delimiter: str = Field(default=",", description="One character between fields.")
    encoding: str = Field(default="UTF-8", description="How the text is encoded, such as UTF-8 or windows-1252.")
    multiline: bool = Field(
        default=True,
        description="Quoted fields may hold line ends. Each object is then one task; without, large ones are split.",
    )
    null_text: tuple[str, ...] = Field(default=(), description="Texts that mean null, beside an unquoted empty field.")
    date_format: str = Field(default="yyyy-MM-dd", description="Pattern of dates, in Spark's letters.")
    timestamp_format: str = Field(
        default="yyyy-MM-dd HH:mm:ss[.SSSSSS]", description="Pattern of timestamps, in Spark's letters."
    )
    timezone: str = Field(default="UTC", description="Where timestamps without a zone were written.")
    decimal_separator: Literal[".", ","] = Field(default=".", description="What divides a number from its fraction.")

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, delimiter: str) -> str:
        if len(delimiter) != 1 or delimiter in '"\r\n\\' or delimiter == _NOT_IN_TEXT:
            raise ValueError(f"the delimiter is one character, and no quote, backslash or line end, not {delimiter!r}")
        return delimiter

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str) -> str:
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise ValueError(
                f"unknown encoding {encoding!r}; UTF-8, ISO-8859-1, windows-1252, UTF-16 are known"
            ) from None
        return encoding

    @model_validator(mode="after")
    def _splittable(self) -> "CsvOptions":
        name = codecs.lookup(self.encoding).name
        if not self.multiline and not name.startswith(_SPLITTABLE_ENCODINGS):
            raise ValueError(f"{self.encoding} text cannot be split into lines by bytes: it needs multiline: true")
        return self


@dataclass(frozen=True)
class Header:
    r"""What the head of an object says.

    Attributes:
        names: Column names, trimmed, without a byte order mark.
        line_end: ``\n`` (with or without a carriage return before it) or ``\r``.
        is_suspect: Whether the last line of the object may leave a quote open.
        record_bytes: About how long a record is, as text.
    """

    names: tuple[str, ...]
    line_end: str
    is_suspect: bool = False
    record_bytes: int = 0


@dataclass(frozen=True)
class Heads:
    """The headers of objects by path, and why others are refused; objects without any text have neither."""

    headers: dict[str, Header] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def read_heads(lake: Lake, objects: Iterable[tuple[str, int]], options: CsvOptions) -> Heads:
    """Look at the head of each object (path, size)."""
    heads = Heads()

    def look(entry: tuple[str, int]) -> tuple[str, Header | None, str]:
        path, size = entry
        try:
            return path, _read_header(lake, path, size, options), ""
        except FileNotFoundError:
            return path, None, "gone since it was listed"
        except HeaderError as error:
            return path, None, str(error)

    with ThreadPoolExecutor(_LOOKS_AT_ONCE) as pool:
        for path, header, reason in pool.map(look, objects):
            if reason:
                heads.refused[path] = reason
            elif header is not None:
                heads.headers[path] = header
    return heads


def bind_columns(header: Header, wanted: Mapping[str, str]) -> tuple[dict[str, int], list[str]]:
    """Find the position of each declared column (name → name in the header), and the names of the others.

    Names match exactly, or else but for case.

    Raises:
        HeaderError: If a declared column is missing, or a name that matters stands twice.
    """
    folded = [name.casefold() for name in header.names]
    doubled = sorted({name for name in header.names if folded.count(name.casefold()) > 1})
    if doubled:
        raise HeaderError(f"the header names {', '.join(map(repr, doubled))} twice")
    positions = {name: index for index, name in enumerate(folded)}
    missing = [written for written in wanted.values() if written.strip().casefold() not in positions]
    if missing:
        raise HeaderError(
            f"the header has no {', '.join(map(repr, missing))}; it has {', '.join(map(repr, header.names))}"
        )
    bound = {name: positions[written.strip().casefold()] for name, written in wanted.items()}
    used = set(bound.values())
    return bound, [name for index, name in enumerate(header.names) if index not in used]


def read_text_rows(
    spark: SparkSession,
    lake: Lake,
    objects: Sequence[SourceObject],
    headers: Mapping[str, Header],
    options: CsvOptions,
    wanted: Mapping[str, str],
) -> DataFrame:
    """Read objects as text columns; those without text have no rows.

    Columns out: every declared column (string), year, month, day where the objects have them as values,
                 _lakewright_object, _lakewright_text (the row as written; null where it was not kept),
                 _lakewright_fault (field_count, quote, repeated_header, or null)
    Rows:        every row but the headers; blank lines are no rows
    """
    layouts: dict[tuple[tuple[str, ...], str], list[SourceObject]] = {}
    for taken in objects:
        if header := headers.get(taken.path):
            layouts.setdefault((header.names, header.line_end), []).append(taken)
    parts = [
        _read_layout(spark, [lake.spark_uri(taken.path) for taken in members], Header(names, line_end), options, wanted)
        for (names, line_end), members in layouts.items()
    ]
    rows = reduce(DataFrame.unionByName, parts)
    return _with_object(spark, rows, lake, objects)


def find_unreadable(
    lake: Lake, paths: Iterable[str], headers: Mapping[str, Header], options: CsvOptions
) -> dict[str, str]:
    """Read objects through for broken compression and torn quotes; the reason by path.

    This reads an object once more: it is for those that gave a reason to doubt them.
    """
    unreadable = {}
    for path in paths:
        try:
            lines = _lines(lake, path, options.encoding, headers[path].line_end)
            line = find_torn_quote(lines, delimiter=options.delimiter)
        except (zlib.error, EOFError) as error:
            unreadable[path] = f"broken gzip: {error}"
        else:
            if line is not None:
                unreadable[path] = f"line {line}: a quoted field opens here and is not closed as RFC 4180 wants it"
    return unreadable


def has_line_end(columns: Iterable[str], line_ends: Collection[str]) -> Column:
    """Tell whether any of these text columns holds a line end: data, or records that a stray quote swallowed."""
    held = [F.coalesce(_cell(name).contains(end), F.lit(False)) for name in columns for end in sorted(line_ends)]
    return reduce(or_, held, F.lit(False))


def _cell(name: str) -> Column:
    return F.col("`" + name.replace("`", "``") + "`")


def _read_layout(
    spark: SparkSession,
    uris: Sequence[str],
    header: Header,
    options: CsvOptions,
    wanted: Mapping[str, str],
) -> DataFrame:
    cells = [f"c{index}" for index in range(len(header.names))]
    if options.multiline:
        rows = _read_records(spark, uris, header.line_end, options, cells)
    else:
        rows = _read_lines(spark, uris, options, cells)
    positions, _ = bind_columns(header, wanted)
    repeated = reduce(and_, (F.trim(f"c{index}").eqNullSafe(header.names[index]) for index in positions.values()))
    return rows.select(
        *(F.col(f"c{index}").alias(name) for name, index in positions.items()),
        "uri",
        TEXT,
        F.coalesce(FAULT, F.when(repeated, F.lit("repeated_header"))).alias(FAULT),
    )


def _read_records(
    spark: SparkSession, uris: Sequence[str], line_end: str, options: CsvOptions, cells: Sequence[str]
) -> DataFrame:
    """Let Spark find the records; the text of one is kept where the number of its fields is wrong."""
    rows = _read_csv(
        spark, uris, options, [*cells, TEXT], {"multiLine": True, "lineSep": line_end, **_fields(options, TEXT)}
    )
    # The line feed alone is Spark's line end here, so that line ends inside quotes stay as they are; a carriage return
    # before it stays at the end of the last field, and makes a row of a blank line.
    first, last = F.col(cells[0]), cells[-1]
    is_blank = reduce(and_, (F.col(cell).isNull() for cell in cells[1:]), F.coalesce(first == "\r", F.lit(False)))
    without_return = F.expr(f"substring({last}, 1, length({last}) - 1)")
    ended = F.when(F.col(last).endswith("\r"), F.when(F.col(last) != "\r", without_return)).otherwise(F.col(last))
    return rows.where(~is_blank).select(
        *cells[:-1],
        ended.alias(last),
        "uri",
        TEXT,
        F.when(F.col(TEXT).isNotNull(), F.lit("field_count")).alias(FAULT),
    )


def _read_lines(spark: SparkSession, uris: Sequence[str], options: CsvOptions, cells: Sequence[str]) -> DataFrame:
    """Let Spark split the objects into lines, and each line into fields; a quote left open is seen on the line."""
    whole = {
        "sep": _NOT_IN_TEXT,
        "quote": _NOT_IN_TEXT,
        "nullValue": uuid.uuid4().hex,
        "columnNameOfCorruptRecord": TEXT,
    }
    lines = _read_csv(spark, uris, options, ["line", TEXT], whole)
    lines = lines.select("uri", F.coalesce(TEXT, "line").alias(TEXT))
    schema = ", ".join(f"{cell} string" for cell in (*cells, FAULT))
    rows = lines.withColumn("fields", F.from_csv(TEXT, schema, _fields(options, FAULT)))
    is_open = F.col(TEXT).contains('"') & ~F.col(TEXT).rlike(_well_quoted(options.delimiter))
    fault = F.when(is_open, F.lit("quote")).when(F.col(f"fields.{FAULT}").isNotNull(), F.lit("field_count"))
    return rows.select(*(f"fields.{cell}" for cell in cells), "uri", TEXT, fault.alias(FAULT))


def _read_csv(
    spark: SparkSession,
    uris: Sequence[str],
    options: CsvOptions,
    columns: Sequence[str],
    how: Mapping[str, Any],
) -> DataFrame:
    schema = ", ".join(f"{column} string" for column in columns)
    reader = spark.read.schema(schema).options(
        header=True,
        mode="PERMISSIVE",
        encoding=options.encoding,
        recursiveFileLookup=True,
        # A name with [, { or * in it is a name, not a pattern.
        __globPaths__=False,
        **how,
    )
    return reader.csv(list(uris)).select("*", F.col("_metadata.file_path").alias("uri"))


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
    """Match a line in which every quoted field is closed.

    It is possessive throughout, so that Java neither backtracks nor recurses, however long the line is.
    """
    cut = rf"\x{{{ord(delimiter):x}}}"
    one = rf'(?:"(?:[^"]++|"")*+"[^{cut}]*+|[^"{cut}][^{cut}]*+|)'
    return f"^{one}(?:{cut}{one})*+$"


def _with_object(spark: SparkSession, rows: DataFrame, lake: Lake, objects: Sequence[SourceObject]) -> DataFrame:
    keys = sorted({key for taken in objects for key in taken.values})
    known = [
        (hadoop_uri(lake.spark_uri(taken.path)), taken.path, *(taken.values[key] for key in keys)) for taken in objects
    ]
    columns = ["uri", OBJECT, *keys]
    lookup = spark.createDataFrame(known, ", ".join(f"{column} string" for column in columns))
    return rows.join(F.broadcast(lookup), on="uri", how="inner").drop("uri")


def hadoop_uri(uri: str) -> str:
    """Write a URI as Java's ``Path.toUri`` does, and so ``_metadata.file_path``."""
    return "".join(
        quote(char) if (char.isascii() and char not in _LEGAL) or unicodedata.category(char) in _QUOTED else char
        for char in uri
    )


def _read_header(lake: Lake, path: str, size: int, options: CsvOptions) -> Header | None:
    """Read the header; None if the object holds no text at all.

    Raises:
        HeaderError: If there is no header to be had.
    """
    head = lake.read(path, length=_HEAD_BYTES) if size else b""
    is_gzip = head.startswith(_GZIP_MAGIC)
    if is_gzip != path.endswith(".gz") and head:
        raise HeaderError("the name ends in .gz, but it is no gzip" if not is_gzip else "gzip, but not named .gz")
    if path.endswith(_UNKNOWN_CODECS):
        raise HeaderError("compressed in a way that is not read here: gzip or none")
    wanted = _HEAD_BYTES
    while True:
        data = _gunzip_head(head, wanted) if is_gzip else head
        is_whole = len(head) >= size and len(data) < wanted if is_gzip else len(head) >= size
        text = codecs.getincrementaldecoder(options.encoding)("replace").decode(data, is_whole).lstrip("\ufeff")
        names, line_end = _first_record(text, options.delimiter, is_whole=is_whole)
        if names is not None or is_whole or wanted >= _LONGEST_HEADER:
            break
        wanted = _LONGEST_HEADER
        head = lake.read(path, length=_LONGEST_HEADER)
    if names is None:
        if is_whole and not text.strip():
            return None
        raise HeaderError(f"no end of the header within {_LONGEST_HEADER >> 20} MiB")
    if any("\ufffd" in name for name in names):
        raise HeaderError(f"the header is not {options.encoding} text")
    if not options.multiline and any("\n" in name or "\r" in name for name in names):
        raise HeaderError("the header holds a line end, which needs multiline: true")
    tail = text if is_whole else ""
    if not is_whole and not is_gzip:
        tail = lake.read(path, start=max(0, size - _HEAD_BYTES)).decode(options.encoding, "replace")
    last_line = tail.rstrip("\r\n").rpartition(line_end)[2]
    return Header(
        tuple(name.strip() for name in names),
        line_end,
        is_suspect=last_line.count('"') % 2 == 1,
        record_bytes=len(data) // (text.count(line_end) + 1) + 1,
    )


def _first_record(text: str, delimiter: str, *, is_whole: bool) -> tuple[list[str] | None, str]:
    """Parse the first record that is not blank; None if the text does not hold its end."""
    lines = io.StringIO(text, newline="")
    taken: list[str] = []

    def remembered() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line

    try:
        names = next((record for record in csv.reader(remembered(), delimiter=delimiter, strict=True) if record), None)
    except csv.Error as error:
        if "unexpected end of data" in str(error) and not is_whole:
            return None, "\n"
        raise HeaderError(f"the header is not CSV: {error}") from error
    end = taken[-1] if taken else ""
    # A carriage return at the very end may be the first half of a line end.
    is_ended = end.endswith("\n") or (end.endswith("\r") and bool(lines.read(1)))
    if names is None or not (is_ended or is_whole):
        return None, "\n"
    return names, "\r" if end.endswith("\r") else "\n"


def _gunzip_head(data: bytes, length: int) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(data, length)
    except zlib.error as error:
        raise HeaderError(f"broken gzip: {error}") from error


def _lines(lake: Lake, path: str, encoding: str, line_end: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    rest = ""
    for chunk in _content(lake, path):
        *lines, rest = (rest + decoder.decode(chunk)).split(line_end)
        yield from (line + line_end for line in lines)
    yield rest + decoder.decode(b"", final=True)


def _content(lake: Lake, path: str) -> Iterator[bytes]:
    """Read an object in chunks, unpacked.

    Raises:
        EOFError: If its gzip ends too soon.
        zlib.error: If its gzip is broken.
    """
    start, unpacker = 0, zlib.decompressobj(wbits=31)
    while chunk := lake.read(path, start=start, length=_CHUNK_BYTES):
        start += len(chunk)
        if not path.endswith(".gz"):
            yield chunk
            continue
        while chunk:
            unpacker = zlib.decompressobj(wbits=31) if unpacker.eof else unpacker
            yield unpacker.decompress(chunk)
            chunk = unpacker.unused_data.lstrip(b"\0")
    if path.endswith(".gz") and start and not unpacker.eof:
        raise EOFError("it ends before its end mark")
