"""Entries of the Glue Data Catalog as data: which fields an update accepts, and which of them are ours."""

from collections.abc import Mapping
from typing import Any, Final

from lakewright.storage.lake import Lake

#: Lists whose members may have descriptions of others; members are matched by name.
_COLUMN_LISTS: Final = ("Columns", "PartitionKeys")


def can_point_to(lake: Lake) -> bool:
    """Return whether the catalog can refer to tables of a lake: only if it is on S3."""
    return lake.uri.startswith("s3://")


def as_input(entry: Any, shape: Any) -> Any:
    """Drop fields of a response that an update refuses, such as the creation time.

    Args:
        entry: A table, a partition, or a part of one, from a response.
        shape: The accepted input, from botocore's service model.
    """
    if shape.type_name == "structure":
        return {name: as_input(value, shape.members[name]) for name, value in entry.items() if name in shape.members}
    if shape.type_name == "map":
        return {name: as_input(value, shape.value) for name, value in entry.items()}
    if shape.type_name == "list":
        return [as_input(value, shape.member) for value in entry]
    return entry


def merged(there: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Merge our fields into an entry, and keep everything else: parameters, descriptions, column comments."""
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
        # A schema registry reference replaces columns; the catalog accepts one or the other.
        result.pop("SchemaReference", None)
    return result


def without_parameters(table: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Drop the parameters of a table whose names begin with ``prefix``."""
    parameters = table.get("Parameters", {})
    return {**table, "Parameters": {name: value for name, value in parameters.items() if not name.startswith(prefix)}}


def place_of(entry: Mapping[str, Any]) -> str:
    """Return the location of an entry as ``s3://…/``; empty if it has none."""
    location = str(entry.get("StorageDescriptor", {}).get("Location", ""))
    return location.replace("s3a://", "s3://", 1).rstrip("/") + "/" if location else ""


def keys_of(table: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return names and types of a table's partition keys, outermost first."""
    return [(key["Name"].lower(), key.get("Type", "")) for key in table.get("PartitionKeys", ())]
