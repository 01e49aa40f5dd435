"""The text output of verbs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import typer

from jobs.cli.layout import print_record
from lakewright.quality.result import ExpectationResult, describe
from lakewright.runs.progress import count_of, readable_bytes
from transforms.object_names import one_line

_SHOWN: int = 10
#: Characters of a rejected row.
_SHOWN_TEXT: Final = 500
#: Shorter stages are omitted.
_SHOWN_SECONDS: Final = 0.1
_OF_EVERY_BATCH: Final = (
    "number",
    "status",
    "reason",
    "processing_date",
    "config_hash",
    "inputs",
    "outputs",
    "removed",
    "quarantined",
    "counts",
    "rules",
    "skipped",
    "gates",
)


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
            "state of the job": _pairs(state["properties"]),
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


def show_receipts(receipts: Sequence[Mapping[str, Any]]) -> None:
    """Print receipts."""
    for receipt in receipts:
        outputs = [path for batch in receipt["batches"] for path in batch["outputs"]]
        inputs = [source["path"] for batch in receipt["batches"] for source in batch["inputs"]]
        rows = {
            "run": receipt["run"],
            "status": f"{receipt['status']} (exit code {receipt['exit_code']})",
            "engine": _engine(receipt["engine"]),
            "rows": row_sum(receipt["counts"]),
            "replayed": _some([f"{name.replace('_', ' ')} ({count})" for name, count in receipt["replayed"].items()]),
            "corrections": _some(receipt["corrections"]),
            "rejected because": _some(_broken_rules(receipt["rules"], receipt["first_rejected"])),
            "skipped": _some([f"{kind} ({count})" for kind, count in receipt["skipped"].items()]),
            "objects in": _some(inputs),
            "files out": _some(outputs),
            "gate": "\n".join(gate_lines(batch["gates"]) for batch in receipt["batches"] if batch.get("gates")),
            **_reported_by_actions(receipt["batches"]),
            "refused": _some([f"{path}: {why}" for path, why in receipt["refused"].items()]),
            "ignored": _some([f"{path}: {why}" for path, why in receipt["ignored"].items()]),
            "extra columns": _some(list(receipt["extra_columns"])),
            "dropped columns": _some(receipt["dropped_columns"]),
            "schema changes": _some(receipt["schema_changes"]),
            "warnings": _some(receipt["warnings"]),
            "catalog": receipt["catalog"],
            "time": _time(receipt["seconds"]),
        }
        print_record(f"receipt of {receipt['feed']} → {receipt['target']}", rows)


def show_schemas(schemas: Sequence[Mapping[str, Any]]) -> None:
    """Print schemas and their versions."""
    for schema in schemas:
        rows = {
            f"version {version['version']}, {version['day']}": _some(
                [f"batch {version['batch']} of run {version['run']}, {version['columns']} columns", *version["changes"]]
            )
            for version in schema["versions"]
        }
        sources = {name: f" from {source!r}" for name, source in schema["sources"].items()}
        columns = [f"{name} {kind}{sources.get(name, '')}" for name, kind in schema["columns"].items()]
        print_record(
            f"schema of {schema['feed']} → {schema['target']}", {"columns": "\n".join(columns) or "no table yet"} | rows
        )


def show_gates(targets: Sequence[Mapping[str, Any]]) -> None:
    """Print the results of gates: every expectation of the last batch."""
    for target in targets:
        batch, gates = target["batch"], target["gates"]
        rows = {"last judged batch": f"{batch['number']}, {batch['status']}" if batch else "none"}
        if gates:
            rows["verdict"] = gate_lines(gates).partition("\n")[0]
            rows["expectations"] = "\n".join(map(_result, gates["results"]))
        else:
            rows["verdict"] = f"none: {_why_not_judged(target)}"
        rows["Data Docs"] = target.get("docs", "")
        print_record(f"gate of {target['feed']} → {target['target']}", rows)


def _why_not_judged(target: Mapping[str, Any]) -> str:
    if not target["has_gate"]:
        return "no gate"
    if target["not_searched_batches"]:
        return f"none of the last {target['searched_batches']} batches has been judged"
    return "no batch has been judged"


def gate_lines(gates: Mapping[str, Any]) -> str:
    """Format a verdict, and a line for each expectation that refuses the batch; others are shown elsewhere."""
    results = gates["results"]
    unmet = [result for result in results if not result["success"]]
    refusing = [result for result in unmet if _refuses(result)]
    rejecting = [result for result in unmet if result["on_failure"] == "reject_rows" and not _refuses(result)]
    figures = [f"suite {gates['suite']}", count_of(gates["rows"], "row"), *_rejections(rejecting)]
    if others := len(results) - len(rejecting):
        noun = "other expectation" if rejecting else "expectation"
        figures.append(f"{len(results) - len(unmet)} of {count_of(others, noun)} met")
    return "\n".join([f"{gates['verdict']} ({', '.join(figures)})", *map(_result, refusing)])


def _rejections(rejecting: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say how many rows expectations have rejected; the same row can be among those of several."""
    if len(rejecting) > 1:
        return [f"rows rejected by {len(rejecting)} expectations"]
    return [f"{count_of(result['unexpected_count'], 'row')} rejected" for result in rejecting]


