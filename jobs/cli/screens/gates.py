"""The text of ``gates``, and of the verdict of a gate elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from jobs.cli.layout import print_record
from lakewright.quality.result import ExpectationResult, describe
from lakewright.runs.progress import count_of


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
