"""Tables and partitions in the Glue Data Catalog, for Athena and other engines.

An entry has one owner, the target that fills its table. The owner sets location, formats, columns, partition keys and a
few parameters; everything else is preserved, and entries that are up to date are not written.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, TypeVar
from urllib.parse import unquote

from botocore.exceptions import BotoCoreError, ClientError

from lakewright.aws.clients import bounded_client
from lakewright.aws.s3_calls import code_of
from lakewright.catalog.entries import as_input, keys_of, merged, place_of, without_parameters
from lakewright.errors import CatalogError
from lakewright.log.state import TableState

#: Glue's maximum per call.
_WRITTEN_PER_CALL: Final = 100
_DELETED_PER_CALL: Final = 25
_TRIES: Final = 3
#: Error codes of concurrent changes to the same entry.
_CHANGED_MEANWHILE: Final = ("ConcurrentModificationException", "AlreadyExistsException", "EntityNotFoundException")
_OWNER: Final = "lakewright.owner"
_SPARK_SCHEMA: Final = "spark.sql.sources.schema."
_ATTEMPTS: Final = 4
_PARQUET: Final = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
}
_NO_PARAMETERS: Final[Mapping[str, str]] = {}

T = TypeVar("T")


class Catalog:
    """The entry of one table, of Parquet files unless ``formats`` and ``parameters`` say otherwise.

    Args:
        location: The table's root, as ``s3://…``.
        partition_keys: Partition columns, outermost first.
        owner: The owner of the table, which may move the entry to another location.
        keeps_others: Whether partitions that a registration does not name stay in the catalog as they are.
    """

    def __init__(
        self,
        database: str,
        table: str,
        location: str,
        partition_keys: Sequence[str],
        *,
        owner: str,
        formats: Mapping[str, Any] = _PARQUET,
        parameters: Mapping[str, str] = _NO_PARAMETERS,
        keeps_others: bool = False,
    ) -> None:
        # Glue converts names to lower case.
        self._database, self._table = database.lower(), table.lower()
        self._location = location.rstrip("/").replace("s3a://", "s3://")
        self._partition_keys = list(partition_keys)
        self._owner, self._formats, self._parameters = owner, formats, parameters
        self._keeps_others = keeps_others
        self.name = f"{self._database}.{self._table}"

    def register(self, state: TableState) -> str:
        """See ``lakewright.runs.job.interfaces.CatalogEntry.register``."""
        return self.register_as(state.columns, sorted({file.partition for file in state.files.values()}))

    def register_as(self, columns: Mapping[str, str], partitions: Sequence[str]) -> str:
        """Update table and partitions; see ``register``."""
        try:
            for tried in range(1, _TRIES + 1):
                try:
                    if self._bring_to(columns, partitions, is_trusted=tried == 1):
                        return self.name
                except ClientError as error:
                    if code_of(error) not in _CHANGED_MEANWHILE or tried == _TRIES:
                        raise
        except ClientError as error:
            what = self._database if "Database" in error.operation_name else self.name
            raise CatalogError(f"the catalog refused {error.operation_name} of {what}: {_message_of(error)}") from error
        except BotoCoreError as error:
            raise CatalogError(f"the catalog could not be reached for {self.name}: {error}") from error
        raise CatalogError(f"{self.name} was changed in the catalog on every attempt to register it")

    def _bring_to(self, columns: Mapping[str, str], partitions: Sequence[str], *, is_trusted: bool) -> bool:
        """Make one attempt; with ``is_trusted``, partitions of an up-to-date table are assumed to have its columns.

        This holds because tables are updated after their partitions.

        Returns:
            Whether no partition was changed concurrently.
        """
        wanted = self._wanted(columns)
        found = self._find()
        if found is None:
            self._create(wanted)
            return self._bring_partitions(partitions, columns, deep=True)
        self._check_owner(found)
        there = as_input(found, self._shape("TableInput"))
        ours = without_parameters(there, _SPARK_SCHEMA) if _SPARK_SCHEMA + "numParts" in self._parameters else there
        table = merged(ours, wanted)
        agrees = table == there
        if keys_of(there) != keys_of(wanted):
            self._change_keys(table, found)
            return self._bring_partitions(partitions, columns, deep=True)
        settled = self._bring_partitions(partitions, columns, deep=self._keeps_others or not (agrees and is_trusted))
        if not agrees and settled:
            self._update(table, found)
        return settled

    def _find(self) -> dict[str, Any] | None:
        try:
            table: dict[str, Any] = self._glue.get_table(DatabaseName=self._database, Name=self._table)["Table"]
        except ClientError as error:
            if code_of(error) != "EntityNotFoundException":
                raise
            return None
        return table

    def _create(self, table: Mapping[str, Any]) -> None:
        """Create the table, and the database only if it does not exist, since many roles must not create one."""
        try:
            self._glue.create_table(DatabaseName=self._database, TableInput=table)
        except ClientError as error:
            if code_of(error) != "EntityNotFoundException":
                raise
            self._glue.create_database(DatabaseInput={"Name": self._database})
            self._glue.create_table(DatabaseName=self._database, TableInput=table)

    def _update(self, table: Mapping[str, Any], found: Mapping[str, Any]) -> None:
        version = {"VersionId": found["VersionId"]} if found.get("VersionId") else {}
        self._glue.update_table(DatabaseName=self._database, TableInput=table, SkipArchive=True, **version)

    def _change_keys(self, table: Mapping[str, Any], found: Mapping[str, Any]) -> None:
        """Update a table whose partition keys change, after deleting the partitions, whose values are of the old keys.

        Raises:
            CatalogError: If the catalog does not allow it, for example because of a partition index.
        """
        self._delete([tuple(partition["Values"]) for page in self._pages(deep=False) for partition in page])
        try:
            self._update(table, found)
        except ClientError as error:
            if code_of(error) != "InvalidInputException":
                raise
            former, now = (", ".join(name for name, _ in keys_of(entry)) or "nothing" for entry in (found, table))
            raise CatalogError(
                f"{self.name} in the catalog is partitioned by {former}, the files by {now}, and the catalog does not "
                f"allow a change of keys ({_message_of(error)}): drop the table in the catalog"
            ) from error

    def _check_owner(self, found: Mapping[str, Any]) -> None:
        """Refuse an entry at another location unless it is ours, since its owner would see other rows.

        Raises:
            CatalogError: If it belongs to another owner.
        """
        there, here = place_of(found), f"{self._location}/"
        owner = found.get("Parameters", {}).get(_OWNER, "")
        if there == here or owner == self._owner:
            return
        kind = str(found.get("TableType") or "table").lower().replace("_", " ")
        raise CatalogError(
            f"{self.name} in the catalog is {'an' if kind[0] in 'aeiou' else 'a'} {kind} at {there or 'no location'}"
            f"{f' of feed {owner}' if owner else ''}, and the feed's table is at {here}: choose another table in the "
            "feed, or drop that one in the catalog"
        )

    def _bring_partitions(self, partitions: Sequence[str], columns: Mapping[str, str], *, deep: bool) -> bool:
        """Create, update and delete partitions that differ; ``deep`` also compares columns and formats.

        Returns:
            Whether none was changed concurrently.
        """
        if not self._partition_keys:
            return True
        missing = {_values(partition): partition for partition in partitions}
        shape, gone, settled = self._shape("PartitionInput"), [], True
        for page in self._pages(deep=deep):
            updates = []
            for found in page:
                values = tuple(found["Values"])
                if values not in missing:
                    if not self._keeps_others:
                        gone.append(values)
                    continue
                ours = {"StorageDescriptor": self._storage(missing.pop(values), columns)}
                if not deep and place_of(found) != ours["StorageDescriptor"]["Location"]:
                    return self._bring_partitions(partitions, columns, deep=True)
                there = as_input(found, shape)
                if deep and (partition := merged(there, ours)) != there:
                    updates.append({"PartitionValueList": list(values), "PartitionInput": partition})
            for entries in _chunks(updates, _WRITTEN_PER_CALL):
                answer = self._glue.batch_update_partition(**self._names, Entries=entries)
                settled &= self._is_settled(answer, "EntityNotFoundException")
        new = [
            {"Values": list(values), "StorageDescriptor": self._storage(partition, columns)}
            for values, partition in missing.items()
        ]
        for inputs in _chunks(new, _WRITTEN_PER_CALL):
            answer = self._glue.batch_create_partition(**self._names, PartitionInputList=inputs)
            settled &= self._is_settled(answer, "AlreadyExistsException")
        self._delete(gone)
        return settled

    def _delete(self, partitions: Sequence[tuple[str, ...]]) -> None:
        for some in _chunks(partitions, _DELETED_PER_CALL):
            to_delete = [{"Values": list(values)} for values in some]
            answer = self._glue.batch_delete_partition(**self._names, PartitionsToDelete=to_delete)
            self._is_settled(answer, "EntityNotFoundException")

    def _is_settled(self, answer: Mapping[str, Any], changed_meanwhile: str) -> bool:
        """Check a response for errors of single partitions.

        Returns:
            Whether there are none; otherwise partitions were changed concurrently.

        Raises:
            CatalogError: If some were refused for another reason.
        """
        problems = [problem.get("ErrorDetail", {}) for problem in answer.get("Errors", ())]
        refused = [problem for problem in problems if problem.get("ErrorCode") != changed_meanwhile]
        if refused:
            reason = f"{refused[0].get('ErrorCode')}: {refused[0].get('ErrorMessage')}"
            raise CatalogError(f"the catalog refused {len(refused)} partitions of {self.name}, first: {reason}")
        return not problems

    def _pages(self, *, deep: bool) -> Iterator[list[dict[str, Any]]]:
        pages = self._glue.get_paginator("get_partitions").paginate(**self._names, ExcludeColumnSchema=not deep)
        return (page["Partitions"] for page in pages)

    def _wanted(self, columns: Mapping[str, str]) -> dict[str, Any]:
        keys = [{"Name": name.lower(), "Type": columns.get(name, "string").lower()} for name in self._partition_keys]
        owned = {"classification": "parquet", "EXTERNAL": "TRUE", _OWNER: self._owner}
        return {
            "Name": self._table,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {**owned, **self._parameters},
            "PartitionKeys": keys,
            "StorageDescriptor": self._storage("", columns),
        }

    def _storage(self, partition: str, columns: Mapping[str, str]) -> dict[str, Any]:
        described = [
            {"Name": name.lower(), "Type": kind.lower()}
            for name, kind in columns.items()
            if name not in self._partition_keys
        ]
        return {"Columns": described, "Location": f"{self._location}/{partition}".rstrip("/") + "/", **self._formats}

    @property
    def _names(self) -> dict[str, str]:
        return {"DatabaseName": self._database, "TableName": self._table}

    def _shape(self, name: str) -> Any:
        return self._glue.meta.service_model.shape_for(name)

    @cached_property
    def _glue(self) -> Any:
        return bounded_client("glue", attempts=_ATTEMPTS)


def _values(partition: str) -> tuple[str, ...]:
    return tuple(unquote(part.split("=", 1)[1]) for part in partition.split("/"))


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _message_of(error: ClientError) -> str:
    message = " ".join(str(error.response.get("Error", {}).get("Message", "")).split())
    return f"{code_of(error)}: {message}".removesuffix(": ")
