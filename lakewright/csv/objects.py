"""Scans of whole CSV objects: as text lines, and for damage and unclear record boundaries."""

import codecs
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lakewright.csv.heads import MOST_FIELDS, Header
from lakewright.csv.options import CsvOptions
from lakewright.errors import DamagedGzipError
from lakewright.storage.gzip import gunzip
from lakewright.storage.lake import Lake
from transforms.csv.quotes import check_lines, check_records

_CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Finding:
    """The result of scanning an object.

    Attributes:
        refused: Why it cannot be read as declared; empty if it can.
        is_misread: Whether Spark's reader would misread some of its records.
    """

    refused: str = ""
    is_misread: bool = False


def look_through(lake: Lake, path: str, header: Header, options: CsvOptions) -> Finding:
    """Scan an object for damage, and for quotes that leave record boundaries unclear.

    This reads the object once more, so it is only done for objects in doubt.
    """
    widest = 0

    def measured() -> Iterator[str]:
        nonlocal widest
        for line in read_lines(lake, path, options.encoding, header.line_end):
            widest = max(widest, line.count(options.delimiter))
            yield line

    lines = measured()
    try:
        if options.multiline:
            quotes = check_records(lines, delimiter=options.delimiter)
            problem = "a quoted field opens here and is not closed as RFC 4180 requires"
        else:
            quotes = check_lines(lines, delimiter=options.delimiter, fields=len(header.names))
            problem = "it is inside a quoted field of several lines, which needs multiline: true"
    except DamagedGzipError as error:
        return Finding(str(error))
    refused = f"line {quotes.unclear_line}: {problem}" if quotes.unclear_line else ""
    return Finding(refused, is_misread=quotes.is_misread or widest >= MOST_FIELDS)


def refused_among(findings: Mapping[str, Finding]) -> dict[str, str]:
    """Return why objects cannot be read as declared, by path."""
    return {path: finding.refused for path, finding in findings.items() if finding.refused}


def misread_among(findings: Mapping[str, Finding]) -> set[str]:
    """Return the paths of objects that Spark's reader would misread."""
    return {path for path, finding in findings.items() if finding.is_misread}


def read_lines(lake: Lake, path: str, encoding: str, line_end: str) -> Iterator[str]:
    """Read an object as text lines, including their line ends, without a byte order mark.

    Raises:
        DamagedGzipError: If it is damaged gzip.
    """
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    rest = ""
    for chunk in _content(lake, path):
        *lines, rest = (rest + decoder.decode(chunk)).split(line_end)
        yield from (line + line_end for line in lines)
    yield rest + decoder.decode(b"", final=True)


def _content(lake: Lake, path: str) -> Iterator[bytes]:
    pieces = lake.pieces(path, length=_CHUNK_BYTES)
    # Spark's reader refuses padding.
    return gunzip(pieces, piece_bytes=_CHUNK_BYTES, allow_padding=False) if path.endswith(".gz") else pieces
