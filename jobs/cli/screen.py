"""The text output of verbs."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import typer

from jobs.cli.layout import print_record
from jobs.cli.screens.words import pairs, some
from lakewright.runs.progress import count_of, readable_bytes
from transforms.object_names import one_line

#: Characters of a rejected row.
_SHOWN_TEXT: Final = 500


def show_status(states: Sequence[Mapping[str, Any]]) -> None:
    """Print the states of targets."""
    for state in states:
        rows = {
            "last batch": _last_batch(state["last_batch"]),
            "open batch": str(state["open_batch"] or "none"),
            "waiting objects": str(state["waiting_objects"]),
            "waiting corrections": str(state["waiting_corrections"] or ""),
            "table": _table(state),
            "quarantine": _quarantine(state),
            "state of the job": pairs(state["properties"]),
        }
        print_record(f"status of {state['feed']} → {state['target']}", rows)


def show_quarantine(targets: Sequence[Mapping[str, Any]]) -> None:
    """Print rejected rows; long texts are cut."""
    for target in targets:
        print_record(f"quarantine of {target['feed']} → {target['target']}", {"rows": _quarantine(target)})
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


def show_jars(answer: Mapping[str, Any]) -> None:
    """Print where the jars are."""
    downloaded = f"{len(answer['downloaded'])} downloaded" if answer["downloaded"] else "all were there"
    typer.echo(f"{len(answer['jars'])} jars are in {answer['folder']} ({downloaded})")


def show_compactions(targets: Sequence[Mapping[str, Any]]) -> None:
    """Print compactions."""
    for target in targets:
        if target["error"]:
            continue
        title = f"compaction of {target['feed']} → {target['target']}"
        if "dry_run" in target:
            rows = {_merged_by(done): _merged(done) for done in target["compactions"]}
            print_record(title, rows or {"small files": "none to merge, nothing to do"})
            continue
        rows = {
            f"instant {done['instant']}": f"{count_of(done['log_files'], 'log file')} merged into "
            f"{count_of(done['base_files'], 'base file')} of {count_of(done['rows'], 'row')}\n"
            + some([path or "the whole table" for path in done["partitions"]])
            for done in target["compactions"]
        }
        print_record(title, rows or {"log files": "none, nothing to do"})


def _merged_by(done: Mapping[str, Any]) -> str:
    return f"batch {done['batch']}" if "batch" in done else "would merge"


def _merged(done: Mapping[str, Any]) -> str:
    """Describe a compaction of a Parquet table, or what one would do."""
    size = f", {readable_bytes(done['bytes'])}" if "bytes" in done else ""
    into = f"{'merged ' if 'batch' in done else ''}into {count_of(done['into'], 'file')}"
    return f"{count_of(done['files'], 'small file')} {into} of {count_of(done['rows'], 'row')}{size}\n" + some(
        [path or "the whole table" for path in done["partitions"]]
    )


def show_check(checked: Mapping[str, Any]) -> None:
    """Print the problems of feeds; if there are none, the columns that they rename."""
    feeds, problems = checked["feeds"], checked["problems"]
    for problem in problems:
        typer.echo(f"error: {problem}", err=True)
    if not problems:
        for feed, tables in checked["renamed_columns"].items():
            for table, rename in tables.items():
                names = ", ".join(f"{source!r} is {name}" for source, name in rename.items())
                typer.echo(f"columns of {feed} → {table}: {names}")
        verb = "is" if len(feeds) == 1 else "are"
        typer.echo(f"{count_of(len(feeds), 'feed')} {verb} valid: {', '.join(feeds)}")


def _quarantine(target: Mapping[str, Any]) -> str:
    rules = [f"{each['rule']}: {each['rows']} since {each['since']}" for each in target["quarantined"]]
    return "\n".join([count_of(target["quarantined_rows"], "row"), some(rules)])


def _reason(reason: Mapping[str, str | None]) -> str:
    at = f"{reason['column']}: " if reason["column"] else ""
    return one_line(f"{at}{reason['rule']}: {reason['words']}")


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
