"""Verification of a scrub: read the object again, with a parser that is independent of the scrubber."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from lakewright.errors import AccountingError, DamagedGzipError, ObjectRefusedError, OvertakenError
from lakewright.in_place.rewrite import Rewritten
from lakewright.json.lines import PIECE_BYTES, blocks_of_lines
from lakewright.json.scrub_rules import ScrubRules
from lakewright.storage.compression.gzip import uncompressed
from lakewright.storage.in_place import ObjectsInPlace
from lakewright.unexpected import cause_of
from transforms.errors import LongRecordError
from transforms.json.proof import DECODER, Remains
from transforms.json.values import read_values


class HiddenFields:
    """Counts the strings of an object that hide a field, record by record."""

    def __init__(self, path: str, rules: ScrubRules) -> None:
        self._path, self._rules, self._proof = path, rules, rules.proof()
        self._unit = "line" if rules.records == "lines" else "record"
        self._first = 0
        self.count = 0

    def check(self, number: int, record: bytes) -> bool:
        """Check a record or a line; return whether it is a record, and not a blank line.

        Raises:
            ObjectRefusedError: If it cannot be parsed, or a field has a value other than the replacement.
        """
        try:
            text = record.decode().removeprefix("\ufeff").strip(" \t\r\n")
            if not text:
                return False
            remains = self._proof.check(text)
        except (ValueError, RecursionError) as error:
            raise self.unreadable(number, error) from None
        self._note(number, remains)
        return True

    def check_parsed(self, number: int, record: Any) -> None:
        """Check a record that ``transforms.json.proof.DECODER`` has parsed.

        Raises:
            ObjectRefusedError: If a field has a value other than the replacement.
            RecursionError: If it is nested too deeply.
        """
        self._note(number, self._proof.check_parsed(record))

    def unreadable(self, number: int, error: Exception) -> ObjectRefusedError:
        """Return the error for a record that cannot be parsed."""
        return ObjectRefusedError({self._path: f"{self._unit} {number} cannot be verified: {cause_of(error)}"})

    def _note(self, number: int, remains: Remains) -> None:
        if remains.unscrubbed:
            raise ObjectRefusedError({self._path: f"{self._unit} {number} still contains a field to scrub"})
        self._first = self._first or (number if remains.hidden else 0)
        self.count += remains.hidden

    def refuse_if_configured(self, status: str) -> None:
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


def verify_scrub(objects: ObjectsInPlace, report: Rewritten, rules: ScrubRules) -> Rewritten:
    """Read a finished object again; its report then also counts the strings that hide a field.

    If others have rewritten the object since, its report is returned unchanged.

    Raises:
        ObjectRefusedError: If a field has a value other than the replacement, or is hidden and the rules refuse that.
        AccountingError: If its record count differs from the number written.
    """
    opened = objects.open(report.path)
    if opened is None or opened.etag != report.etag:
        return report
    content = uncompressed(opened.pieces, piece_bytes=PIECE_BYTES)
    hidden = HiddenFields(report.path, rules)
    try:
        records = _check(hidden, content, rules)
    except OvertakenError:  # rewritten while it was read
        return report
    except (DamagedGzipError, LongRecordError) as error:
        raise ObjectRefusedError({report.path: f"{error}; the object was left unchanged"}) from None
    hidden.refuse_if_configured("the object is tagged as processed")
    if report.status == "already":
        return replace(report, numbers=report.numbers | ({"hidden": hidden.count} if hidden.count else {}))
    if records != report.in_place:
        raise AccountingError(f"{report.in_place} records were written, but {records} are read back")
    return replace(report, numbers=report.numbers | {"hidden": hidden.count})


def _check(hidden: HiddenFields, content: Iterable[bytes], rules: ScrubRules) -> int:
    """Check all records of an object, and return their number."""
    limit, records = rules.max_record_bytes, 0
    if rules.records == "lines":
        for block in blocks_of_lines(content, max_record_bytes=limit):
            for number, line in enumerate(block.lines, block.first_line):
                records += hidden.check(number, line)
        return records
    try:
        for value in read_values(content, rules.records, max_record_bytes=limit, decoder=DECODER):
            hidden.check_parsed(records + 1, value)
            records += 1
    except (ValueError, RecursionError) as error:
        raise hidden.unreadable(records + 1, error) from None
    return records
