"""The headers of CSV objects, read before the objects are."""

import codecs
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from lakewright.concurrency import map_in_threads
from lakewright.csv.head.first_bytes import read_head
from lakewright.csv.head.preamble import after_preamble
from lakewright.csv.options import CsvOptions
from lakewright.errors import ObjectRefusedError
from lakewright.storage.lake import ByteReader
from transforms.csv.dialects.first_record import first_record
from transforms.errors import HeaderError

_HEAD_BYTES: Final = 1 << 16
_LONGEST_HEADER: Final = 1 << 20
_LOOKS_AT_ONCE: Final = 16
_NO_HEADER: Final = "it has no header, only lines before it"


@dataclass(frozen=True)
class Header:
    r"""The header of an object, and properties of its text.

    Attributes:
        names: Column names, trimmed, without a byte order mark.
        line_end: ``\n`` (with or without a preceding carriage return) or ``\r``.
        preamble_lines: How many lines precede the header, or the first record.
        footer_lines: How many lines at the end are not records.
    """

    names: tuple[str, ...]
    line_end: str
    preamble_lines: int = 0
    footer_lines: int = 0


@dataclass(frozen=True)
class Heads:
    """The headers of objects, and the reasons for refusing others, by path; objects without text have neither."""

    headers: dict[str, Header] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def read_heads(reader: ByteReader, objects: Iterable[tuple[str, int]], options: CsvOptions) -> Heads:
    """Read the head of each object (path, size)."""
    heads = Heads()
    distinct: dict[Header, Header] = {}

    def look(entry: tuple[str, int]) -> tuple[str, Header | None, str]:
        path, size = entry
        try:
            return path, _read_header(reader, path, size, options), ""
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


def _read_header(reader: ByteReader, path: str, size: int, options: CsvOptions) -> Header | None:
    """Read the header; None if the object has no text.

    Raises:
        HeaderError: If the object has no usable header.
    """
    for length in (_HEAD_BYTES, _LONGEST_HEADER):
        data, is_whole = read_head(reader, path, size, length, options.encoding)
        try:
            text = codecs.getincrementaldecoder(options.encoding)("replace").decode(data, is_whole).lstrip("\ufeff")
        except UnicodeError:  # which "replace" leaves for text without a byte order mark alone
            raise HeaderError(
                f"no byte order mark, which {options.encoding} needs; set source.csv.encoding to what it is, such as "
                f"UTF-8 or {options.encoding}LE"
            ) from None
        # Without a header, a record may be of blanks, such as tabs between fields that are all null.
        if is_whole and not text.strip(None if options.header else "\r\n"):
            return None
        if header := _header_of(text, options, is_whole=is_whole, is_longest=length == _LONGEST_HEADER):
            return header
    unfinished = "header" if options.header else "lines before its first record"
    raise HeaderError(f"no end of the {unfinished} within {_LONGEST_HEADER >> 20} MiB")


def _header_of(text: str, options: CsvOptions, *, is_whole: bool, is_longest: bool) -> Header | None:
    """Return the header of a text; None if more of the text is needed."""
    line_end = "\n" if "\n" in text or "\r" not in text else "\r"
    preamble = after_preamble(text, options, line_end, is_whole=is_whole)
    if preamble is None:
        return None
    if not options.header:
        # A carriage return may be data as long as no line feed was read.
        is_clear = is_whole or is_longest or "\n" in text
        return Header(options.names, line_end, preamble.lines, options.footer_lines) if is_clear else None
    first = first_record(text[preamble.end :], options.dialect(), is_whole=is_whole)
    if first is None:
        if is_whole:
            raise HeaderError(_NO_HEADER)
        return None
    # The header may be the last line, without a line end.
    line_end = first.line_end if "\n" in text else line_end
    if problem := _problem_with_header(text, first.fields, line_end, options):
        raise HeaderError(problem)
    return Header(tuple(name.strip() for name in first.fields), line_end, preamble.lines, options.footer_lines)


def _problem_with_header(text: str, names: Sequence[str], line_end: str, options: CsvOptions) -> str:
    if line_end == "\r" and "\n" in text:
        return "its line ends are mixed: only CR after the header, LF after later lines"
    if any("\ufffd" in name for name in names):
        return f"the header is not {options.encoding} text"
    if not options.multiline and any("\n" in name or "\r" in name for name in names):
        return "the header contains a line end, which needs multiline: true"
    return ""
