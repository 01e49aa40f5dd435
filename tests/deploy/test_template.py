"""The template matches the code; cfn-lint checks that AWS accepts it."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

TEMPLATE = ROOT / "deploy/template.yaml"


class Loader(yaml.SafeLoader):
    """YAML loader that replaces CloudFormation's short functions by their arguments."""


Loader.add_multi_constructor("!", lambda loader, _, node: getattr(loader, f"construct_{node.id}")(node))


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    template: dict[str, Any] = yaml.load(TEMPLATE.read_text(), Loader=Loader)
    return dict(template["Resources"])


def statements(part: Any) -> Iterator[dict[str, Any]]:
    """Yield the policy statements at any depth."""
    if isinstance(part, dict):
        if "Effect" in part and "Resource" in part:
            yield part
        for value in part.values():
            yield from statements(value)
    elif isinstance(part, list):
        for value in part:
            yield from statements(value)


@pytest.mark.slow
def test_cfn_lint_reports_nothing() -> None:
    lint = [str(Path(sys.executable).with_name("cfn-lint")), str(TEMPLATE)]
    done = subprocess.run(lint, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_roles_have_no_wildcard_actions_or_resources(resources: dict[str, Any]) -> None:
    policy = list(statements(resources))
    assert len(policy) > 10
    for statement in (each for each in policy if "Principal" not in each):
        actions, allowed = (
            value if isinstance(value, list) else [value] for value in (statement["Action"], statement["Resource"])
        )
        assert not [action for action in actions if "*" in action], statement
        for resource in allowed:
            assert resource != "*", statement
            if "/*" in resource or resource.endswith("*"):
                assert re.search(r"(Prefix}|FeedName}/|/code/|aws-glue/)\*$", resource), statement


def test_the_stream_passes_only_expired_items_to_the_handler(resources: dict[str, Any]) -> None:
    expiry = resources["ScrubExpired"]["Properties"]["Events"]["Expiry"]["Properties"]
    (pattern,) = expiry["FilterCriteria"]["Filters"]
    by_ttl = {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]}
    assert json.loads(pattern["Pattern"]) == {"eventName": ["REMOVE"], "userIdentity": by_ttl}
    assert expiry["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert 0 < expiry["MaximumRetryAttempts"] < 100
    assert expiry["DestinationConfig"]["OnFailure"]["Destination"] == "NotScrubbed.Arn"
    table = resources["ObjectsToProcess"]["Properties"]
    assert (table["TableName"], table["TimeToLiveSpecification"]["AttributeName"]) == ("objects-to-process", "ttl")


@pytest.mark.parametrize(
    ("function", "folder"), [("ScheduleScrub", "schedule_scrub"), ("ScrubExpired", "scrub_expired")]
)
def test_a_function_has_the_variables_that_its_handler_reads(
    resources: dict[str, Any], function: str, folder: str
) -> None:
    handler = (ROOT / f"deploy/lambdas/{folder}/handler.py").read_text()
    read = set(re.findall(r'os\.environ\["(\w+)"\]', handler))
    assert set(resources[function]["Properties"]["Environment"]["Variables"]) == read
    assert f"build-{function}: FUNCTION = {folder}\n" in (ROOT / "Makefile").read_text()
