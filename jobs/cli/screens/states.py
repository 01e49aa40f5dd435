"""The text of ``status`` and ``schema``."""

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.cli.layout import print_record
from jobs.cli.screens.quarantine import quarantine_lines
from jobs.cli.screens.words import pairs, some
from lakewright.runs.progress import count_of, readable_bytes


def show_status(states: Sequence[Mapping[str, Any]]) -> None:
    """Print the states of targets."""
    for state in states:
        rows = {
            "last batch": _last_batch(state["last_batch"]),
            "open batch": str(state["open_batch"] or "none"),
            "waiting objects": str(state["waiting_objects"]),
            "waiting corrections": str(state["waiting_corrections"] or ""),
            "table": _table(state),
            "quarantine": quarantine_lines(state),
            "state of the job": pairs(state["properties"]),
        }
        print_record(f"status of {state['feed']} → {state['target']}", rows)


def show_schemas(schemas: Sequence[Mapping[str, Any]]) -> None:
    """Print schemas and their versions."""
    for schema in schemas:
        rows = {
            f"version {version['version']}, {version['day']}": some(
                [f"batch {version['batch']} of run {version['run']}, {version['columns']} columns", *version["changes"]]
            )
            for version in schema["versions"]
        }
        sources = {name: f" from {source!r}" for name, source in schema["sources"].items()}
        columns = [f"{name} {kind}{sources.get(name, '')}" for name, kind in schema["columns"].items()]
        print_record(
            f"schema of {schema['feed']} → {schema['target']}", {"columns": "\n".join(columns) or "no table yet"} | rows
        )


def _last_batch(last: Mapping[str, Any] | None) -> str:
    if last is None:
        return "none"
    reason = f": {last['reason']}" if last["reason"] else ""
    return f"{last['number']}, {last['status']} by run {last['run']}{reason}"


def _table(state: Mapping[str, Any]) -> str:
    last = state["last_batch"] or {}
    if not state["files"] and "table_commit" in last:
        return f"Hudi, last commit {last['table_commit'].get('instant', '')}"  # Hudi knows its files, the log does not
    files = f"{count_of(state['files'], 'file')}, {readable_bytes(state['bytes'])}"
    return f"{count_of(state['rows'], 'row')} in {files}"
