"""Entries of the Glue Data Catalog as data: what the service takes back of them, and what of them is ours."""

from collections.abc import Mapping
from typing import Any, Final

#: Lists whose members others may have described: each is known by its name.
_COLUMN_LISTS: Final = ("Columns", "PartitionKeys")


def as_input(entry: Any, shape: Any) -> Any:
    """Leave out what an answer says of an entry and an update refuses, such as when it was made.

    Args:
        entry: A table or a partition, or a part of it, as the catalog answered.
        shape: What the catalog takes, by botocore's model of the service.
    """
    if shape.type_name == "structure":
        return {name: as_input(value, shape.members[name]) for name, value in entry.items() if name in shape.members}
    if shape.type_name == "map":
        return {name: as_input(value, shape.value) for name, value in entry.items()}
    if shape.type_name == "list":
        return [as_input(value, shape.member) for value in entry]
    return entry


def merged(there: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Put what is ours over an entry, and keep all else: parameters, descriptions, the comments of columns."""
    result = dict(there)
    for name, value in ours.items():
        before = there.get(name)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            result[name] = merged(before, value)
        elif name in _COLUMN_LISTS and before:
            described = {column["Name"].lower(): column for column in before}
            result[name] = [{**described.get(column["Name"], {}), **column} for column in value]
        else:
            result[name] = value
    if "Columns" in ours:
        # A schema of a registry says what the columns are; the catalog takes the one or the other.
        result.pop("SchemaReference", None)
    return result


def without_parameters(table: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Leave out the parameters of a table whose names begin with ``prefix``."""
    parameters = table.get("Parameters", {})
    return {**table, "Parameters": {name: value for name, value in parameters.items() if not name.startswith(prefix)}}


def place_of(entry: Mapping[str, Any]) -> str:
    """Say where an entry's files lie, as ``s3://…/``; empty if it does not say."""
    location = str(entry.get("StorageDescriptor", {}).get("Location", ""))
    return location.replace("s3a://", "s3://", 1).rstrip("/") + "/" if location else ""


def keys_of(table: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give the names and types of a table's partition keys, outermost first."""
    return [(key["Name"].lower(), key.get("Type", "")) for key in table.get("PartitionKeys", ())]
