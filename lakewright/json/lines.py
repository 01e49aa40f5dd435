"""Bytes of a JSON-lines object to blocks of whole lines: streamed, with a limit to a line's length."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from transforms.errors import LongRecordError


@dataclass(frozen=True)
class Block:
    """Some whole lines without their line feeds; ``ends`` says whether the last one had one too."""

    first_line: int
    lines: list[bytes]
    ends: bool


def blocks_of_lines(chunks: Iterable[bytes], *, max_record_bytes: int) -> Iterator[Block]:
    """Cut a stream into blocks of whole lines; lines end with LF, and what stands before it is theirs.

    Raises:
        LongRecordError: If a line is longer than ``max_record_bytes``.
    """
    number, kept, kept_bytes = 1, [], 0
    for chunk in chunks:
        cut = chunk.rfind(b"\n")
        if cut < 0:
            kept.append(chunk)
            kept_bytes += len(chunk)
            if kept_bytes > max_record_bytes:
                raise LongRecordError(number, max_record_bytes)
            continue
        lines = b"".join((*kept, chunk[:cut])).split(b"\n")
        yield _checked(Block(number, lines, ends=True), max_record_bytes)
        number += len(lines)
        kept, kept_bytes = [chunk[cut + 1 :]], len(chunk) - cut - 1
    if last := b"".join(kept):
        yield _checked(Block(number, [last], ends=False), max_record_bytes)


def _checked(block: Block, limit: int) -> Block:
    for place, line in enumerate(block.lines):
        if len(line) > limit:
            raise LongRecordError(block.first_line + place, limit)
    return block
