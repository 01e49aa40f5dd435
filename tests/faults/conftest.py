from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.faults.fault_proxy import FaultProxy, fault_proxy
from tests.s3_server import empty_catalog

BUCKET = "lakewright-faults"


@pytest.fixture(scope="session")
def session_proxy() -> Iterator[FaultProxy]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    with fault_proxy(("127.0.0.1", port)) as proxy:
        yield proxy
    server.stop()


@pytest.fixture
def proxy(session_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """The proxy without faults, in front of an empty bucket."""
    proxy = session_proxy
    proxy.reset()
    environment = {
        "AWS_ENDPOINT_URL": proxy.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    direct(proxy).create_bucket(Bucket=BUCKET)
    glue = _client("glue", proxy.upstream)
    empty_catalog(glue)
    yield proxy
    bucket = boto3.resource("s3", endpoint_url=_url(proxy.upstream)).Bucket(BUCKET)
    bucket.object_versions.all().delete()
    bucket.delete()
    empty_catalog(glue)


def direct(proxy: FaultProxy) -> Any:
    """A client that bypasses the proxy."""
    return _client("s3", proxy.upstream)


@cache
def _client(service: str, upstream: tuple[str, int]) -> Any:
    return boto3.client(service, endpoint_url=_url(upstream))


def _url(upstream: tuple[str, int]) -> str:
    host, port = upstream
    return f"http://{host}:{port}"
