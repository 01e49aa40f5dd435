"""Tables and partitions in the Glue Data Catalog, so that Athena and others find what a run has published."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final, Protocol
from urllib.parse import unquote

from botocore.exceptions import BotoCoreError, ClientError

from lakewright.aws_clients import bounded_client
from lakewright.errors import AccessDeniedError, UnreachableError
from lakewright.log import TableState

_PARTITIONS_PER_CALL: Final = 100
_PARQUET: Final = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
}
_NO_PARAMETERS: Final[Mapping[str, str]] = {}


class CatalogEntry(Protocol):
    """What a table is in a catalog."""

    def register(self, state: TableState) -> str:
        """Bring the entry to what the state says, and name it."""


class Catalog:
    """The entry of one table, of Parquet files unless ``formats`` and ``parameters`` say otherwise.

    Args:
        location: The table's root, as ``s3://…``.
        partition_keys: Names and types of the columns that are folders, outermost first.
    """

    def __init__(
        self,
        database: str,
        table: str,
        location: str,
        partition_keys: Mapping[str, str],
        *,
        formats: Mapping[str, Any] = _PARQUET,
        parameters: Mapping[str, str] = _NO_PARAMETERS,
    ) -> None:
        self._database, self._table = database, table
        self._location = location.rstrip("/").replace("s3a://", "s3://")
        self._partition_keys = dict(partition_keys)
        self._formats, self._parameters = formats, parameters

    def register(self, state: TableState) -> str:
        """Bring database, table and partitions to what the state says.

        Raises:
            AccessDeniedError: If the catalog refuses.
            UnreachableError: If it cannot be reached.
        """
        return self.register_as(state.columns, sorted({file.partition for file in state.files.values()}))

    def register_as(self, columns: Mapping[str, str], partitions: Sequence[str]) -> str:
        """Bring database, table and partitions to these; see ``register``."""
        try:
            self._register_table(columns)
            if self._partition_keys:
                self._register_partitions(partitions, columns)
        except ClientError as error:
            if _code(error) in ("AccessDeniedException", "AccessDenied"):
                raise AccessDeniedError(f"the catalog refused {error.operation_name}") from error
            raise UnreachableError(f"the catalog answered {error.operation_name} with {_code(error)}") from error
        except BotoCoreError as error:
            raise UnreachableError(f"the catalog could not be reached: {error}") from error
        return f"{self._database}.{self._table}"

    @cached_property
    def _glue(self) -> Any:
        return bounded_client("glue")

    def _register_table(self, columns: Mapping[str, str]) -> None:
        try:
            self._glue.create_database(DatabaseInput={"Name": self._database})
        except ClientError as error:
            if _code(error) != "AlreadyExistsException":
                raise
        table = {
            "Name": self._table,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": "parquet", "EXTERNAL": "TRUE", **self._parameters},
            "PartitionKeys": [{"Name": name, "Type": kind} for name, kind in self._partition_keys.items()],
            "StorageDescriptor": self._storage("", columns),
        }
        try:
            self._glue.create_table(DatabaseName=self._database, TableInput=table)
        except ClientError as error:
            if _code(error) != "AlreadyExistsException":
                raise
            self._glue.update_table(DatabaseName=self._database, TableInput=table)

    def _register_partitions(self, partitions: Sequence[str], columns: Mapping[str, str]) -> None:
        wanted = {_values(partition): partition for partition in partitions}
        pages = self._glue.get_paginator("get_partitions").paginate(
            DatabaseName=self._database, TableName=self._table, ExcludeColumnSchema=True
        )
        registered = {tuple(partition["Values"]) for page in pages for partition in page["Partitions"]}
        names = {"DatabaseName": self._database, "TableName": self._table}
        new = [values for values in wanted if values not in registered]
        for start in range(0, len(new), _PARTITIONS_PER_CALL):
            entries = [
                {"Values": list(values), "StorageDescriptor": self._storage(wanted[values], columns)}
                for values in new[start : start + _PARTITIONS_PER_CALL]
            ]
            _raise_for(self._glue.batch_create_partition(**names, PartitionInputList=entries))
        for values in registered - set(wanted):
            self._glue.delete_partition(**names, PartitionValues=list(values))

    def _storage(self, partition: str, columns: Mapping[str, str]) -> dict[str, Any]:
        described = [
            {"Name": name.lower(), "Type": kind.lower()}
            for name, kind in columns.items()
            if name not in self._partition_keys
        ]
        return {"Columns": described, "Location": f"{self._location}/{partition}".rstrip("/") + "/", **self._formats}


def _values(partition: str) -> tuple[str, ...]:
    return tuple(unquote(part.split("=", 1)[1]) for part in partition.split("/"))


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _raise_for(answer: Mapping[str, Any]) -> None:
    problems = [
        problem["ErrorDetail"]
        for problem in answer.get("Errors", ())
        if problem["ErrorDetail"].get("ErrorCode") != "AlreadyExistsException"
    ]
    if problems:
        raise UnreachableError(f"the catalog refused {len(problems)} partitions, first: {problems[0]}")
