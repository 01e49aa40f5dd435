"""The suites of the example feeds, written by Great Expectations: ``python examples/suites.py`` writes conf/quality/.

A suite is the library's own JSON; what happens if an expectation is not met is in its ``meta`` (docs/quality.md).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import great_expectations as gx
import great_expectations.expectations as gxe

FOLDER: Final = Path(__file__).parents[1] / "conf/quality"
REJECT_ROWS: Final = {"on_failure": "reject_rows"}
WARN: Final = {"on_failure": "warn"}

SUITES: Final[Mapping[str, list[Any]]] = {
    "customers": [
        gxe.ExpectColumnValuesToNotBeNull(column="sale_id"),
        gxe.ExpectColumnValuesToBeUnique(column="sale_id"),
        gxe.ExpectColumnValuesToMatchRegex(
            column="email_id", regex="^[^@ ]+@[^@ ]+$", meta=REJECT_ROWS, notes="This is not an e-mail address."
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="units_purchased", min_value=1, meta=REJECT_ROWS, notes="Returns are another feed."
        ),
        gxe.ExpectColumnValueLengthsToBeBetween(
            column="retailer_name", min_value=1, mostly=0.95, meta=WARN, notes="Retailers should have a name."
        ),
    ],
    "events": [
        gxe.ExpectColumnValuesToNotBeNull(column="event_id"),
        gxe.ExpectColumnValuesToBeUnique(column="event_id"),
        gxe.ExpectColumnValuesToBeBetween(
            column="feature_properties_mag",
            min_value=-2,
            max_value=10,
            meta=REJECT_ROWS,
            notes="No earthquake has this magnitude.",
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="feature_properties_status", value_set=["automatic", "reviewed"], meta=WARN
        ),
    ],
    "human_resources": [
        gxe.ExpectColumnValuesToBeUnique(column="emp_no"),
        gxe.ExpectColumnValuesToNotBeNull(column="name"),
        gxe.ExpectColumnValuesToBeBetween(column="salary", min_value=0),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["name", "city"], meta=WARN),
    ],
}


def suite_text(name: str) -> str:
    """Return the JSON of a suite, as the library writes it."""
    gx.get_context(mode="ephemeral")
    suite = gx.ExpectationSuite(name=name)
    for expectation in SUITES[name]:
        suite.add_expectation(expectation)
    return json.dumps(suite.to_json_dict(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for suite_name in SUITES:
        (FOLDER / f"{suite_name}.json").write_text(suite_text(suite_name), encoding="utf-8")
