"""An S3 and Glue server for all tests of a process: fixtures, registered once by ``tests.conftest``."""

import os
from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from pyspark import SparkContext

from tests.served_requests import ServedRequests

BUCKET = "lakewright-test"


@pytest.fixture(scope="session")
def aws() -> Iterator[ServedRequests]:
    """An S3 and Glue server on loopback; boto3, S3A and subprocesses use it through environment variables."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    served = server._server.app = ServedRequests(server._server.app)  # type: ignore[union-attr, assignment]
    _, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for key, value in environment.items():
            patch.setenv(key, value)
        patch.delenv("AWS_PROFILE", raising=False)
        if context := SparkContext._active_spark_context:
            # Spark's Python workers inherit the environment of a JVM that started earlier.
            patch.setattr(context, "environment", context.environment | environment)
        yield served
    server.stop()


@pytest.fixture
def bucket(aws: None) -> Iterator[Any]:
    """An empty bucket; the catalog is emptied afterwards, since moto has one for all servers of a process."""
    s3, glue = _clients(os.environ["AWS_ENDPOINT_URL"])
    bucket = s3.Bucket(BUCKET)
    bucket.create()
    yield bucket
    bucket.objects.all().delete()
    bucket.delete()
    empty_catalog(glue)


@cache
def _clients(endpoint: str) -> tuple[Any, Any]:
    """Return clients of the server for all tests, since creating them takes longer than most tests."""
    return boto3.resource("s3", endpoint_url=endpoint), boto3.client("glue", endpoint_url=endpoint)


def empty_catalog(glue: Any) -> None:
    for database in glue.get_databases()["DatabaseList"]:
        glue.delete_database(Name=database["Name"])


@pytest.fixture
def served(bucket: Any, aws: ServedRequests) -> ServedRequests:
    """Count the requests of all processes, as the server sees them."""
    aws.requests.clear()
    return aws
