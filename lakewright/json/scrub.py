"""The scrub of one object of JSON records in place: the same for a Spark task, a Lambda and a test."""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO, Final

from lakewright.errors import DamagedGzipError, ObjectRefusedError
from lakewright.in_place.rewrite import Content, Rewritten, rewrite_object, with_versions_seen_to
from lakewright.json.lines import PIECE_BYTES, count_records, record_count
from lakewright.json.scrub_proof import proven
from lakewright.json.scrub_rules import ScrubRules
from lakewright.json.scrubbed import LEFT, ScrubbedRecords
from lakewright.log.records import Counts
from lakewright.storage.gzip import gunzip, is_gzip, peek
from lakewright.storage.in_place import ObjectsInPlace, Opened

_NAMED_IN_A_WARNING: Final = 10


def scrub_object(objects: ObjectsInPlace, path: str, rules: ScrubRules, *, again: bool = False) -> Rewritten:
    """Scrub one object: afterwards it is as it was, or scrubbed and tagged as processed, and nothing in between.

    An object that is tagged already is left alone, unless it is to be scrubbed ``again``. The numbers of its report are
    those of ``Rewritten``, blanked (values that were anything else before) and, where they were looked for, hidden
    (strings with JSON that holds such values).

    Raises:
        ObjectRefusedError: If a record of it is none, or it cannot be rewritten; it is then as it was.
        AccountingError: If a record would be lost or added; it is then as it was.
        OvertakenError: If it was written again each time that it was read.
        UnreachableError: If it cannot be read or written.
    """
    write = partial(_write_scrubbed, path=path, rules=rules)
    done = rewrite_object(objects, path, again=again, write=write, count=partial(count_records, records=rules.records))
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
    """Write an object's scrubbed content, packed if it was; its records are counted before it is split."""
    head, pieces = peek(opened.pieces)
    packer: Any = zlib.compressobj(wbits=zlib.MAX_WBITS | 16) if is_gzip(head) else None
    count, scrubbed = record_count(rules.records), ScrubbedRecords(path, rules)
    stream = count.counted(gunzip(pieces, piece_bytes=PIECE_BYTES) if packer else pieces)
    try:
        for content in scrubbed.contents(stream):
            body.write(packer.compress(content) if packer else content)
    except DamagedGzipError as error:
        raise ObjectRefusedError({path: f"{error}; {LEFT}"}) from None
    if packer:
        body.write(packer.flush())
    scrubbed.hidden.refuse_if_asked(LEFT)
    counts = Counts(read=count.records, written=count.records)
    numbers = {"blanked": scrubbed.blanked} | ({"hidden": scrubbed.hidden.count} if rules.looks_first else {})
    return Content(counts, is_same=not scrubbed.blanked, numbers=numbers)
