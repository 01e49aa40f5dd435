"""The text of ``quarantine``, and of its size elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import typer

from jobs.cli.layout import print_record
from jobs.cli.screens.words import some
from lakewright.runs.progress import count_of
from transforms.object_names import one_line

#: Characters of a rejected row.
_SHOWN_TEXT: Final = 500


def show_quarantine(targets: Sequence[Mapping[str, Any]]) -> None:
    """Print rejected rows; long texts are cut."""
    for target in targets:
        print_record(f"quarantine of {target['feed']} → {target['target']}", {"rows": quarantine_lines(target)})
        for row in target["rows"]:
            text = row["text"]
            rows = {
                "because": "\n".join(_reason(reason) for reason in row["reasons"]),
                "text": one_line(text[:_SHOWN_TEXT]) + ("…" if len(text) > _SHOWN_TEXT else ""),
                "first seen": f"{row['first_seen']} by run {row['run']}",
            }
            print_record(f"{row['object']} at {row['position']}", rows)


def show_sheets(answers: Sequence[Mapping[str, Any]]) -> None:
    """Print what was written for correction."""
    for answer in answers:
        typer.echo(f"{count_of(answer['written_rows'], 'row')} of {answer['target']} written to {answer['file']}")


def quarantine_lines(target: Mapping[str, Any]) -> str:
    """Format the number of rejected rows of a target, and a line per rule."""
    rules = [f"{each['rule']}: {each['rows']} since {each['since']}" for each in target["quarantined"]]
    return "\n".join([count_of(target["quarantined_rows"], "row"), some(rules)])


def _reason(reason: Mapping[str, str | None]) -> str:
    at = f"{reason['column']}: " if reason["column"] else ""
    return one_line(f"{at}{reason['rule']}: {reason['words']}")
