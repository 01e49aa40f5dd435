"""Scrub one object of JSON records in place: in a worker, a Lambda or a test."""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO, Final

from lakewright.errors import DamagedGzipError, ObjectRefusedError
from lakewright.in_place.rewrite import Content, Rewritten, rewrite_object, with_versions_seen_to
from lakewright.json.lines import PIECE_BYTES, count_records, record_count
from lakewright.json.scrub_proof import verify_scrub
from lakewright.json.scrub_rules import ScrubRules
from lakewright.json.scrubbed import LEFT, ScrubbedRecords
from lakewright.log.records import Counts
from lakewright.storage.compression.gzip import gunzip, is_gzip, peek
from lakewright.storage.in_place import ObjectsInPlace, Opened

_NAMED_IN_A_WARNING: Final = 10


def scrub_object(objects: ObjectsInPlace, path: str, rules: ScrubRules, *, again: bool = False) -> Rewritten:
    """Scrub one object: it ends up either unchanged, or scrubbed and tagged as processed.

    An object that is already tagged is skipped unless ``again`` is set. The report has the numbers of ``Rewritten``,
    blanked (values that differed from the replacement) and, if the rules look for them, hidden (strings that contain
    such values in JSON).

    Raises:
        ObjectRefusedError: If it has an invalid record, or cannot be rewritten; it is left unchanged.
        AccountingError: If a record would be lost or added; it is left unchanged.
        OvertakenError: If it was rewritten by others on every attempt.
        UnreachableError: If it cannot be read or written.
    """
    write = partial(_write_scrubbed, path=path, rules=rules)
    report = rewrite_object(
        objects, path, again=again, write=write, count=partial(count_records, records=rules.records)
    )
    if report.status == "gone":
        return report
    # Objects tagged by others have not been searched for hidden fields.
    if rules.verify or (report.status == "already" and rules.looks_first):
        report = verify_scrub(objects, report, rules)
    report = with_versions_seen_to(objects, report, delete=rules.old_versions == "delete")
    return replace(report, notes=rules.notes(hidden=hidden_in(report)))


def hidden_in(scrubbed: Rewritten) -> int:
    """Return the number of strings of an object that hide a field."""
    return scrubbed.numbers.get("hidden", 0)


def warn_of_hidden(scrubbed: Sequence[Rewritten], *, rules: ScrubRules) -> list[str]:
    """Warn of objects with fields hidden in strings, with the number of such strings."""
    hiding = [f"{report.path} ({hidden_in(report)})" for report in scrubbed if hidden_in(report)]
    if not hiding:
        return []
    more = f" and {len(hiding) - _NAMED_IN_A_WARNING} more objects" if len(hiding) > _NAMED_IN_A_WARNING else ""
    names = ", ".join(hiding[:_NAMED_IN_A_WARNING])
    return [f"fields to scrub remain in JSON inside strings of {names}{more}; {rules.advice()}"]


def _write_scrubbed(opened: Opened, body: BinaryIO, *, path: str, rules: ScrubRules) -> Content:
    """Write an object's scrubbed content, compressed like the input; records are counted before the stream is split."""
    head, pieces = peek(opened.pieces)
    compressor: Any = zlib.compressobj(wbits=zlib.MAX_WBITS | 16) if is_gzip(head) else None
    count, scrubbed = record_count(rules.records), ScrubbedRecords(path, rules)
    stream = count.counted(gunzip(pieces, piece_bytes=PIECE_BYTES) if compressor else pieces)
    try:
        for content in scrubbed.contents(stream):
            body.write(compressor.compress(content) if compressor else content)
    except DamagedGzipError as error:
        raise ObjectRefusedError({path: f"{error}; {LEFT}"}) from None
    if compressor:
        body.write(compressor.flush())
    scrubbed.hidden.refuse_if_configured(LEFT)
    counts = Counts(read=count.records, written=count.records)
    numbers = {"blanked": scrubbed.blanked} | ({"hidden": scrubbed.hidden.count} if rules.looks_first else {})
    return Content(counts, is_same=not scrubbed.blanked, numbers=numbers)
