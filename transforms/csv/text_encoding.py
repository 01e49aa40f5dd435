"""The encodings of CSV text, and how offsets in the text relate to offsets in the source. No pyspark.

Offsets must be exact, since they identify rejected rows and the records that corrections replace. Encodings with escape
sequences, in which neither text nor lines determine offsets, are therefore refused.
"""

import codecs
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import lru_cache
from typing import Final

_UNITS: Final = {"utf-16": 2, "utf-32": 4}
#: Supersets of ASCII whose other characters have two to four bytes, none of which is a line end.
_MULTI_BYTE: Final = frozenset(
    {
        "big5", "big5hkscs", "cp932", "cp949", "cp950", "euc_jis_2004", "euc_jisx0213", "euc_jp", "euc_kr", "gb18030",
        "gb2312", "gbk", "johab", "shift_jis", "shift_jis_2004", "shift_jisx0213",
    }
)  # fmt: skip
#: Escapes and shifts, which stand for characters or line ends that the bytes do not show.
_ESCAPED: Final = ("iso2022", "hz", "utf-7", "raw-unicode-escape", "unicode-escape", "idna", "punycode", "charmap")
_BYTES: Final = 256
_ASCII: Final = bytes(range(128))


class EncodingKind(Enum):
    """How characters are represented.

    Attributes:
        UTF_8: As in the text itself.
        ONE_BYTE: Each by one byte.
        UNITS: By units of two or four bytes.
        MULTI_BYTE: By one or more bytes; line ends are one byte that occurs nowhere else.
    """

    UTF_8 = 1
    ONE_BYTE = 2
    UNITS = 3
    MULTI_BYTE = 4


@lru_cache
def kind_of(encoding: str) -> EncodingKind:
    """Return the kind of an encoding.

    Raises:
        ValueError: If its text cannot be read with exact offsets.
    """
    try:
        codec = codecs.lookup(encoding)
    except LookupError:
        raise ValueError(
            f"unknown encoding {encoding!r}; known are Python's text encodings, such as UTF-8, UTF-16, windows-1252, "
            "ISO-8859-15, Shift_JIS, GBK, EUC-KR and cp437"
        ) from None
    name = codec.name
    if name in ("utf-8", "utf-8-sig"):
        return EncodingKind.UTF_8
    if name[:6] in _UNITS:
        return EncodingKind.UNITS
    if name in _MULTI_BYTE:
        return EncodingKind.MULTI_BYTE
    if name.startswith(_ESCAPED):
        raise ValueError(
            f"{encoding} is not supported: its escape sequences leave unclear where records begin; convert the objects "
            "to UTF-8"
        )
    if not codec._is_text_encoding or not _is_one_byte(name):
        raise ValueError(f"{encoding} is not an encoding of text")
    return EncodingKind.ONE_BYTE


def can_be_split(encoding: str) -> bool:
    """Return whether byte ranges of a text can be read; its object must not be compressed."""
    return kind_of(encoding) in (EncodingKind.UTF_8, EncodingKind.ONE_BYTE)


def unit_bytes(encoding: str) -> int:
    """Return the size of a unit of UTF-16 or UTF-32; otherwise 1."""
    return _UNITS.get(codecs.lookup(encoding).name[:6], 1)


def mark_of(encoding: str) -> bytes:
    """Return the byte order mark that an encoding needs; empty if it needs none."""
    return {"utf-16": codecs.BOM_UTF16_LE, "utf-32": codecs.BOM_UTF32_LE}.get(codecs.lookup(encoding).name, b"")


def encode(text: str, encoding: str) -> bytes:
    """Encode a part of a text, without a byte order mark."""
    name = codecs.lookup(encoding).name.removesuffix("-sig")
    return text.encode(f"{name}-le" if mark_of(name) else name)


def transcoded(pieces: Iterable[bytes], encoding: str, line_end: bytes) -> Iterator[bytes]:
    """Transcode a source to UTF-8; invalid bytes become U+FFFD, line ends remain line ends."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    keeps_ascii = kind_of(encoding) is EncodingKind.ONE_BYTE and _ASCII.decode(encoding, "replace") == _ASCII.decode()
    for piece in pieces:
        yield piece if keeps_ascii and piece.isascii() else decoder.decode(piece).encode()
    if kind_of(encoding) is EncodingKind.MULTI_BYTE and (unfinished := decoder.getstate()[0]):
        # At the end, decoders replace all bytes of an unfinished character at once, with the line ends among them.
        texts = (part.decode(encoding, "replace").encode() for part in unfinished.split(line_end))
        yield line_end.join(texts)
    else:
        yield decoder.decode(b"", final=True).encode()


def _is_one_byte(name: str) -> bool:
    try:
        characters = [bytes([code]).decode(name, "replace") for code in range(_BYTES)]
        return all(len(character) == 1 for character in characters)
    except UnicodeError:
        return False
