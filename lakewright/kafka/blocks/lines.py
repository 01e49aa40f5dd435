"""The text of an object as lines, in blocks that are large enough to become columns."""

from collections.abc import Iterator
from typing import Final

from lakewright.errors import ObjectRefusedError
from lakewright.kafka.blocks.record_texts import record_texts, with_first_offset
from lakewright.kafka.rules import EventRules
from lakewright.kafka.sink import EventObject, ObjectText
from transforms.errors import LongRecordError
from transforms.events.sink_names import LARGEST_OFFSET

#: A few hundred events: their values are still in the CPU cache when they become columns.
_BLOCK_BYTES: Final = 256 << 10
#: Of long lines, a block has more bytes, since an array of a few values takes as long to make as one of many.
_BLOCK_LINES: Final = 64
_LONG_BLOCK_BYTES: Final = 4 << 20


def is_block(lines: int, size: int) -> bool:
    """Return whether lines of this total size are enough for a block."""
    return size >= _LONG_BLOCK_BYTES or (size >= _BLOCK_BYTES and lines >= _BLOCK_LINES)


class ObjectLines:
    """The lines of an object, block by block.

    After reading, ``damage`` is the reason to refuse the object; empty if there is none. From the first block on,
    the name in ``source`` has the offset of the first record.
    """

    def __init__(self, text: ObjectText, source: EventObject, rules: EventRules) -> None:
        self.source, self._text, self._rules = source, text, rules
        self.damage = ""

    def __iter__(self) -> Iterator[list[bytes]]:
        lines: list[bytes] = []
        size = 0
        for part in self._parts():
            lines += part
            size += sum(map(len, part))
            if is_block(len(lines), size):
                yield lines
                lines, size = [], 0
        if lines:
            yield lines

    def _parts(self) -> Iterator[list[bytes]]:
        count, last = 0, b""
        try:
            self.source = with_first_offset(self._text, self.source, self._rules)
            for lines in record_texts(self._text, self.source, self._rules):
                if self._text.damage:  # the rest is the beginning of a line
                    break
                count += len(lines)
                last = lines[-1]
                if self.source.name.start + count - 1 > LARGEST_OFFSET:
                    self.damage = f"its records would have offsets above {LARGEST_OFFSET}; none of its rows were read"
                    return
                yield lines
        except LongRecordError as error:
            self.damage = f"{error}; none of its rows were read"
        except ObjectRefusedError as error:
            self.damage = error.reasons[self.source.path]
        else:
            self.damage = self._text.find_damage(count, last)
