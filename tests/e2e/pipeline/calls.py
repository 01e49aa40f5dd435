"""Records which action each role calls on which resource, for checks of the roles' policies."""

import json
import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.etree import ElementTree

#: Of the emulator's own client for Step Functions tasks.
MACHINE_KEY = "ak"
OTHER_KEYS = ("test", "server")
_SCOPE = re.compile(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/")
_TARGETS = {"AWSGlue": "glue", "AWSStepFunctions": "states", "AmazonSQS": "sqs", "DynamoDB_20120810": "dynamodb"}
#: The parameters that name the resource of a call, by specificity.
_RESOURCES = ("stateMachineArn", "QueueUrl", "TopicArn", "JobName", "TableName", "DatabaseName")
#: S3's subresources in queries, and the permission of each method on objects.
_SUBRESOURCES = {"tagging": "Tagging", "acl": "Acl", "attributes": "Attributes"}
_LARGEST_BODY = 1 << 20

Call = tuple[str, str]


class CallRecorder:
    """A WSGI application in front of another that appends each distinct call to a file, as one line of JSON."""

    def __init__(self, application: Any, path: Path) -> None:
        self._application, self._path = application, path
        self._recorded: set[tuple[str, str, str]] = set()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        if scope and scope[1] not in OTHER_KEYS:
            role = "Machine" if scope[1] == MACHINE_KEY else scope[1]
            for action, resource in calls_of(environ, scope[2]):
                self._record(role, action, resource)
        return self._application(environ, start_response)  # type: ignore[no-any-return]

    def _record(self, role: str, action: str, resource: str) -> None:
        if (role, action, resource) not in self._recorded:
            self._recorded.add((role, action, resource))
            with self._path.open("a") as file:
                file.write(json.dumps({"role": role, "action": action, "resource": resource}) + "\n")


def calls_of(environ: dict[str, Any], service: str) -> Iterator[Call]:
    """Return the actions of a request and their resources, as policies name them."""
    if service == "s3":
        yield from _s3_calls(environ)
    elif service == "lambda":
        yield "lambda:InvokeFunction", unquote(environ["PATH_INFO"].split("/")[3])
    else:
        body = _body(environ)
        if target := environ.get("HTTP_X_AMZ_TARGET"):
            family, action = target.split(".")
            parameters = json.loads(body or b"{}")
            service = _TARGETS.get(family, service)
        else:
            parameters = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            action = parameters.get("Action", "")
        resource = next((str(parameters[name]) for name in _RESOURCES if name in parameters), "")
        if database := parameters.get("DatabaseName"):
            table = parameters.get("TableName") or parameters.get("Name") or parameters["TableInput"]["Name"]
            resource = f"{database}/{table}"
        yield f"{service}:{action}", resource


def _s3_calls(environ: dict[str, Any]) -> Iterator[Call]:
    method, query = environ["REQUEST_METHOD"], parse_qs(environ["QUERY_STRING"], keep_blank_values=True)
    bucket, _, key = environ["PATH_INFO"].lstrip("/").encode("latin-1").decode().partition("/")
    path = f"{bucket}/{key}"
    if not key and method == "POST" and "delete" in query:
        for element in ElementTree.fromstring(_body(environ)).iter():
            if element.tag.endswith("Key"):
                yield "s3:DeleteObject", f"{bucket}/{element.text}"
    elif not key:
        yield "s3:ListBucketVersions" if "versions" in query else "s3:ListBucket", bucket
    elif "uploadId" in query and method in ("GET", "DELETE"):
        yield "s3:ListMultipartUploadParts" if method == "GET" else "s3:AbortMultipartUpload", path
    elif subresource := next((name for name in _SUBRESOURCES if name in query), None):
        yield f"s3:{'Get' if method == 'GET' else 'Put'}Object{_SUBRESOURCES[subresource]}", path
    else:
        if source := environ.get("HTTP_X_AMZ_COPY_SOURCE"):
            yield "s3:GetObject", unquote(source.split("?")[0]).lstrip("/")
        version = "Version" if "versionId" in query else ""
        verbs = {"GET": "Get", "HEAD": "Get", "DELETE": "Delete"}
        yield f"s3:{verbs.get(method, 'Put')}Object{version}", path


def _body(environ: dict[str, Any]) -> bytes:
    """Read the body, and leave it to be read again."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > _LARGEST_BODY:
        return b""
    body: bytes = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = BytesIO(body)
    return body
