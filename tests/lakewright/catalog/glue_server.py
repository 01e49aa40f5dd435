"""A Glue catalog in this process: moto with limits and errors of the real service that moto lacks."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.glue.responses import GlueResponse

PAGE = 7
_READS = ("get_table", "get_partitions")
_WRITES = (
    "create_database",
    "create_table",
    "update_table",
    "delete_table",
    "create_partition",
    "update_partition",
    "delete_partition",
    "batch_create_partition",
    "batch_update_partition",
    "batch_delete_partition",
)


@dataclass
class GlueServer:
    """The calls to the catalog, and the errors that it returns."""

    calls: list[str] = field(default_factory=list)
    #: The number of calls that succeed; the next one fails, before or after its work.
    good_calls: int | None = None
    fails_after_work: bool = False
    #: Error codes by refused call.
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def writes(self) -> list[str]:
        return [call for call in self.calls if call in _WRITES]

    def passes(self) -> bool:
        if self.good_calls is None:
            return True
        self.good_calls -= 1
        if self.good_calls >= 0:
            return True
        self.good_calls = None
        return False


def _strictly(server: GlueServer, name: str, work: Any) -> Any:
    def answer(self: GlueResponse) -> ActionResult:
        parameters = self.parameters
        server.calls.append(name)
        if code := server.refused.get(name):
            raise JsonRESTError(code, f"User: arn:aws:iam::1:role/etl is not authorized to perform: {name}")
        passes = server.passes()
        if not passes and not server.fails_after_work:
            raise JsonRESTError("InternalServiceException", "something broke")
        _check(self, name, parameters)
        result = _page(self, work) if name == "get_partitions" else work(self)
        if not passes:
            raise JsonRESTError("InternalServiceException", "something broke, perhaps after the work was done")
        return result

    return answer


def _check(response: GlueResponse, name: str, parameters: dict[str, Any]) -> None:
    sizes = {
        "batch_create_partition": ("PartitionInputList", 100),
        "batch_update_partition": ("Entries", 100),
        "batch_delete_partition": ("PartitionsToDelete", 25),
    }
    if name in sizes:
        key, most = sizes[name]
        if not 0 < len(parameters[key]) <= most:
            raise JsonRESTError("ValidationException", f"{key} must have 1 to {most} members")
    for entry in (parameters.get("TableInput"), *(entry["PartitionInput"] for entry in parameters.get("Entries", ()))):
        storage = (entry or {}).get("StorageDescriptor", {})
        if name != "create_table" and storage.get("SchemaReference") and storage.get("Columns"):
            raise JsonRESTError("InvalidInputException", "Both SchemaReference and Columns are populated")
    if name == "update_table":
        table = response.glue_backend.get_table(parameters["DatabaseName"], parameters["TableInput"]["Name"])
        now = table.as_dict()
        if parameters.get("VersionId", now["VersionId"]) != now["VersionId"]:
            raise JsonRESTError(
                "ConcurrentModificationException", "Update table failed due to concurrent modifications."
            )
        if len(parameters["TableInput"]["PartitionKeys"]) != len(now["PartitionKeys"]) and table.partitions:
            raise JsonRESTError("InvalidInputException", "the table has partitions of other keys")
    if name == "batch_create_partition":
        table = response.glue_backend.get_table(parameters["DatabaseName"], parameters["TableName"]).as_dict()
        if any(len(entry["Values"]) != len(table["PartitionKeys"]) for entry in parameters["PartitionInputList"]):
            raise JsonRESTError(
                "InvalidInputException", "The number of partition keys do not match the number of partition values"
            )


def _page(response: GlueResponse, work: Any) -> ActionResult:
    parameters = response.parameters
    partitions = work(response)._result["Partitions"]
    start = int(parameters.get("NextToken") or 0)
    page = json.loads(json.dumps(partitions[start : start + PAGE], default=str))
    for partition in page if parameters.get("ExcludeColumnSchema") else ():
        partition["StorageDescriptor"].pop("Columns", None)
    for partition in page:
        partition.pop("CreationTime", None)
    result: dict[str, Any] = {"Partitions": page}
    if start + PAGE < len(partitions):
        result["NextToken"] = str(start + PAGE)
    return ActionResult(result)


@contextmanager
def glue_server() -> Iterator[GlueServer]:
    server = GlueServer()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        for name in (*_READS, *_WRITES):
            patch.setattr(GlueResponse, name, _strictly(server, name, getattr(GlueResponse, name)))
        with mock_aws():
            client = _client()
            patch.setattr(boto3, "client", lambda *args, **kwargs: client)
            yield server


@cache
def _client() -> Any:
    """Return one client for all tests, since creating one reads the whole model of the service."""
    return boto3.Session(region_name="us-east-1").client("glue")
