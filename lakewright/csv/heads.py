"""The headers of CSV objects, read before the objects are."""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from lakewright.concurrency import map_in_threads
from lakewright.csv.options import CsvOptions
from lakewright.csv.other_formats import describe_other_format
from lakewright.errors import DamagedGzipError, ObjectRefusedError, TruncatedGzipError
from lakewright.storage.gzip import MAGIC, gunzip, is_gzip
from lakewright.storage.lake import Lake
from transforms.errors import HeaderError

_HEAD_BYTES: Final = 1 << 16
_LONGEST_HEADER: Final = 1 << 20
_UNKNOWN_CODECS: Final = (".bz2", ".deflate", ".lz4", ".snappy", ".zst", ".xz", ".zip")
_LOOKS_AT_ONCE: Final = 16


@dataclass(frozen=True)
class Header:
    r"""The header of an object, and properties of its text.

    Attributes:
        names: Column names, trimmed, without a byte order mark.
        line_end: ``\n`` (with or without a preceding carriage return) or ``\r``.
    """

    names: tuple[str, ...]
    line_end: str


@dataclass(frozen=True)
class Heads:
    """The headers of objects, and the reasons for refusing others, by path; objects without text have neither."""

    headers: dict[str, Header] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def read_heads(lake: Lake, objects: Iterable[tuple[str, int]], options: CsvOptions) -> Heads:
    """Read the head of each object (path, size)."""
    heads = Heads()
    distinct: dict[Header, Header] = {}

    def look(entry: tuple[str, int]) -> tuple[str, Header | None, str]:
        path, size = entry
        try:
            return path, _read_header(lake, path, size, options), ""
        except FileNotFoundError:
            return path, None, "gone since it was listed"
        except HeaderError as error:
            return path, None, str(error)
        except ObjectRefusedError as error:
            return path, None, error.reasons[path]

    for path, header, reason in map_in_threads(look, objects, threads=_LOOKS_AT_ONCE):
        if reason:
            heads.refused[path] = reason
        elif header is not None:
            heads.headers[path] = distinct.setdefault(header, header)
    return heads


def _read_header(lake: Lake, path: str, size: int, options: CsvOptions) -> Header | None:
    """Read the header; None if the object has no text.

    Raises:
        HeaderError: If the object has no usable header.
    """
    for length in (_HEAD_BYTES, _LONGEST_HEADER):
        data, is_whole = _head(lake, path, size, length, options.encoding)
        try:
            text = codecs.getincrementaldecoder(options.encoding)("replace").decode(data, is_whole).lstrip("\ufeff")
        except UnicodeError:  # which "replace" leaves for text without a byte order mark alone
            raise HeaderError(
                f"no byte order mark, which {options.encoding} needs; set source.csv.encoding to what it is, such as "
                "UTF-8 or UTF-16LE"
            ) from None
        names, line = _first_record(text, options.delimiter, is_whole=is_whole)
        if names is not None or is_whole:
            break
    if names is None:
        if is_whole and not text.strip():
            return None
        raise HeaderError(f"no end of the header within {_LONGEST_HEADER >> 20} MiB")
    line_end = "\r" if line.endswith("\r") else "\n"
    if problem := _problem_with_header(text, names, line_end, options):
        raise HeaderError(problem)
    return Header(tuple(name.strip() for name in names), line_end)


def _head(lake: Lake, path: str, size: int, length: int, encoding: str) -> tuple[bytes, bool]:
    """Return the first bytes of an object, uncompressed, and whether they are the whole object."""
    head = lake.read(path, length=length) if size else b""
    packed = is_gzip(head)
    if other := describe_other_format(head, encoding):
        raise HeaderError(other)
    if path.endswith(".gz") and len(head) < len(MAGIC):
        raise HeaderError(str(TruncatedGzipError()))
    if packed != path.endswith(".gz") and head:
        raise HeaderError(
            "gzip, but not named .gz; rename or decompress it" if packed else "the name ends in .gz, but it is not gzip"
        )
    if path.endswith(_UNKNOWN_CODECS):
        raise HeaderError("unsupported compression; use gzip or none")
    data = _gunzip_head(head, length, is_whole=len(head) >= size) if packed else head
    if packed and (other := describe_other_format(data, encoding)):
        raise HeaderError(f"gzip of {other}")
    return data, len(head) >= size and not (packed and len(data) >= length)


def _problem_with_header(text: str, names: Sequence[str], line_end: str, options: CsvOptions) -> str:
    if line_end == "\r" and "\n" in text:
        return "its line ends are mixed: only CR after the header, LF after later lines"
    if text.startswith("\r\n"):
        return "a blank line precedes the header"
    if any("\ufffd" in name for name in names):
        return f"the header is not {options.encoding} text"
    if not options.multiline and any("\n" in name or "\r" in name for name in names):
        return "the header contains a line end, which needs multiline: true"
    return ""


def _first_record(text: str, delimiter: str, *, is_whole: bool) -> tuple[list[str] | None, str]:
    """Parse the first record that is not blank, and return its last line; None if the text ends within it."""
    lines = io.StringIO(text, newline="")
    consumed: list[str] = []

    def remembered() -> Iterator[str]:
        for line in lines:
            consumed.append(line)
            yield line

    try:
        names = next((record for record in csv.reader(remembered(), delimiter=delimiter, strict=True) if record), None)
    except csv.Error as error:
        if "unexpected end of data" in str(error) and not is_whole:
            return None, ""
        raise HeaderError(f"the header is not CSV: {error}") from error
    end = consumed[-1] if consumed else ""
    # A trailing carriage return may be the first half of a line end.
    is_ended = end.endswith("\n") or (end.endswith("\r") and bool(lines.read(1)))
    if names is None or not (is_ended or is_whole):
        return None, ""
    return names, end


def _gunzip_head(head: bytes, length: int, *, is_whole: bool) -> bytes:
    """Decompress the beginning of a gzip stream, up to a length."""
    data = b""
    try:
        for piece in gunzip([head], piece_bytes=length, allow_padding=False):
            data += piece
            if len(data) >= length:
                break
    except DamagedGzipError as error:
        if is_whole or not isinstance(error, TruncatedGzipError):
            raise HeaderError(str(error)) from error
    return data[:length]
