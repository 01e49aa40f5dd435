"""What the verbs show on a terminal."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lakewright.runs.progress import readable_bytes
from transforms.object_names import one_line

_SHOWN: int = 10
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
)


def show_plans(plans: Sequence[Mapping[str, Any]]) -> None:
    """Show what run would do."""
    for plan in plans:
        rows: dict[str, Any] = {}
        if "open_batch" in plan:
            batch = plan["open_batch"]
            rows["open batch"] = f"{batch['number']}, {batch['objects']} objects: {batch['then']}"
        if "objects" in plan:
            rows["objects"] = f"{len(plan['objects'])}, {readable_bytes(plan['bytes'])}"
            rows["partitions"] = _some(plan["partitions"]) or "none"
        for key in ("refused", "ignored"):
            rows[key] = _some([f"{path}: {why}" for path, why in plan.get(key, {}).items()])
        rows["extra columns"] = _some([f"{name} (in {n} objects)" for name, n in plan.get("extra_columns", {}).items()])
        rows["dropped columns"] = _some(plan.get("dropped_columns", []))
        rows["schema changes"] = _some(plan.get("schema_changes", []))
        rows["warnings"] = _some(plan.get("warnings", []))
        _show(f"plan of {plan['feed']} → {plan['target']}", rows)


def show_status(states: Sequence[Mapping[str, Any]]) -> None:
    """Show how things stand."""
    for state in states:
        last = state["last_batch"]
        rows = {
            "last batch": f"{last['number']} {last['status']} by run {last['run']} {last['reason']}"
            if last
            else "none",
            "open batch": state["open_batch"] or "none",
            "waiting objects": state["waiting_objects"],
            "table": f"{state['rows']} rows in {state['files']} files, {readable_bytes(state['bytes'])}",
            "quarantine": f"{state['quarantined_rows']} rows",
            "state of the job": _pairs(state["properties"]),
        }
        _show(f"status of {state['feed']} → {state['target']}", rows)


def show_receipts(receipts: Sequence[Mapping[str, Any]]) -> None:
    """Show what runs did."""
    for receipt in receipts:
        counts = receipt["counts"]
        outputs = [path for batch in receipt["batches"] for path in batch["outputs"]]
        inputs = [taken["path"] for batch in receipt["batches"] for taken in batch["inputs"]]
        rows = {
            "run": receipt["run"],
            "status": f"{receipt['status']} (exit code {receipt['exit_code']})",
            "rows": " ".join(f"{name} {count}" for name, count in counts.items() if count or name == "read"),
            "rejected because": _some([f"{rule} ({count})" for rule, count in receipt["rules"].items()]),
            "objects in": _some(inputs),
            "files out": _some(outputs),
            **_reported_by_actions(receipt["batches"]),
            "refused": _some([f"{path}: {why}" for path, why in receipt["refused"].items()]),
            "ignored": _some([f"{path}: {why}" for path, why in receipt["ignored"].items()]),
            "extra columns": _some(list(receipt["extra_columns"])),
            "dropped columns": _some(receipt["dropped_columns"]),
            "schema changes": _some(receipt["schema_changes"]),
            "warnings": _some(receipt["warnings"]),
            "catalog": receipt["catalog"],
            "seconds": " ".join(f"{stage} {spent:.1f}" for stage, spent in receipt["seconds"].items()),
        }
        _show(f"receipt of {receipt['feed']} → {receipt['target']}", rows)


def show_schemas(schemas: Sequence[Mapping[str, Any]]) -> None:
    """Show what tables look like, and how they came to."""
    for schema in schemas:
        rows = {
            f"version {version['version']}, {version['day']}": _some(
                [f"batch {version['batch']} of run {version['run']}, {version['columns']} columns", *version["changes"]]
            )
            for version in schema["versions"]
        }
        sources = {name: f" from {source!r}" for name, source in schema["sources"].items()}
        columns = [f"{name} {kind}{sources.get(name, '')}" for name, kind in schema["columns"].items()]
        _show(
            f"schema of {schema['feed']} → {schema['target']}", {"columns": "\n".join(columns) or "no table yet"} | rows
        )


def show_compactions(targets: Sequence[Mapping[str, Any]]) -> None:
    """Show what was compacted."""
    for found in targets:
        rows = {
            f"instant {done['instant']}": f"{done['log_files']} log files into {done['base_files']} base files of "
            f"{done['rows']} rows, in {_some([path or 'the whole table' for path in done['partitions']])}"
            for done in found["compactions"]
        }
        if not found["error"]:
            _show(f"compaction of {found['feed']} → {found['target']}", rows or {"nothing to do": "no log files"})


def show_check(checked: Mapping[str, Any]) -> None:
    """Show what is wrong with feeds; if nothing is, which columns they rename."""
    feeds, problems = checked["feeds"], checked["problems"]
    for problem in problems:
        Console(stderr=True, soft_wrap=True).print(f"error: {problem}", markup=False, highlight=False)
    if not problems:
        for feed, tables in checked["renamed_columns"].items():
            for table, rename in tables.items():
                names = ", ".join(f"{source!r} is {name}" for source, name in rename.items())
                Console().print(f"columns of {feed} → {table}: {names}", markup=False, highlight=False)
        Console().print(f"{len(feeds)} feeds are fine: {', '.join(feeds)}", markup=False, highlight=False)


def _reported_by_actions(batches: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Show what the actions of batches report beside files: counts are added up, all else is a line a batch."""
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


def _show(title: str, rows: Mapping[str, Any]) -> None:
    table = Table(title=Text(one_line(title)), show_header=False, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        if value != "":
            table.add_row(name, Text(str(value)))
    Console().print(table)


def _some(lines: Sequence[str]) -> str:
    more = [f"… and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return "\n".join([*map(one_line, lines[:_SHOWN]), *more])
