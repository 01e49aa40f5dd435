"""Requests as an S3 server sees them: of boto3 in all processes, and of S3A."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, unquote

#: The operation of a request to a key or a bucket, by method; a parameter of the query may name another one.
_OF_KEYS: Final = {"GET": "GET", "HEAD": "HEAD", "PUT": "PUT", "DELETE": "DELETE"}
_PARAMETERS: Final = {
    ("GET", "tagging"): "GET tags",
    ("GET", "versions"): "LIST versions",
    ("POST", "delete"): "DELETE keys",
    ("POST", "uploads"): "POST upload",
    ("POST", "uploadId"): "POST upload",
    ("PUT", "uploadId"): "PUT part",
    ("GET", "list-type"): "LIST",
    ("GET", "uploads"): "LIST uploads",
}


@dataclass(frozen=True)
class Served:
    """A request: its operation, and the key, or the prefix of a listing."""

    operation: str
    key: str


@dataclass
class ServedRequests:
    """A WSGI middleware that notes the requests to buckets."""

    app: Callable[..., Iterable[bytes]]
    requests: list[Served] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve a request; those to other services name their operation in a header."""
        if "HTTP_X_AMZ_TARGET" not in environ:
            self.requests.append(_read(environ))
        return self.app(environ, start_response)

    def count(self) -> Counter[str]:
        """Return the number of requests by operation."""
        return Counter(request.operation for request in self.requests)


def _read(environ: dict[str, Any]) -> Served:
    method = environ["REQUEST_METHOD"]
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    _, _, key = unquote(environ["PATH_INFO"]).lstrip("/").partition("/")
    operation = next(
        (name for (verb, parameter), name in _PARAMETERS.items() if verb == method and parameter in query), ""
    )
    if method == "PUT" and "HTTP_X_AMZ_COPY_SOURCE" in environ:
        operation = "COPY"
    return Served(operation or _OF_KEYS.get(method, method), key or query.get("prefix", [""])[0])
