"""Split the text of an object into the texts of its records, in any framing. No pyspark."""

from collections.abc import Iterable, Iterator
from typing import Final

from transforms.events.lines import split_lines
from transforms.json.framing import FramedBlock, Records, framed_blocks

_CONTINUATIONS: Final = bytes(range(0x80, 0xC0))


class PlacedText(bytes):
    """The text of a record that is not a line, with the line and column at which it begins, both from 1."""

    line: int
    column: int


def split_records(blocks: Iterable[bytes], records: Records, *, max_bytes: int) -> Iterator[list[bytes]]:
    """Split blocks of text into the texts of records: lines, of which some may be blank, or else whole records.

    At most ``max_bytes`` and one block of a record are kept in memory. Elements of an array that are ``null``, such as
    tombstones, are records, so that each of them is accounted for.

    Raises:
        LongRecordError: If a line is longer than ``max_bytes``; earlier lines of its block are not returned.
        FramingError: If records do not follow each other as declared, or one is longer than ``max_bytes``.
    """
    if records == "lines":
        return split_lines(blocks, max_bytes=max_bytes)
    return _placed(framed_blocks(blocks, records, max_record_bytes=max_bytes, with_nulls=True))


def place_in(blocks: Iterable[bytes], offset: int) -> tuple[int, int]:
    """Return line and column of a byte of an object, both from 1; the column counts characters."""
    place = Place()
    for block in blocks:
        place.move_past(block[:offset])
        offset -= min(len(block), offset)
        if not offset:
            break
    return place.line, place.column


def _placed(blocks: Iterable[FramedBlock]) -> Iterator[list[bytes]]:
    place = Place()
    for block in blocks:
        texts: list[bytes] = []
        for number, piece in enumerate(block.pieces):
            if number % 2:
                text = PlacedText(piece)
                text.line, text.column = place.line, place.column
                texts.append(text)
            place.move_past(piece)
        if texts:
            yield texts


class Place:
    """A line and a column of a text, both from 1; the column counts characters."""

    def __init__(self) -> None:
        self.line = self.column = 1

    def move_past(self, text: bytes) -> None:
        """Move to the end of a text that begins at the place."""
        if breaks := text.count(b"\n"):
            self.line += breaks
            self.column = 1
        self.column += _characters(text[text.rfind(b"\n") + 1 :])


def _characters(text: bytes) -> int:
    """Count the bytes at which a character of UTF-8 begins; a record never ends within one."""
    return len(text) if text.isascii() else len(text.translate(None, _CONTINUATIONS))
