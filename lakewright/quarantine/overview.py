"""Rejected rows per rule, from the log alone."""

from typing import Any

from lakewright.log.state import TableState


def why_no_rows(state: TableState, rule: str) -> str:
    """Return that no rejected row breaks a rule, and which ones are broken; empty if some do or no rule is given."""
    names = [entry["rule"] for entry in rules_overview(state)]
    if not rule or any(rule == name or name.endswith(f": {rule}") for name in names):
        return ""
    return f"no row in quarantine breaks the rule {rule!r}; broken: {', '.join(names) or 'none'}"


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
