"""The proof of a scrub: an object is read once more, with a parser that knows nothing of the scrubber."""

from dataclasses import replace

from lakewright.errors import AccountingError, DamagedGzipError, ObjectRefusedError, OvertakenError
from lakewright.in_place.rewrite import Rewritten
from lakewright.json.lines import PIECE_BYTES, blocks_of_lines
from lakewright.json.scrub_rules import ScrubRules
from lakewright.storage.gzip import gunzip, is_gzip, peek
from lakewright.storage.in_place import ObjectsInPlace
from lakewright.unexpected import cause_of
from transforms.errors import LongRecordError


class HiddenFields:
    """The strings of an object that hide a field, counted line by line."""

    def __init__(self, path: str, rules: ScrubRules) -> None:
        self._path, self._rules, self._proof = path, rules, rules.proof()
        self._first_line = 0
        self.count = 0

    def look(self, number: int, line: bytes) -> bool:
        """Look at a line; tell whether it is a record.

        Raises:
            ObjectRefusedError: If a field still holds anything but the replacement.
        """
        try:
            text = line.decode().removeprefix("\ufeff").strip(" \t\r\n")
            if not text:
                return False
            left = self._proof.look(text)
        except (ValueError, RecursionError) as error:
            raise ObjectRefusedError({self._path: f"line {number} cannot be read again: {cause_of(error)}"}) from None
        if left.holds:
            raise ObjectRefusedError({self._path: f"line {number} still holds a field that was to be scrubbed"})
        self._first_line = self._first_line or (number if left.hidden else 0)
        self.count += left.hidden
        return True

    def refuse_if_asked(self, what: str) -> None:
        """Refuse the object if it hides fields and the rules say so; ``what`` says what it is like now.

        Raises:
            ObjectRefusedError: If that is so.
        """
        if self.count and self._rules.on_hidden == "refuse":
            strings = (
                f"{self.count} strings, first in line {self._first_line}, hide"
                if self.count > 1
                else f"a string in line {self._first_line} hides"
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
    records = 0
    try:
        for block in blocks_of_lines(content, max_record_bytes=rules.max_record_bytes):
            for number, line in enumerate(block.lines, block.first_line):
                records += hidden.look(number, line)
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
