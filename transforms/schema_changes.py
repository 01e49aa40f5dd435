"""Changes of a table's columns, as plans classify them and receipts describe them."""

from dataclasses import dataclass
from typing import Final, Literal

#: refused: the table would have to be rebuilt; absent and reordered concern files, layout the whole table.
ChangeKind = Literal["added", "widened", "changed", "dropped", "renamed", "absent", "reordered", "refused", "layout"]

_SENTENCES: Final[dict[ChangeKind, str]] = {
    "added": "added {0.column} {0.after}{0.note}",
    "widened": "widened {0.column} from {0.before} to {0.after}",
    "changed": "changed {0.column} {0.after}{0.note}, was {0.before}",
    "dropped": "dropped {0.column}{0.note}",
    "renamed": "column {0.before!r} of the source is {0.column}",
    "absent": "{0.column} is absent from a file; the column stays",
    "reordered": "reordered: {0.column}",
    "refused": "column {0.column} is {0.before} in the table and {0.after} in the feed",
    "layout": "the table's layout is {0.before}, the feed's is {0.after}",
}


@dataclass(frozen=True)
class SchemaChange:
    """A change of a column; ``reordered`` names several, ``layout`` none.

    Attributes:
        before: Its former type, or, if it is renamed, its name at the source.
        after: Its new type.
        why: What causes or prevents the change, if that says more than its kind.
        note: The end of the sentence that describes it.
    """

    kind: ChangeKind
    column: str
    before: str = ""
    after: str = ""
    why: str = ""
    note: str = ""

    def __str__(self) -> str:
        """Describe the change in one sentence."""
        return _SENTENCES[self.kind].format(self)

    def report(self) -> dict[str, str]:
        """Return the change as data."""
        return {"change": self.kind, "column": self.column, "from": self.before, "to": self.after, "why": self.why}
