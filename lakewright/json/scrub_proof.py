"""Verification of a scrub: read the object again, with a parser that is independent of the scrubber."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from lakewright.errors import AccountingError, DamagedGzipError, ObjectRefusedError, OvertakenError, cause_of
from lakewright.in_place.rewrite import Rewritten
from lakewright.json.lines import PIECE_BYTES, blocks_of_lines
from lakewright.json.scrub_rules import ScrubRules
from lakewright.storage.gzip import gunzip, is_gzip, peek
from lakewright.storage.in_place import ObjectsInPlace
from transforms.errors import LongRecordError
from transforms.json.proof import DECODER, Left
from transforms.json.values import read_values


class HiddenFields:
    """Counts the strings of an object that hide a field, record by record."""

    def __init__(self, path: str, rules: ScrubRules) -> None:
        self._path, self._rules, self._proof = path, rules, rules.proof()
        self._unit = "line" if rules.records == "lines" else "record"
        self._first = 0
        self.count = 0

    def look(self, number: int, record: bytes) -> bool:
        """Check a record or a line; return whether it is a record, and not a blank line.

        Raises:
            ObjectRefusedError: If it cannot be parsed, or a field has a value other than the replacement.
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
        """Check a record that ``transforms.json.proof.DECODER`` has parsed.

        Raises:
            ObjectRefusedError: If a field has a value other than the replacement.
            RecursionError: If it is nested too deeply.
        """
        self._note(number, self._proof.look_at(record))

    def unreadable(self, number: int, error: Exception) -> ObjectRefusedError:
        """Return the error for a record that cannot be parsed."""
        return ObjectRefusedError({self._path: f"{self._unit} {number} cannot be verified: {cause_of(error)}"})

    def _note(self, number: int, left: Left) -> None:
        if left.holds:
            raise ObjectRefusedError({self._path: f"{self._unit} {number} still contains a field to scrub"})
        self._first = self._first or (number if left.hidden else 0)
        self.count += left.hidden

    def refuse_if_asked(self, status: str) -> None:
        """Refuse the object if it hides fields and the rules say so; ``status`` says what happened to the object.

        Raises:
            ObjectRefusedError: If it does, and ``on_hidden`` is ``refuse``.
        """
        if self.count and self._rules.on_hidden == "refuse":
            strings = (
                f"{self.count} strings, first in {self._unit} {self._first}, hide"
                if self.count > 1
                else f"a string in {self._unit} {self._first} hides"
            )
            raise ObjectRefusedError(
                {self._path: f"{strings} a field to scrub in JSON; {self._rules.advice()}; {status}"}
            )


def proven(objects: ObjectsInPlace, done: Rewritten, rules: ScrubRules) -> Rewritten:
    """Read a finished object again; its report then also counts the strings that hide a field.

    If others have rewritten the object since, its report is returned unchanged.

    Raises:
        ObjectRefusedError: If a field has a value other than the replacement, or is hidden and the rules refuse that.
        AccountingError: If its record count differs from the number written.
    """
    opened = objects.open(done.path)
    if opened is None or opened.etag != done.etag:
        return done
    head, pieces = peek(opened.pieces)
    content = gunzip(pieces, piece_bytes=PIECE_BYTES) if is_gzip(head) else pieces
    hidden = HiddenFields(done.path, rules)
    try:
        records = _look(hidden, content, rules)
    except OvertakenError:  # rewritten while it was read
        return done
    except (DamagedGzipError, LongRecordError) as error:
        raise ObjectRefusedError({done.path: f"{error}; the object was left unchanged"}) from None
    hidden.refuse_if_asked("the object is tagged as processed")
    if done.status == "already":
        return replace(done, numbers=done.numbers | ({"hidden": hidden.count} if hidden.count else {}))
    if records != done.in_place:
        raise AccountingError(f"{done.in_place} records were written, but {records} are read back")
    return replace(done, numbers=done.numbers | {"hidden": hidden.count})


def _look(hidden: HiddenFields, content: Iterable[bytes], rules: ScrubRules) -> int:
    """Check all records of an object, and return their number."""
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
