"""The text of an object to the texts of its records, in any framing. No pyspark."""

from collections.abc import Iterable, Iterator

from transforms.events.lines import split_lines
from transforms.json.framing import Records, framed_blocks


def split_records(blocks: Iterable[bytes], records: Records, *, max_bytes: int) -> Iterator[list[bytes]]:
    """Split blocks of text into the texts of records: lines, of which some may be blank, or else whole records.

    At most ``max_bytes`` and one block of a record are kept in memory.

    Raises:
        LongRecordError: If a line is longer than ``max_bytes``; earlier lines of its block are not returned.
        FramingError: If records do not follow each other as declared, or one is longer than ``max_bytes``.
    """
    if records == "lines":
        return split_lines(blocks, max_bytes=max_bytes)
    framed = framed_blocks(blocks, records, max_record_bytes=max_bytes)
    return (pieces for block in framed if (pieces := block.pieces[1::2]))


def place_in(blocks: Iterable[bytes], offset: int) -> tuple[int, int]:
    """Return line and column of a byte of an object, both from 1; the column counts characters."""
    line, left, rest = 1, b"", offset
    for block in blocks:
        text = block[:rest]
        rest -= len(text)
        line += text.count(b"\n")
        *before, tail = text.rsplit(b"\n", 1)
        left = tail if before else left + tail
        if not rest:
            break
    return line, len(left.decode(errors="replace")) + 1
