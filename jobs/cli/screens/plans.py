"""Plans as text, in the order of a person's questions.

Will anything happen? What comes in? What changes in the table? What may go wrong? How long will it take, and what does
it cost?
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import typer

from jobs.cli.layout import print_record
from jobs.cli.screens.estimates import estimate_lines
from jobs.cli.screens.words import engine_line, some
from lakewright.runs.progress import count_of, readable_bytes
from transforms.object_names import one_line

_SHOWN: Final = 4
_OF_CHANGES: Final = {
    "new": "new",
    "changed": "changed since they were read",
    "again": "unchanged and read again",
}


def show_plans(plans: Sequence[Mapping[str, Any]]) -> None:
    """Print plans; of several targets, those with nothing to do share a line."""
    idle = [plan for plan in plans if len(plans) > 1 and _is_quiet(plan)]
    for plan in plans:
        if plan not in idle:
            print_record(f"plan of {plan['feed']} → {plan['target']}: {_answer(plan)}", _fields(plan))
    if idle:
        names = ", ".join(one_line(plan["target"]) for plan in idle)
        verb = "has" if len(idle) == 1 else "have"
        typer.echo(f"{len(idle)} of {count_of(len(plans), 'target')} {verb} nothing to do: {names}")


def _is_quiet(plan: Mapping[str, Any]) -> bool:
    return plan["does"] == "nothing" and not plan["ignored"]


def _answer(plan: Mapping[str, Any]) -> str:
    """Say whether anything will happen."""
    if plan["does"] == "refused":
        finishes = plan.get("open_batch", {}).get("then", "").startswith("finished")
        before = f"finishes batch {plan['open_batch']['number']}, then " if finishes else ""
        return f"{before}stops with exit code {plan['exit_code']}"
    if plan["does"] == "nothing":
        listed = plan["source"]["listed"]
        are = "is" if listed == 1 else "are"
        return (
            f"nothing to do ({count_of(listed, 'object')} of the source {are} in the table)"
            if listed
            else "nothing to do"
        )
    if plan["does"] == "upkeep":
        return "no new objects"
    if not plan.get("objects"):
        return f"finishes batch {plan['open_batch']['number']}" if "open_batch" in plan else "a batch without objects"
    refused = f"; {len(plan['refused'])} refused (exit code {plan['exit_code']})" if plan["refused"] else ""
    return f"reads {count_of(len(plan['objects']), 'object')}, {readable_bytes(plan['bytes'])}{refused}"


def _fields(plan: Mapping[str, Any]) -> dict[str, str]:
    fields = _open_batch(plan)
    if "source" in plan:
        fields |= _incoming(plan) | _table(plan)
    fields |= {
        "columns": _columns(plan) if plan["does"] == "batch" or plan["schema"]["changes"] else "",
        "config": _config(plan["config"]),
        "extra columns": _extra_columns(plan.get("extra_columns", {})),
        "dropped columns": _shown(plan.get("dropped_columns", ())),
        "refused": _by_reason(plan.get("refused", {})),
        "blocked": _by_reason(plan.get("blocked", {})),
        "ignored": _by_reason(plan.get("ignored", {})),
        "engine": engine_line(plan.get("engine", {})),
        "estimate": estimate_lines(plan["estimate"]) if plan.get("estimate") else "",
    }
    return fields


def _open_batch(plan: Mapping[str, Any]) -> dict[str, str]:
    fields = {"first": _shown(plan["unfinished"])}
    if "open_batch" in plan:
        batch = plan["open_batch"]
        size = f"{count_of(batch['objects'], 'object')}, {readable_bytes(batch['bytes'])}"
        failed = f"\nit failed before: {one_line(batch['failed'])}" if batch["failed"] else ""
        fields["open batch"] = f"{batch['number']}, {size}: {batch['then']}{failed}"
    return fields


def _incoming(plan: Mapping[str, Any]) -> dict[str, str]:
    """Say what comes in."""
    source, objects = plan["source"], len(plan["objects"])
    counts = [
        f"{source[change]['objects']} {words}" for change, words in _OF_CHANGES.items() if source[change]["objects"]
    ]
    rows = f"; {count_of(source['rows'], 'row')}" if source["rows"] and objects else ""
    gone = source["gone"]
    largest = [f"{readable_bytes(each['size'])}  {each['path']}" for each in source["largest"]]
    if objects > len(largest):
        largest = [f"largest {largest[0]}"]
    return {
        "objects": _shown([f"{', '.join(counts)}{rows}", *largest]) if objects else "",
        "corrections": _shown(plan["corrections"]),
        "gone": _gone(gone, plan["table"]["removed_objects"]),
    }


def _gone(gone: Mapping[str, Any], removed: Sequence[str]) -> str:
    if not gone["objects"]:
        return ""
    are = "is" if gone["objects"] == 1 else "are"
    stay = "" if removed else "; the rows stay in the table"
    return f"{count_of(gone['objects'], 'object')} {are} no longer at the source, first {one_line(gone['first'])}{stay}"


def _table(plan: Mapping[str, Any]) -> dict[str, str]:
    """Say what changes in the table."""
    table, rewritten, removed = plan["table"], plan["table"]["rewritten"], plan["table"]["removed_objects"]
    files = f"{count_of(rewritten['files'], 'file')} of {count_of(rewritten['rows'], 'row')}"
    are = "is" if len(removed) == 1 else "are"
    gone = f"the rows of {count_of(len(removed), 'object')} that {are} gone, first " if removed else ""
    replaced = table["replaced_objects"]
    return {
        "partitions": _partitions(table["partitions"], plan["source"]["partitions"]) if plan["objects"] else "",
        "rewritten": f"{files}, {readable_bytes(rewritten['bytes'])}" if rewritten["files"] else "",
        "removed": gone and gone + one_line(removed[0]),
        "replaced": f"{count_of(replaced, 'object')}, each under its own key" if replaced else "",
        "merged": _merged(table),
        "quarantine": _quarantine(table),
    }


def _merged(table: Mapping[str, Any]) -> str:
    if not table["merged_by_key"]:
        return ""
    first = "\nfirst, the whole table is rewritten with the wider types" if table["rewritten_for_types"] else ""
    return f"by key: Hudi rewrites the files of updated and deleted keys{first}"


def _partitions(partitions: Mapping[str, Any], sizes: Iterable[Mapping[str, Any]]) -> str:
    """Count the partitions by what happens to them, and name some with what comes into each."""
    kinds = {name: kind for kind in ("rewritten", "extended", "new") for name in partitions[kind]}
    by_name = {each["partition"]: each for each in sizes}
    if list(kinds) == [""]:
        return f"the whole table is {kinds['']}"
    counts = [f"{count} {kind}" for kind, count in Counter(kinds.values()).items()]
    counts += [f"{partitions['unchanged']} unchanged"] if partitions["unchanged"] and kinds else []
    has_kinds = len(counts) > 1
    lines = [_partition(name, kind if has_kinds else "", by_name.get(name)) for name, kind in kinds.items()]
    unknown = [] if partitions["known"] else ["the rows determine them" if not counts else "the rows determine others"]
    return "\n".join(filter(None, [", ".join(counts), _shown(lines), *unknown]))


def _partition(name: str, kind: str, size: Mapping[str, Any] | None) -> str:
    incoming = f": {count_of(size['objects'], 'object')}, {readable_bytes(size['bytes'])}" if size else ""
    return f"{name}{f' ({kind})' if kind else ''}{incoming}"


def _quarantine(table: Mapping[str, Any]) -> str:
    again, expired = table["judged_again"], table["expired_rows"]
    parts = [f"{count_of(again, 'rejected row')} judged again"] if again else []
    return ", ".join([*parts, *([f"{count_of(expired, 'rejected row')} deleted for their age"] if expired else [])])


def _columns(plan: Mapping[str, Any]) -> str:
    """Classify the columns, and name those that change."""
    schema = plan["schema"]
    kinds = Counter(change["change"] for change in schema["changes"])
    counts = [f"{schema['same']} same"] if schema["same"] else []
    counts += [f"{count} {kind}" for kind, count in kinds.items()]
    seen = _evidence(schema)
    seen = f" ({seen})" if seen else ""
    if plan["config"]["batch"] is None:
        columns = f" of {count_of(len(schema['changes']), 'column')}" if schema["changes"] else ""
        return f"new table{columns}{seen}"
    lines = [_change(change) for change in schema["changes"]]
    return "\n".join(filter(None, [f"{', '.join(counts)}{seen}".strip(), _shown(lines)]))


def _evidence(schema: Mapping[str, Any]) -> str:
    if schema["from"] == "sample":
        of_all = f"{schema['objects']} of " if schema["objects"] < schema["of_objects"] else ""
        objects = f"{of_all}{count_of(schema['of_objects'], 'object')}"
        return f"as far as a sample tells: {count_of(schema['records'], 'record')} of {objects}"
    return f"{schema['from']} of {count_of(schema['objects'], 'object')}" if schema["from"] else ""


def _change(change: Mapping[str, str]) -> str:
    types = " → ".join(filter(None, [change["from"], change["to"]]))
    why = f": {change['why']}" if change["why"] else ""
    return " ".join(filter(None, [change["change"], change["column"], types])) + why


def _config(config: Mapping[str, Any]) -> str:
    """Say how the feed differs from that of the table, and what follows; nothing if it does not."""
    differences = [
        f"{each['setting']}: {each['table']} in the table, {each['feed']} in the feed" for each in config["differences"]
    ]
    since = f"changed since batch {config['batch']}"
    words = {
        "rebuild needed": f"{since}; the table must be rebuilt (`lakewright rebuild`)",
        "new rows only": f"{since}: it applies to new rows; `rebuild` applies it to all",
        "objects again": f"{since}: objects are read again",
    }
    means = words.get(config["means"], "")
    return "\n".join(filter(None, [means, _shown(differences)]))


def _extra_columns(extra: Mapping[str, int]) -> str:
    return _shown([f"{name} (in {count_of(objects, 'object')})" for name, objects in extra.items()])


def _by_reason(reasons: Mapping[str, str]) -> str:
    """Group objects by reason: the number of each, and the first."""
    first: dict[str, str] = {}
    for path, reason in reasons.items():
        first.setdefault(reason, path)
    counts = Counter(reasons.values())
    return _shown(
        [
            f"{path}: {reason}" if counts[reason] == 1 else f"{counts[reason]} objects, first {path}: {reason}"
            for reason, path in first.items()
        ]
    )


def _shown(lines: Sequence[str]) -> str:
    return some(lines, most=_SHOWN)
