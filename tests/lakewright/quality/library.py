"""Great Expectations itself, to compare with."""

import logging
import warnings
from collections.abc import Sequence
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame

from lakewright.quality.expectation import Expectation
from lakewright.quality.result import ExpectationResult

FIGURES = (
    "element_count",
    "unexpected_count",
    "unexpected_percent",
    "missing_count",
    "missing_percent",
    "unexpected_percent_total",
    "unexpected_percent_nonmissing",
    "observed_value",
)

Figures = dict[str, Any]


def validate(frame: pd.DataFrame | DataFrame, expectations: Sequence[Expectation]) -> list[Figures]:
    """Return success, figures and whether an exception was raised, in the order of the expectations."""
    with warnings.catch_warnings(action="ignore"):
        import great_expectations as gx
        from great_expectations.core import ExpectationSuite
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    sources = context.data_sources
    source = sources.add_pandas("p") if isinstance(frame, pd.DataFrame) else sources.add_spark("s", persist=False)
    batch = source.add_dataframe_asset("a").add_batch_definition_whole_dataframe("w").get_batch({"dataframe": frame})
    suite = ExpectationSuite(
        "suite",
        expectations=[
            {"type": each.type, "kwargs": dict(each.kwargs), "meta": {"place": place}}
            for place, each in enumerate(expectations)
        ],
    )
    results = batch.validate(suite, result_format={"result_format": "BASIC", "partial_unexpected_count": 0}).results
    places = {result.expectation_config.meta["place"]: result for result in results}
    return [_figures(places[place]) for place in range(len(expectations))]


def _figures(result: Any) -> Figures:
    figures = {name: result.result.get(name) for name in FIGURES}
    if figures["element_count"] == 0:  # the engine for Spark sums over no rows, which is null
        figures["unexpected_count"] = figures["unexpected_count"] or 0
    return {"success": result.success, **figures, "raised": not result.result}


def figures_of(result: ExpectationResult) -> Figures:
    """Return the same of a result from SQL."""
    figures = {name: getattr(result, name) for name in FIGURES}
    return {"success": result.success, **figures, "raised": bool(result.exception)}
