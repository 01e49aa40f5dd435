"""Receipts in tests: every one that a run writes is validated against the published schema."""

import json
from functools import cache
from typing import Any

import jsonschema
import msgspec

from lakewright.runs.receipts.receipt import Receipt
from lakewright.runs.receipts.schema import receipt_schema


def problems_with(receipt: Receipt | dict[str, Any]) -> list[str]:
    """Return how a receipt contradicts the schema; fields that the schema does not describe are problems as well."""
    data = json.loads(msgspec.json.encode(receipt))
    return [f"{error.json_path}: {error.message}" for error in _validator().iter_errors(data)]


@cache
def _validator() -> Any:
    schema = receipt_schema()
    for definition in schema["$defs"].values():
        definition["additionalProperties"] = False
    return jsonschema.Draft202012Validator(schema)
