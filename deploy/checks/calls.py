"""The calls to AWS of the end-to-end tests: which role calls which action on which resource, in ``calls.jsonl``."""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
CALLS: Final = ROOT / "deploy/checks/calls.jsonl"
UNUSED: Final = ROOT / "deploy/checks/unused_actions.yaml"
LAKE: Final = "pipeline-lake"
ARTEFACTS: Final = "pipeline-code"
#: Folders that are named for a partition, a day, a batch or a run.
_VALUE: Final = re.compile(r"(?<==).+|^[^=]*\d[^=]*$")
#: Files of a table's state: its lease and its last registration in the catalog.
_FIXED: Final = re.compile("[a-z]+")


@dataclass(frozen=True, order=True)
class Call:
    """An action of a role on a resource: bucket/key, database/table, or a name; ``*`` is any segment."""

    role: str
    action: str
    resource: str

    def __str__(self) -> str:
        return f"{self.role}: {self.action} on {self.resource}"


def read_calls(path: Path = CALLS) -> list[Call]:
    """Read calls, one JSON object per line."""
    return [Call(**json.loads(line)) for line in path.read_text().splitlines()]


def normalised(calls: Iterable[Call]) -> list[Call]:
    """Return distinct calls, with ``*`` for names of objects in the lake and for what differs from run to run."""
    return sorted({Call(call.role, call.action, _without_names(call)) for call in calls})


def _without_names(call: Call) -> str:
    if call.action.startswith("s3:"):
        bucket, *segments = call.resource.split("/")
        if bucket != LAKE or not segments:
            return call.resource
        folders = [_VALUE.sub("*", each) for each in segments[:-1]]
        return "/".join([bucket, *folders, segments[-1] if _FIXED.fullmatch(segments[-1]) else "*"])
    if call.action == "states:DescribeExecution":
        return ""
    return re.split("[:/]", call.resource)[-1] if call.resource.startswith(("arn:", "http")) else call.resource


def read_unused() -> dict[tuple[str, str], str]:
    """Read which allowed actions of each role no call uses, and why they are allowed."""
    entries = yaml.safe_load(UNUSED.read_text())
    return {
        (role, action): entry["reason"] for entry in entries for role in entry["roles"] for action in entry["actions"]
    }


def unexplained_actions(
    allowed: Iterable[tuple[str, str]], calls: Iterable[Call], unused: Iterable[tuple[str, str]]
) -> Iterator[str]:
    """Describe allowed actions that neither a call uses nor a reason explains, and reasons that are out of date."""
    granted, explained = set(allowed), set(unused)
    used = {(call.role, call.action) for call in calls}
    for role, action in sorted(granted - used - explained):
        yield f"{role} may call {action}, which no test does: remove it, or give a reason in {UNUSED.name}"
    for role, action in sorted(explained & used):
        yield f"{UNUSED.name} calls {action} of {role} unused, but a test uses it"
    for role, action in sorted(explained - granted):
        yield f"{UNUSED.name} names {action} of {role}, which the template does not allow"


def lines_of(calls: Iterable[Call]) -> Iterator[str]:
    """Yield the lines of ``calls.jsonl``."""
    for call in normalised(calls):
        yield json.dumps(asdict(call)) + "\n"


if __name__ == "__main__":
    CALLS.write_text("".join(lines_of(read_calls(Path(sys.argv[1])))))
