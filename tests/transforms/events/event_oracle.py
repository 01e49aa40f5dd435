"""The tests' own model of events: rebuild records from rows, and compare records."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from transforms.events.schema import EventColumn
from transforms.events.types import ArrayType, RecordType

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rebuild(row: dict[str, Any], columns: tuple[EventColumn, ...]) -> dict[str, Any]:
    """Rebuild a record from a flat row."""
    record: dict[str, Any] = {}
    for column in columns:
        value = row[column.name]
        if value is None:
            continue
        parent = record
        for key in column.path[:-1]:
            parent = parent.setdefault(key, {})
        assert column.path[-1] not in parent, f"{column.path} has two values"
        parent[column.path[-1]] = read_text(value) if column.is_text else rebuild_value(value, column.type)
    return record


def rebuild_value(value: Any, kind: Any) -> Any:
    if value is None:
        return None
    if isinstance(kind, ArrayType):
        return [rebuild_value(item, kind.element) for item in value]
    if isinstance(kind, RecordType):
        items = {field.key: rebuild_value(value[field.name], field.type) for field in kind.fields}
        return {key: item for key, item in items.items() if item is not None}
    return value


def read_text(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError:
        return text


def normal(value: Any) -> Any:
    """Normalize a value for comparison: null is absent, 1.0 is 1, true is not 1, a time is its seconds."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return (type(value).__name__, value)
    if isinstance(value, dict):
        return {key: normal(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [normal(item) for item in value]
    if isinstance(value, datetime):
        return Fraction((value - EPOCH) // timedelta(microseconds=1), 1_000_000)
    return Fraction(Decimal(repr(value))) if isinstance(value, float) else Fraction(value)


def normal_record(record: dict[str, Any]) -> dict[str, Any]:
    """Normalize a record as ``normal`` does; an object whose attributes are all null is null."""
    normalized = {}
    for key, value in record.items():
        if isinstance(value, dict) and value:
            below = normal_record(value)
            if below:
                normalized[key] = below
        elif value is not None:
            normalized[key] = normal(value)
    return normalized
