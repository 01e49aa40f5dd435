"""Verdicts of gates on screen: rows that expectations have rejected are not in the batch, which then meets them."""

from typing import Any

import pytest

from jobs.cli.screens.gates import gate_lines


def result(on_failure: str, unexpected: int, **fields: Any) -> dict[str, Any]:
    return {
        "type": "expect_column_values_to_not_be_null",
        "number": 1,
        "columns": ["id"],
        "on_failure": on_failure,
        "engine": "sql",
        "success": not unexpected and not fields,
        "unexpected_count": unexpected,
    } | fields


MET, UNMET, WARNED = result("refuse_batch", 0), result("refuse_batch", 1), result("warn", 1)
REJECTED, NONE_REJECTED = result("reject_rows", 2), result("reject_rows", 0)
NOT_APPLIED = result("reject_rows", 0, exception="the column is missing")


@pytest.mark.parametrize(
    ("results", "figures"),
    [
        pytest.param([], "4 rows", id="no-expectation"),
        pytest.param([MET, UNMET], "4 rows, 1 of 2 expectations met", id="unmet"),
        pytest.param([REJECTED], "4 rows, 2 rows rejected", id="rejected-rows-are-not-unmet"),
        pytest.param(
            [MET, REJECTED, WARNED, NONE_REJECTED],
            "4 rows, 2 rows rejected, 2 of 3 other expectations met",
            id="others-are-counted-apart",
        ),
        pytest.param(
            [REJECTED, result("reject_rows", 1)],
            "4 rows, rows rejected by 2 expectations",
            id="counts-of-rows-that-may-be-the-same-are-not-added",
        ),
        pytest.param([NOT_APPLIED], "4 rows, 0 of 1 expectation met", id="a-rule-that-cannot-be-applied-is-unmet"),
    ],
)
def test_figures_of_a_verdict(results: list[dict[str, Any]], figures: str) -> None:
    verdict = gate_lines({"verdict": "passed", "suite": "s", "rows": 4, "results": results}).partition("\n")[0]
    assert verdict == f"passed (suite s, {figures})"
