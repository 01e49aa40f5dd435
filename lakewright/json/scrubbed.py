"""Scrub the bytes of an object, record by record, in any framing."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from lakewright.errors import ObjectRefusedError
from lakewright.json.lines import Block, blocks_of_lines
from lakewright.json.scrub_proof import HiddenFields
from lakewright.json.scrub_rules import ScrubRules
from transforms.errors import FramingError, LongRecordError, NotARecordError
from transforms.json.framing import FramedBlock, framed_blocks, likely_records
from transforms.json.strings import has_quote_inside

LEFT: Final = "the object was left unchanged"


class ScrubbedRecords:
    """Scrubs the records of an object block by block; ``blanked`` counts values that differed from the replacement."""

    def __init__(self, path: str, rules: ScrubRules) -> None:
        self._path, self._rules, self._looks_first = path, rules, rules.looks_first
        self._scrub: Callable[[bytes], tuple[bytes, int]] = rules.scrubber().scrub
        self.hidden = HiddenFields(path, rules)
        self.blanked = 0

    def contents(self, stream: Iterable[bytes]) -> Iterator[bytes]:
        """Scrub a stream; bytes between records are preserved.

        Raises:
            ObjectRefusedError: If a record is invalid, too long or still contains a field, or the framing differs from
                the rules.
        """
        limit, records = self._rules.max_record_bytes, self._rules.records
        try:
            if records == "lines":
                for block in blocks_of_lines(stream, max_record_bytes=limit):
                    yield self._scrub_lines(block)
            else:
                number = 1
                for framed in framed_blocks(stream, records, max_record_bytes=limit):
                    yield self._scrub_framed(framed, number)
                    number += len(framed.pieces) // 2
        except (FramingError, LongRecordError) as error:
            raise self._refused(str(error), error.looks_like) from None

    def _scrub_lines(self, block: Block) -> bytes:
        scrubbed = []
        for number, line in enumerate(block.lines, block.first_line):
            try:
                text, changed = self._scrub(line)
            except NotARecordError as error:
                likely = likely_records(b"\n".join(block.lines[number - block.first_line :])) or ""
                if likely == "document" and number > 1:  # equally likely a truncated line
                    likely = ""
                raise self._refused(f"line {number} is not a JSON record: {error}", likely) from None
            if self._looks_first and has_quote_inside(text):
                self.hidden.check(number, text)
            scrubbed.append(text)
            self.blanked += changed
        return b"\n".join(scrubbed) + (b"\n" if block.ends else b"")

    def _scrub_framed(self, block: FramedBlock, first_record: int) -> bytes:
        scrubbed = block.pieces.copy()
        for index in range(1, len(scrubbed), 2):
            number = first_record + index // 2
            try:
                text, changed = self._scrub(block.pieces[index])
            except NotARecordError as error:
                offset = block.offset + sum(map(len, block.pieces[:index]))
                raise self._refused(f"record {number}, at offset {offset}, is not a JSON record: {error}") from None
            if self._looks_first and has_quote_inside(text):
                self.hidden.check(number, text)
            scrubbed[index] = text
            self.blanked += changed
        return b"".join(scrubbed)

    def _refused(self, reason: str, looks_like: str = "") -> ObjectRefusedError:
        is_other = looks_like not in ("", self._rules.records)
        hint = f"; the object looks like source.records: {looks_like}" if is_other else ""
        return ObjectRefusedError({self._path: f"{reason}{hint}; {LEFT}"})
