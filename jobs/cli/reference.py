"""Write docs/feeds.md, the reference of all keys of a feed, and docs/receipt.schema.json, from their models."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from jobs.cli.registry import feed_model, job_names
from lakewright.runs.receipts.schema import schema_file

Schema = Mapping[str, Any]

_INTRODUCTION: Final = """\
# Feed reference

All keys of a feed, by job. This page is generated from the feed models (`make schemas`). `lakewright check` validates
feeds against the same models, and the JSON schemas in `conf/schemas/` make editors do so.

A dot is a level of YAML; `<name>` is a name of your choice. A key without a default is required.
"""
_JSON_TYPES: Final = {"string": "text", "integer": "integer", "number": "number", "boolean": "true or false"}


def feed_reference() -> str:
    """Describe every key of every job's feed, in Markdown."""
    return "\n".join([_INTRODUCTION, *(_section(job, feed_model(job).model_json_schema()) for job in job_names())])


def _section(job: str, model: Schema) -> str:
    rows = [f"| `{key}` | {kind} | {default} | {text} |" for key, kind, default, text in _keys(model, model, "")]
    return "\n".join([f"## {job}", "| key | type | default | description |", "|---|---|---|---|", *rows, ""])


def _keys(model: Schema, whole: Schema, prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """Return key, type, default and description of each key of a model and of the models within it."""
    required = model.get("required", ())
    for name, field in model["properties"].items():
        key = prefix + name
        nested, below = _nested_model(field, whole)
        if nested is None or field.get("description"):
            yield key, _type(field, whole), _default(field, required=name in required), _description(field)
        if nested is not None:
            yield from _keys(nested, whole, f"{key}{below}.")


def _nested_model(field: Schema, whole: Schema) -> tuple[Schema | None, str]:
    """Return the model of a field, or of a mapping's values, and the notation of the level between."""
    for schema in (field, *field.get("anyOf", ())):
        if "$ref" in schema:
            return _resolve(schema, whole), ""
        values = schema.get("additionalProperties")
        if isinstance(values, Mapping) and "$ref" in values:
            return _resolve(values, whole), ".<name>"
    return None, ""


def _resolve(schema: Schema, whole: Schema) -> Schema:
    resolved: Schema = whole["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    return resolved


def _type(field: Schema, whole: Schema) -> str:
    if "$ref" in field:
        return "mapping"
    if "anyOf" in field:
        return " or ".join(_type(option, whole) for option in field["anyOf"] if option.get("type") != "null")
    if "const" in field or "enum" in field:
        return ", ".join(_shown(value) for value in field.get("enum", [field.get("const")]) if value)
    if field.get("type") == "array":
        return f"list of {_type(field['items'], whole)}" if "items" in field else "list"
    if field.get("type") == "object":
        return "mapping"
    if field.get("format") == "date":
        return "date"
    return _JSON_TYPES.get(field.get("type", ""), "any") + _bounds(field)


def _bounds(field: Schema) -> str:
    words = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most"}
    return "".join(f", {word} {field[bound]}" for bound, word in words.items() if bound in field)


def _default(field: Schema, *, required: bool) -> str:
    if required:
        return ""
    default = field.get("default")
    if default in (None, "", [], {}) or isinstance(default, Mapping):
        return "none"
    return _shown(default)


def _shown(value: Any) -> str:
    return f"`{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}`"


def _description(field: Schema) -> str:
    return str(field.get("description", "")).replace("|", r"\|")


if __name__ == "__main__":
    Path("docs/feeds.md").write_text(feed_reference(), encoding="utf-8")
    Path("docs/receipt.schema.json").write_text(schema_file(), encoding="utf-8")
