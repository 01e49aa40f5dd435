"""The published JSON schema of receipts, from their structs; their docstrings describe the fields."""

import inspect
import json
import re
from typing import Any, Final

import msgspec

from lakewright.runs.receipts.receipt import FORMAT, Receipt

_ATTRIBUTES: Final = "\n\nAttributes:\n"
_ATTRIBUTE: Final = re.compile(r"^    (\w+): (.+(?:\n {6,}.+)*)", re.MULTILINE)


def receipt_schema() -> dict[str, Any]:
    """Return the schema."""
    (reference,), definitions = msgspec.json.schema_components([Receipt], ref_template="#/$defs/{name}")
    for definition in definitions.values():
        _describe(definition)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Receipt of a lakewright run, format {FORMAT}",
        **reference,
        "$defs": definitions,
    }


def schema_file() -> str:
    """Return the schema as docs/receipt.schema.json has it."""
    return json.dumps(receipt_schema(), indent=2, ensure_ascii=False) + "\n"


def _describe(definition: dict[str, Any]) -> None:
    """Take the descriptions of a struct's fields out of its docstring."""
    about, _, attributes = inspect.cleandoc(definition.get("description", "")).partition(_ATTRIBUTES)
    definition["description"] = _plain(about)
    for name, text in _ATTRIBUTE.findall(attributes):
        definition["properties"][name]["description"] = _plain(text)


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("``", "`").strip()