def _refuses(result: Mapping[str, Any]) -> bool:
    """Return whether an unmet expectation refuses the batch: one that rejects rows does if it cannot be evaluated."""
    kind = result["on_failure"]
    return kind == "refuse_batch" or (kind == "reject_rows" and "exception" in result)


def _result(result: Mapping[str, Any]) -> str:
    of_failure = {"warn": "warning", "reject_rows": "rows rejected"}
    unmet = "not met" if _refuses(result) else of_failure[result["on_failure"]]
    met = "met" if result["success"] else unmet
    by = "" if result["engine"] == "sql" else " (Great Expectations)"
    return f"{met}: {describe(msgspec.convert(result, ExpectationResult))}{by}"


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
            + _some([path or "the whole table" for path in done["partitions"]])
            for done in target["compactions"]
        }
        print_record(title, rows or {"log files": "none, nothing to do"})


def _merged_by(done: Mapping[str, Any]) -> str:
    return f"batch {done['batch']}" if "batch" in done else "would merge"


def _merged(done: Mapping[str, Any]) -> str:
    """Describe a compaction of a Parquet table, or what one would do."""
    size = f", {readable_bytes(done['bytes'])}" if "bytes" in done else ""
    into = f"{'merged ' if 'batch' in done else ''}into {count_of(done['into'], 'file')}"
    return f"{count_of(done['files'], 'small file')} {into} of {count_of(done['rows'], 'row')}{size}\n" + _some(
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


def row_sum(counts: Mapping[str, int]) -> str:
    """Format row counts: ``11 read = 8 written + 3 rejected``; empty if no rows were read."""
    parts = [f"{count} {name}" for name, count in counts.items() if count and name not in ("read", "rekeyed")]
    rekeyed = f"; {count_of(counts['rekeyed'], 'old key')} deleted" if counts["rekeyed"] else ""
    return f"{counts['read']} read = {' + '.join(parts)}{rekeyed}" if counts["read"] else ""


def _quarantine(target: Mapping[str, Any]) -> str:
    rules = [f"{each['rule']}: {each['rows']} since {each['since']}" for each in target["quarantined"]]
    return "\n".join([count_of(target["quarantined_rows"], "row"), _some(rules)])


def _reason(reason: Mapping[str, str | None]) -> str:
    at = f"{reason['column']}: " if reason["column"] else ""
    return one_line(f"{at}{reason['rule']}: {reason['words']}")


def _engine(engine: Mapping[str, str]) -> str:
    return f"{engine['name']} ({engine['version']}): {engine['why']}" if engine else ""


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


def _time(seconds: Mapping[str, float]) -> str:
    stages = ", ".join(f"{stage} {spent:.1f} s" for stage, spent in seconds.items() if spent >= _SHOWN_SECONDS)
    return f"{sum(seconds.values()):.1f} s" + (f": {stages}" if stages else "")


def _reported_by_actions(batches: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the reports of actions other than files: counts are summed, everything else is one line per batch."""
    rows: dict[str, str] = {}
    for name in dict.fromkeys(name for batch in batches for name in batch if name not in _OF_EVERY_BATCH):
        reported = [batch[name] for batch in batches if batch.get(name)]
        counts: Counter[str] = Counter()
        for each in reported:
            for count in each.values() if all(isinstance(value, Mapping) for value in each.values()) else [each]:
                counts.update({key: value for key, value in count.items() if isinstance(value, int)})
        is_counted = all(isinstance(value, int | Mapping) for each in reported for value in each.values())
        lines = [_pairs(counts)] if is_counted else [_pairs(each) for each in reported]
        rows[name.replace("_", " ")] = _some([line for line in lines if line])
    return rows


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _broken_rules(rules: Mapping[str, int], first: Mapping[str, str]) -> list[str]:
    return [f"{rule} ({count})" + (f", first {first[rule]}" if rule in first else "") for rule, count in rules.items()]


def _some(lines: Sequence[str]) -> str:
    more = [f"… and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return "\n".join([*map(one_line, lines[:_SHOWN]), *more])
