"""Suites of expectations, written by Great Expectations itself."""

import json
from pathlib import Path
from typing import Any

from lakewright.quality.library import open_context, quiet

with quiet():
    import great_expectations as gx
    import great_expectations.expectations as gxe

__all__ = ["gxe", "suite_json", "write_suite"]

REJECT, WARN = {"on_failure": "reject_rows"}, {"on_failure": "warn"}


def suite_json(name: str, *expectations: Any) -> dict[str, Any]:
    """Return a suite as the library writes it."""
    with quiet():
        open_context()
        suite = gx.ExpectationSuite(name=name)
        for each in expectations:
            suite.add_expectation(each)
        return dict(suite.to_json_dict())


def write_suite(root: Path, name: str, *expectations: Any) -> Path:
    """Write a suite to the config folder of a bench."""
    return write_text(root, name, json.dumps(suite_json(name, *expectations), indent=2))


def write_text(root: Path, name: str, text: str) -> Path:
    path = root / "conf" / "quality" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
