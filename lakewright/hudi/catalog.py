"""Hudi tables in the Glue Data Catalog, as Hudi's own catalog sync registers them."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from lakewright.catalog.table import Catalog
from lakewright.hudi.writer import HudiTable
from lakewright.log.state import TableState
from transforms.spark.changes import IS_DELETED, KEY, ORDER

_META: Final = (
    "_hoodie_commit_time",
    "_hoodie_commit_seqno",
    "_hoodie_record_key",
    "_hoodie_partition_path",
    "_hoodie_file_name",
)
_COPY_ON_WRITE: Final = {"": "HoodieParquetInputFormat"}
_MERGE_ON_READ: Final = {
    "_ro": "HoodieParquetInputFormat",
    "_rt": "realtime.HoodieParquetRealtimeInputFormat",
}
_JSON_TYPES: Final = {"int": "integer", "bigint": "long"}
_PARAMETER_CHARACTERS: Final = 4000


class HudiCatalog:
    """The catalog entries of one table: one, or for merge_on_read its read-optimized and its real-time view.

    ``table_of`` describes the table with given columns; ``partitions`` lists its partitions; for ``owner`` see
    ``Catalog``.
    """

    def __init__(
        self,
        database: str,
        location: str,
        table_of: Callable[[Mapping[str, str]], HudiTable],
        partitions: Callable[[], Sequence[str]],
        *,
        owner: str,
    ) -> None:
        self._database, self._location, self._owner = database, location, owner
        self._table_of, self._partitions = table_of, partitions

    def register(self, state: TableState) -> str:
        """See ``Catalog.register``; partitions come from the table itself."""
        table = self._table_of(state.columns)
        own = {KEY: "string"} if table.key == KEY else {}
        columns = {**dict.fromkeys(_META, "string"), **state.columns, **own, ORDER: "string", IS_DELETED: "boolean"}
        views = _MERGE_ON_READ if table.storage == "merge_on_read" else _COPY_ON_WRITE
        partitions = self._partitions()
        names = []
        for suffix, input_format in views.items():
            entry = Catalog(
                self._database,
                table.name + suffix,
                self._location,
                table.partition_by,
                owner=self._owner,
                formats=_formats(self._location, input_format, read_optimised=suffix == "_ro"),
                parameters=_spark_parameters(columns, table.partition_by),
            )
            names.append(entry.register_as(columns, partitions))
        return ", ".join(names)


def _formats(location: str, input_format: str, *, read_optimised: bool) -> dict[str, Any]:
    return {
        "InputFormat": f"org.apache.hudi.hadoop.{input_format}",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "SerdeInfo": {
            "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
            "Parameters": {"path": location, "hoodie.query.as.ro.table": str(read_optimised).lower()},
        },
    }


def _json_type(kind: str) -> Any:
    """Convert a type to Spark's JSON schema format."""
    outer, _, within = kind.removesuffix(">").partition("<")
    if outer == "array":
        return {"type": "array", "elementType": _json_type(within), "containsNull": True}
    if outer == "map":
        key, value = _parts(within)
        return {"type": "map", "keyType": key, "valueType": _json_type(value), "valueContainsNull": True}
    if outer == "struct":
        fields = (part.split(":", 1) for part in _parts(within))
        described = [{"name": name, "type": _json_type(of), "nullable": True, "metadata": {}} for name, of in fields]
        return {"type": "struct", "fields": described}
    return _JSON_TYPES.get(kind, kind)


def _parts(within: str) -> list[str]:
    """Split the text between angle brackets at its top-level commas."""
    parts, depth = [""], 0
    for letter in within:
        depth += letter in "<("
        depth -= letter in ">)"
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _spark_parameters(columns: Mapping[str, str], partition_keys: Sequence[str]) -> dict[str, str]:
    """Return the table parameters by which Spark recognizes a Hudi table."""
    names = [name for name in columns if name not in partition_keys] + list(partition_keys)
    fields = [{"name": name, "type": _json_type(columns[name]), "nullable": True, "metadata": {}} for name in names]
    schema = json.dumps({"type": "struct", "fields": fields})
    parts = [schema[at : at + _PARAMETER_CHARACTERS] for at in range(0, len(schema), _PARAMETER_CHARACTERS)]
    return {
        "spark.sql.sources.provider": "hudi",
        "spark.sql.sources.schema.numParts": str(len(parts)),
        "spark.sql.sources.schema.numPartCols": str(len(partition_keys)),
        **{f"spark.sql.sources.schema.part.{n}": part for n, part in enumerate(parts)},
        **{f"spark.sql.sources.schema.partCol.{n}": name for n, name in enumerate(partition_keys)},
    }
