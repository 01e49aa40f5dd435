"""The table of docs/growth.md, generated from the results."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from bench.growth.law import follows_work
from bench.growth.results import RESULTS, ROOT, read_result

PAGE: Final = ROOT / "docs" / "growth.md"
BEGIN, END = "<!-- growth table -->", "<!-- end of growth table -->"
#: Columns of the table: key of a row, heading, and the growth that counts as noise (None: the column is not judged).
COLUMNS: Final = (
    ("seconds", "seconds", None),
    ("cpu_seconds", "CPU seconds", 1.0),
    ("driver_mb", "driver MB", 40.0),
    ("workers_mb", "workers MB", 200.0),
    ("requests", "requests", 0.0),
    ("state_bytes", "state kB", 4096.0),
    ("files", "files", 10.0),
)
#: What earlier steps leave behind; it grows with the units, even if the work of a step does not.
_ACCUMULATES: Final = ("state_bytes", "files")


def write_page() -> None:
    """Replace the table in the page."""
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}")


def table() -> str:
    """Return the table: one line per subject, step and state of the code, with one number per size."""
    head = ["what", "step", "sizes", "", *(heading for _, heading, _ in COLUMNS)]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for path in sorted(RESULTS.glob("*.json")):
        lines += _lines(read_result(path.stem))
    return "\n".join(lines)


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    measured = {when: _by_step(result[when]["rows"]) for when in ("before", "after") if when in result}
    steps = dict.fromkeys(step for steps in measured.values() for step in steps)
    for step in steps:
        for when, rows in ((when, steps[step]) for when, steps in measured.items() if step in steps):
            cells = [_cell(key, rows, least) for key, _, least in COLUMNS]
            sizes = _slashed([f"{row['units']:,}" for row in rows])
            yield f"| {result['title']} | {step} | {sizes} {result['unit']} | {when} | {' | '.join(cells)} |"


def _by_step(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    steps: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        steps.setdefault(row["step"], []).append(row)
    return steps


def _cell(key: str, rows: Sequence[Mapping[str, Any]], least: float | None) -> str:
    """Return the numbers of all sizes; bold if they grow faster than the work."""
    if any(key not in row for row in rows):
        return ""
    cost = [float(row[key]) for row in rows]
    is_flat = rows[0].get("flat") and key not in _ACCUMULATES
    work = [1.0 if is_flat else float(row["units"]) for row in rows]
    shown = _slashed([_number(key, value) for value in cost])
    is_fine = least is None or len(rows) < 3 or follows_work(work, cost, least=least)  # noqa: PLR2004
    return shown if is_fine else f"**{shown}**"


def _number(key: str, value: float) -> str:
    if key == "state_bytes":
        return f"{value / 1000:,.0f}"
    return f"{value:,.1f}" if "seconds" in key else f"{value:,.0f}"


def _slashed(texts: Sequence[str]) -> str:
    return " / ".join(texts)
