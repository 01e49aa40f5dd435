"""Rejected rows per rule, from the log alone."""

from typing import Any

from lakewright.log.actions import TableState


def rules_overview(state: TableState) -> list[dict[str, Any]]:
    """Describe how many rejected rows break each rule, and since when; most frequent first."""
    rules: dict[str, dict[str, Any]] = {}
    for file in state.quarantine.values():
        since = file.first_seen[0] if file.first_seen else ""
        for rule, rows in file.rules.items():
            entry = rules.setdefault(rule, {"rule": rule, "rows": 0, "since": since})
            entry["rows"] += rows
            entry["since"] = min(entry["since"], since)
    return sorted(rules.values(), key=lambda entry: (-entry["rows"], entry["rule"]))
