"""The rejected rows of a target, as its quarantine holds them."""

from collections.abc import Mapping
from dataclasses import dataclass

from lakewright.log.actions import TableState
from lakewright.parquet.arrow import read_file
from lakewright.storage.lake import Lake

#: Object, ETag and position of a row.
RowKey = tuple[str, str, int]

_COLUMNS = ("object", "etag", "position", "reasons", "text", "fields")


@dataclass(frozen=True)
class RejectedRow:
    """A row in quarantine; ``fields`` are None if its record could not be divided into fields."""

    key: RowKey
    rules: frozenset[str]
    text: str
    fields: Mapping[str, str | None] | None


def read_rejected(lake: Lake, state: TableState, *, rule: str = "") -> dict[RowKey, RejectedRow]:
    """Read the rejected rows, or those that broke a rule, in the order of their positions."""
    rows: dict[RowKey, RejectedRow] = {}
    for path in sorted(state.quarantine):
        for row in read_file(lake, path, _COLUMNS).to_pylist():
            key = (row["object"], row["etag"], row["position"])
            fields = None if row["fields"] is None else dict(row["fields"])
            rejected = RejectedRow(key, frozenset(reason["rule"] for reason in row["reasons"]), row["text"], fields)
            if not rule or rule in rejected.rules:
                rows[key] = rejected
    return dict(sorted(rows.items()))
