"""Measure how the cost of subjects grows, or write the table of docs/growth.md from the results.

``python -m bench.growth objects tables --sizes 1,4,16`` measures this checkout. With ``--before``, the rows are stored
as those before a change; ``--code CHECKOUT`` names the code to run. ``python -m bench.growth --page`` writes the table.
"""

import argparse
import importlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.growth.measure import measure
from bench.growth.page import write_page
from bench.growth.results import ROOT, write_result
from bench.growth.subject import Subject


def main() -> None:
    """Measure, print, and write results and table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*subjects(), []])
    parser.add_argument("--all", action="store_true", help="measure all subjects")
    parser.add_argument("--sizes", default="1,4,16", help="multiples of a subject's base, ascending")
    parser.add_argument("--code", type=Path, default=ROOT, help="the checkout to measure")
    parser.add_argument("--before", action="store_true", help="store the rows as those before a change")
    parser.add_argument("--page", action="store_true", help="write the table of docs/growth.md")
    parser.add_argument("--work", type=Path, help="folder for the lakes; a temporary one by default")
    options = parser.parse_args()
    sizes = [float(size) for size in options.sizes.split(",")]
    names = subjects() if options.all else options.names
    for name in names:
        subject: Subject = importlib.import_module(f"bench.growth.subjects.{name}").SUBJECT
        rows = []
        for row in measured(subject, sizes, options.code, options.work):
            print(name, row, flush=True)
            rows.append(row)
        about = {"title": subject.title, "unit": subject.unit}
        write_result(name, about, rows, is_before=options.before)
    if options.page or names:
        write_page()


def subjects() -> list[str]:
    """Return the names of all subjects."""
    folder = Path(__file__).parent / "subjects"
    return sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


def measured(subject: Subject, sizes: Sequence[float], code: Path, work: Path | None) -> Iterator[dict[str, Any]]:
    """Measure the steps of a subject at each size, in a lake of its own."""
    for size in sizes:
        units = round(size * subject.base)
        with tempfile.TemporaryDirectory(dir=work) as name:
            folder = Path(name)
            subject.make(folder, units)
            for step in subject.steps:
                if step.prepare is not None:
                    step.prepare(folder, units)
                cost = measure(step.command_in(folder), cwd=code, exit_codes=step.exit_codes)
                row = {"step": step.name, "units": units, **cost._asdict(), **subject.numbers(folder)}
                yield row | ({"flat": True} if step.is_flat else {})


if __name__ == "__main__":
    main()
