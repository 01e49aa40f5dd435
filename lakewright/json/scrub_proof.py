"""The proof of a scrub: an object is read once more, with a parser that knows nothing of the scrubber."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from lakewright.errors import AccountingError, DamagedGzipError, ObjectRefusedError, OvertakenError
from lakewright.in_place.rewrite import Rewritten
from lakewright.json.lines import PIECE_BYTES, blocks_of_lines
from lakewright.json.scrub_rules import ScrubRules
from lakewright.storage.gzip import gunzip, is_gzip, peek
from lakewright.storage.in_place import ObjectsInPlace
from lakewright.unexpected import cause_of
from transforms.errors import LongRecordError
from transforms.json.proof import DECODER, Left
from transforms.json.values import read_values


class HiddenFields:
    """The strings of an object that hide a field, counted record by record."""

    def __init__(self, path: str, rules: ScrubRules) -> None:
        self._path, self._rules, self._proof = path, rules, rules.proof()
        self._unit = "line" if rules.records == "lines" else "record"
        self._first = 0
        self.count = 0

    def look(self, number: int, record: bytes) -> bool:
        """Look at what is a record or, in lines, may be one; tell whether it is.

        Raises:
            ObjectRefusedError: If a field still holds anything but the replacement.
        """
        try:
            text = record.decode().removeprefix("\ufeff").strip(" \t\r\n")
            if not text:
                return False
            left = self._proof.look(text)
        except (ValueError, RecursionError) as error:
            raise self.unreadable(number, error) from None
        self._note(number, left)
        return True

    def look_at(self, number: int, record: Any) -> None:
        """Look at a record that ``transforms.json.proof.DECODER`` has parsed.

        Raises:
            ObjectRefusedError: If a field still holds anything but the replacement.
            RecursionError: If it is nested too deeply.
        """
        self._note(number, self._proof.look_at(record))

    def unreadable(self, number: int, error: Exception) -> ObjectRefusedError:
        """Say that a record cannot be read again."""
        return ObjectRefusedError({self._path: f"{self._unit} {number} cannot be read again: {cause_of(error)}"})

    def _note(self, number: int, left: Left) -> None:
        if left.holds:
            said = f"{self._unit} {number} still holds a field that was to be scrubbed"
            raise ObjectRefusedError({self._path: said})
        self._first = self._first or (number if left.hidden else 0)
        self.count += left.hidden

    def refuse_if_asked(self, what: str) -> None:
        """Refuse the object if it hides fields and the rules say so; ``what`` says what it is like now.

        Raises:
            ObjectRefusedError: If that is so.
        """
        if self.count and self._rules.on_hidden == "refuse":
            strings = (
                f"{self.count} strings, first in {self._unit} {self._first}, hide"
                if self.count > 1
                else f"a string in {self._unit} {self._first} hides"
            )
            raise ObjectRefusedError(
                {self._path: f"{strings} a field to scrub in JSON; {self._rules.advice()}; {what}"}
            )


def proven(objects: ObjectsInPlace, done: Rewritten, rules: ScrubRules) -> Rewritten:
    """Read an object that is done once more; its report then also counts the strings that hide a field.

    An object that was written again since is another one's work: its report stays as it is.

    Raises:
        ObjectRefusedError: If a field still holds anything but the replacement, or is hidden and must not be.
        AccountingError: If it has another number of records than were written.
    """
    opened = objects.open(done.path)
    if opened is None or opened.etag != done.etag:
        return done
    head, pieces = peek(opened.pieces)
    content = gunzip(pieces, piece_bytes=PIECE_BYTES) if is_gzip(head) else pieces
    hidden = HiddenFields(done.path, rules)
    try:
        records = _look(hidden, content, rules)
    except OvertakenError:  # written again while it was read
        return done
    except (DamagedGzipError, LongRecordError) as error:
        raise ObjectRefusedError({done.path: f"{error}; the object was left as it was"}) from None
    hidden.refuse_if_asked("the object is marked as processed")
    if done.status == "already":
        return replace(done, numbers=done.numbers | ({"hidden": hidden.count} if hidden.count else {}))
    if records != done.in_place:
        raise AccountingError(f"{done.in_place} records were put in place, and {records} are read there")
    return replace(done, numbers=done.numbers | {"hidden": hidden.count})


def _look(hidden: HiddenFields, content: Iterable[bytes], rules: ScrubRules) -> int:
    """Look at all records of an object, and count them."""
    limit, records = rules.max_record_bytes, 0
    if rules.records == "lines":
        for block in blocks_of_lines(content, max_record_bytes=limit):
            for number, line in enumerate(block.lines, block.first_line):
                records += hidden.look(number, line)
        return records
    try:
        for value in read_values(content, rules.records, max_record_bytes=limit, decoder=DECODER):
            hidden.look_at(records + 1, value)
            records += 1
    except (ValueError, RecursionError) as error:
        raise hidden.unreadable(records + 1, error) from None
    return records
