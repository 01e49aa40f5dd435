"""Folder names of partitions, as Spark and Hive write them: ``name=value``, with special characters escaped."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc

from transforms.object_names import HIVE_NULL

#: The characters that Spark's ``ExternalCatalogUtils.escapePathName`` escapes.
_ESCAPED: Final = re.compile(r"""[\x01-\x1f"#%'*/:=?\\\x7f{\[\]^]""")
#: Java prints doubles of this range without an exponent.
_PLAIN_FROM, _PLAIN_UNTIL = 1e-3, 1e7


def split_by_partition(
    rows: pa.Table, partition_by: Sequence[str], constants: Mapping[str, str]
) -> list[tuple[str, pa.Table]]:
    """Split rows by partition; the partition columns among theirs are removed.

    Args:
        rows: The rows.
        partition_by: The partition columns, outermost first.
        constants: The values of partition columns that ``rows`` does not have.

    Returns:
        The folder of each partition, such as ``year=2026/month=08``, and its rows.
    """
    varying = [name for name in partition_by if name not in constants]
    if not varying:
        return [("/".join(_folder(name, constants[name]) for name in partition_by), rows)]
    parts = [
        pa.scalar(_folder(name, constants[name])) if name in constants else _folders(name, rows[name])
        for name in partition_by
    ]
    folders = pc.binary_join_element_wise(*parts, "/").combine_chunks().dictionary_encode()
    order = pc.sort_indices(folders.indices)
    ordered = rows.drop_columns(varying).take(order)
    counts = sorted((each["values"], each["counts"]) for each in pc.value_counts(folders.indices).to_pylist())
    split, start = [], 0
    for index, count in counts:
        split.append((folders.dictionary[index].as_py(), ordered.slice(start, count)))
        start += count
    return split


def values_of_folder(folder: str) -> dict[str, str | None]:
    """Return the values of partition columns in a folder such as ``year=2026/month=08``; null has a name of its own."""
    pairs = (part.partition("=") for part in folder.split("/") if "=" in part)
    values = {unquote(name): unquote(value) for name, _, value in pairs}
    return {name: None if value == HIVE_NULL else value for name, value in values.items()}


def _folders(name: str, values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the folder of each value of a column."""
    encoded = values.combine_chunks().dictionary_encode()
    texts = [_folder(name, _as_text(value)) for value in encoded.dictionary.to_pylist()]
    folders = pa.array(texts, pa.string()).take(encoded.indices)
    return pa.chunked_array([pc.fill_null(folders, _folder(name, HIVE_NULL))])


def _folder(name: str, value: str) -> str:
    return f"{_escaped(name)}={_escaped(value)}"


def _escaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: f"%{ord(match[0]):02X}", text)


def _as_text(value: Any) -> str:
    """Format a value like Spark's cast to string, with timestamps in UTC."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return _double_as_text(value)
    if isinstance(value, datetime):
        local = value.astimezone(UTC).replace(tzinfo=None)
        return local.isoformat(" ").rstrip("0").rstrip(".") if local.microsecond else local.isoformat(" ")
    return str(value)


def _double_as_text(value: float) -> str:
    """Format a double like Java: ``1.0``, ``1.0E7``, ``1.5E-4``."""
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    if not isinstance(exponent, int):
        return repr(value)
    if value == 0 or _PLAIN_FROM <= abs(value) < _PLAIN_UNTIL:
        plain = f"{Decimal(repr(value)):f}"
        return plain if "." in plain else f"{plain}.0"
    written = "".join(map(str, digits))
    power, fraction = exponent + len(written) - 1, written[1:].rstrip("0") or "0"
    return f"{'-' if sign else ''}{written[0]}.{fraction}E{power}"
