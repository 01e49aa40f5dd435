"""Detect objects that are named like CSV but have another format, by their first bytes."""

import re
from typing import Final

from transforms.csv.text_encoding import unit_bytes

_HEAD: Final = 1024
_EXPORT: Final = "export its sheet as CSV"
_UNPACK: Final = "decompress it, or compress the CSV with gzip, bzip2, zstd or zip"
_AS_CSV: Final = "write it as CSV"

#: A control character that does not occur in text. A magic that might be a column name must be followed by one soon.
_BINARY: Final = rb".{0,28}[\x00-\x06\x0e-\x1a\x1c-\x1f]"
#: The first bytes of a format, its name, and what to do.
_MAGIC: Final = (
    (rb"PK\x03\x04.{26}(?:\[Content_Types\]|_rels/|docProps/|xl/)", "an Excel workbook (xlsx)", _EXPORT),
    (rb"PK\x03\x04.{26}mimetypeapplication/vnd\.oasis", "an OpenDocument spreadsheet (ods)", _EXPORT),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook (xls)", _EXPORT),
    (rb"\xfd7zXZ\x00", "compressed with xz", _UNPACK),
    (rb"\x04\x22\x4d\x18", "compressed with lz4", _UNPACK),
    (rb"\xff\x06\x00\x00sNaPpY", "compressed with snappy", _UNPACK),
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (rb"(?=[^\x00]{1,100}\x00).{257}ustar", "a tar archive", _UNPACK),
    (rb"PAR[1E]" + _BINARY, "a Parquet file", _AS_CSV),
    (rb"ORC" + _BINARY, "an ORC file", _AS_CSV),
    (rb"Obj\x01", "an Avro file", _AS_CSV),
    (rb"%PDF-", "a PDF document", _AS_CSV),
    (
        rb"(?i:(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body|table)\b)",
        "an HTML page",
        "it may be the error or sign-in page of a failed download: download it again",
    ),
    (
        rb"(?:\xef\xbb\xbf)?\s*<\?xml\s",
        "XML",
        "it may be the error message of a failed download: download it again, or write it as CSV",
    ),
)
_FORMATS: Final = tuple((re.compile(magic, re.DOTALL), what, advice) for magic, what, advice in _MAGIC)

_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_UTF_32: Final = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")
#: UTF-16 without a byte order mark: most high bytes are zero, low bytes never are.
_MARKLESS: Final = (
    (re.compile(rb"(?:[^\x00]\x00){4}"), "UTF-16LE"),
    (re.compile(rb"(?:\x00[^\x00]){4}"), "UTF-16BE"),
)


def describe_other_format(head: bytes, encoding: str) -> str:
    """Return the format of an object that cannot be CSV in an encoding, and what to do; empty if it may be CSV."""
    for magic, what, advice in _FORMATS:
        if magic.match(head, 0, _HEAD):
            return f"{what}, not CSV; {advice}"
    return _other_encoding(head, encoding)


def _other_encoding(head: bytes, encoding: str) -> str:
    is_utf_32 = head.startswith(_UTF_32)
    if unit_bytes(encoding) == (len(_UTF_32[0]) if is_utf_32 else len(_UTF_16[0])):
        return ""
    other = "UTF-32" if is_utf_32 else "UTF-16" if head.startswith(_UTF_16) else ""
    other = other or next((name for pattern, name in _MARKLESS if pattern.match(head)), "")
    return f"{other} text, not {encoding}; set source.csv.encoding: {other}, or save it as {encoding}" if other else ""
