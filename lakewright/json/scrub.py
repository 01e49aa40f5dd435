"""The scrub of one object of JSON lines in place: the same for a Spark task, a Lambda and a test."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO, Final

from lakewright.errors import DamagedGzipError, ObjectRefusedError
from lakewright.in_place.rewrite import Content, Rewritten, rewrite_object, with_versions_seen_to
from lakewright.json.lines import PIECE_BYTES, Block, RecordCount, blocks_of_lines, count_records
from lakewright.json.scrub_proof import HiddenFields, proven
from lakewright.json.scrub_rules import ScrubRules
from lakewright.log.records import Counts
from lakewright.storage.gzip import gunzip, is_gzip, peek
from lakewright.storage.in_place import ObjectsInPlace, Opened
from transforms.errors import LongRecordError, NotARecordError
from transforms.json.strings import has_quote_inside

_LEFT: Final = "the object was left as it was"
_NAMED_IN_A_WARNING: Final = 10


def scrub_object(objects: ObjectsInPlace, path: str, rules: ScrubRules, *, again: bool = False) -> Rewritten:
    """Scrub one object: afterwards it is as it was, or scrubbed and tagged as processed, and nothing in between.

    An object that is tagged already is left alone, unless it is to be scrubbed ``again``. The numbers of its report are
    those of ``Rewritten``, blanked (values that were anything else before) and, where they were looked for, hidden
    (strings with JSON that holds such values).

    Raises:
        ObjectRefusedError: If a line of it is no JSON record, or it cannot be rewritten; it is then as it was.
        AccountingError: If a record would be lost or added; it is then as it was.
        OvertakenError: If it was written again each time that it was read.
        UnreachableError: If it cannot be read or written.
    """
    write = partial(_write_scrubbed, path=path, rules=rules)
    done = rewrite_object(objects, path, again=again, write=write, count=count_records)
    if done.status == "gone":
        return done
    # Nobody has looked for hidden fields in what others have tagged.
    if rules.verify or (done.status == "already" and rules.looks_first):
        done = proven(objects, done, rules)
    done = with_versions_seen_to(objects, done, delete=rules.old_versions == "delete")
    return replace(done, notes=rules.notes(hidden=hidden_in(done)))


def hidden_in(scrubbed: Rewritten) -> int:
    """Count the strings of an object that hide a field."""
    return scrubbed.numbers.get("hidden", 0)


def warn_of_hidden(scrubbed: Sequence[Rewritten], *, rules: ScrubRules) -> list[str]:
    """Name the objects that hide fields in strings, each with how many such strings it has."""
    named = [f"{found.path} ({hidden_in(found)})" for found in scrubbed if hidden_in(found)]
    if not named:
        return []
    more = f" and {len(named) - _NAMED_IN_A_WARNING} more objects" if len(named) > _NAMED_IN_A_WARNING else ""
    names = ", ".join(named[:_NAMED_IN_A_WARNING])
    return [f"fields to scrub are still there, in JSON inside strings of {names}{more}; {rules.advice()}"]


def _write_scrubbed(opened: Opened, body: BinaryIO, *, path: str, rules: ScrubRules) -> Content:
    """Write an object's scrubbed content, packed if it was; its records are counted before it is cut into lines."""
    head, pieces = peek(opened.pieces)
    packer: Any = zlib.compressobj(wbits=zlib.MAX_WBITS | 16) if is_gzip(head) else None
    records, lines = RecordCount(), _ScrubbedLines(path, rules)
    stream = records.counted(gunzip(pieces, piece_bytes=PIECE_BYTES) if packer else pieces)
    try:
        for block in blocks_of_lines(stream, max_record_bytes=rules.max_record_bytes):
            content = lines.scrub(block)
            body.write(packer.compress(content) if packer else content)
    except (DamagedGzipError, LongRecordError) as error:
        raise ObjectRefusedError({path: f"{error}; {_LEFT}"}) from None
    if packer:
        body.write(packer.flush())
    lines.hidden.refuse_if_asked(_LEFT)
    counts = Counts(read=records.records, written=records.records)
    numbers = {"blanked": lines.blanked} | ({"hidden": lines.hidden.count} if rules.looks_first else {})
    return Content(counts, is_same=not lines.blanked, numbers=numbers)


class _ScrubbedLines:
    """The lines of an object, scrubbed block by block; ``blanked`` values were anything else before."""

    def __init__(self, path: str, rules: ScrubRules) -> None:
        self._path, self._looks_first = path, rules.looks_first
        self._scrub: Callable[[bytes], tuple[bytes, int]] = rules.scrubber().scrub
        self.hidden = HiddenFields(path, rules)
        self.blanked = 0

    def scrub(self, block: Block) -> bytes:
        """Scrub some lines.

        Raises:
            ObjectRefusedError: If one of them is no JSON record, or still holds a field.
        """
        scrubbed = []
        for number, line in enumerate(block.lines, block.first_line):
            try:
                text, changed = self._scrub(line)
            except NotARecordError as error:
                raise ObjectRefusedError({self._path: f"line {number} is no JSON record: {error}; {_LEFT}"}) from None
            if self._looks_first and has_quote_inside(text):
                self.hidden.look(number, text)
            scrubbed.append(text)
            self.blanked += changed
        return b"\n".join(scrubbed) + (b"\n" if block.ends else b"")
