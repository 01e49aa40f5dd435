"""The schema of rejected rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import pyarrow as pa

from lakewright.quarantine.place import QuarantinePlace
from lakewright.quarantine.words import words_of

REASON: Final = pa.struct([("rule", pa.string()), ("column", pa.string()), ("words", pa.string())])
#: The columns of every quarantine file; object, etag and position identify a row.
QUARANTINE: Final = pa.schema(
    [
        ("object", pa.string()),
        ("etag", pa.string()),
        ("position", pa.int64()),
        ("reasons", pa.list_(REASON)),
        ("text", pa.string()),
        ("fields", pa.map_(pa.string(), pa.string())),
        ("first_seen", pa.date32()),
        ("run", pa.string()),
    ]
)


class Reason(NamedTuple):
    """Why a row is rejected.

    Attributes:
        rule: The rule that it breaks.
        column: The column at fault; None if it is the whole row.
        words: What the rule means, if ``words_of`` does not know it.
    """

    rule: str
    column: str | None = None
    words: str = ""

    @property
    def name(self) -> str:
        """The rule and its column, as receipts name them."""
        return rule_name(self.rule, self.column)


class RejectedRow(NamedTuple):
    """A rejected row of an object.

    Attributes:
        position: Where it begins: a byte offset, a line or a row, depending on the job.
        text: The record as written.
        fields: Its values as text, by column of the source; None if it has no such columns.
    """

    position: int
    reasons: Sequence[Reason]
    text: str
    fields: Mapping[str, str | None] | None = None


def rule_name(rule: str, column: str | None) -> str:
    """Return the name of a broken rule in receipts."""
    return f"{column}: {rule}" if column else rule


def quarantine_table(rows: Sequence[RejectedRow], path: str, etag: str, place: QuarantinePlace) -> pa.Table:
    """Return rejected rows of one object as a table with the columns of ``QUARANTINE``."""
    columns = {
        "object": pa.repeat(path, len(rows)),
        "etag": pa.repeat(etag, len(rows)),
        "position": [row.position for row in rows],
        "reasons": [list(map(_as_struct, row.reasons)) for row in rows],
        "text": [row.text for row in rows],
        "fields": [None if row.fields is None else list(row.fields.items()) for row in rows],
        "first_seen": pa.repeat(place.first_seen_of(path, etag), len(rows)),
        "run": pa.repeat(place.run, len(rows)),
    }
    return pa.table(columns, schema=QUARANTINE)


def count_rules(rows: Iterable[RejectedRow]) -> Iterable[str]:
    """Return the name of each broken rule of each row."""
    return (reason.name for row in rows for reason in row.reasons)


def _as_struct(reason: Reason) -> tuple[str, str | None, str]:
    return reason.rule, reason.column, reason.words or words_of(reason.rule)
