"""The results of a subject: one JSON file with what was measured before a change and after it."""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
RESULTS: Final = ROOT / "bench" / "results" / "growth"


def read_result(name: str) -> dict[str, Any]:
    """Return the result of a subject; empty if there is none."""
    path = RESULTS / f"{name}.json"
    result: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return result


def write_result(name: str, about: Mapping[str, str], rows: Sequence[Mapping[str, Any]], *, is_before: bool) -> None:
    """Replace the rows before or after a change, and keep the others."""
    machine = {
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
    }
    measured = {"date": datetime.now(UTC).date().isoformat(), "machine": machine, "rows": list(rows)}
    kept = {when: each for when, each in read_result(name).items() if when in ("before", "after")}
    document = {"name": name, **about, **kept, "before" if is_before else "after": measured}
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n")
