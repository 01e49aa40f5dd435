"""The flow of rows: geometry of the picture that leads from the rows read to what became of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

#: Kinds of rows in the order of the picture, and what is said about them.
OUTCOMES: Final = {
    "written": "in the table",
    "deleted": "deletes applied to the table",
    "superseded": "duplicates and older changes",
    "withheld": "not rejected, but not published",
    "rejected": "in quarantine",
    "skipped": "comments, footers, tombstones",
    "unaccounted": "without an outcome",
}
#: Height in which all rows fit, the least height of a ribbon, and the least height of an outcome, which fits two lines.
_HEIGHT: Final = 144.0
_THINNEST: Final = 2.5
_LABEL: Final = 60.0
_GAP: Final = 16.0
#: The middle of a label's first line.
_FIRST_LINE: Final = 10.0


@dataclass(frozen=True)
class Ribbon:
    """The rows of one outcome: from ``start`` on the left to ``top`` on the right, both downwards.

    Attributes:
        name: The outcome, a key of ``OUTCOMES``.
        rows: The number of rows.
        start: Where it begins on the left.
        top: Where it ends on the right.
        thickness: Its height on both sides.
        space: The height on the right that belongs to it.
    """

    name: str
    rows: int
    start: float
    top: float
    thickness: float
    space: float

    @property
    def words(self) -> str:
        """What became of the rows."""
        return OUTCOMES[self.name]

    @property
    def path(self) -> str:
        """The outline, 100 wide."""
        left, right, thick = self.start, self.top, self.thickness
        return (
            f"M0,{left:g}C50,{left:g} 50,{right:g} 100,{right:g}V{right + thick:g}"
            f"C50,{right + thick:g} 50,{left + thick:g} 0,{left + thick:g}Z"
        )


@dataclass(frozen=True)
class Flow:
    """All ribbons; an outcome without rows has none."""

    read: int
    ribbons: list[Ribbon]

    @property
    def height(self) -> float:
        """The height of the picture."""
        return sum(ribbon.space for ribbon in self.ribbons)

    @property
    def left_height(self) -> float:
        """The height of all ribbons on the left, where they touch."""
        return sum(ribbon.thickness for ribbon in self.ribbons)


def flow_of(counts: Mapping[str, int]) -> Flow:
    """Lay out the flow of rows.

    Ribbons are as thick as their share of the rows, but never thinner than can be seen. What a receipt leaves
    unaccounted for, as that of a run that failed may, is an outcome of its own.
    """
    rows = {name: max(counts.get(name, 0), 0) for name in OUTCOMES}
    rows["unaccounted"] = max(counts.get("read", 0) - sum(rows.values()), 0)
    total = sum(rows.values())
    ribbons: list[Ribbon] = []
    start = top = 0.0
    for name, number in rows.items():
        if number:
            thickness = round(max(number / total * _HEIGHT, _THINNEST), 2)
            space = max(_LABEL, thickness + _GAP)
            end = top + max(_FIRST_LINE - thickness / 2, 0)
            ribbons.append(Ribbon(name, number, round(start, 2), round(end, 2), thickness, space))
            start, top = start + thickness, round(top + space, 2)
    return Flow(counts.get("read", 0), ribbons)
