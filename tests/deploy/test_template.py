"""The template is what the code takes it for; whether AWS takes it, cfn-lint says."""

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
    """YAML with CloudFormation's short functions, which become their arguments."""


Loader.add_multi_constructor("!", lambda loader, _, node: getattr(loader, f"construct_{node.id}")(node))


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(TEMPLATE.read_text(), Loader=Loader)["Resources"]
    return found


def statements(part: Any) -> Iterator[dict[str, Any]]:
    """Find the policy statements at any depth."""
    if isinstance(part, dict):
        if "Effect" in part and "Resource" in part:
            yield part
        for value in part.values():
            yield from statements(value)
    elif isinstance(part, list):
        for value in part:
            yield from statements(value)


@pytest.mark.slow
def test_cfn_lint_has_nothing_to_say() -> None:
    lint = [str(Path(sys.executable).with_name("cfn-lint")), str(TEMPLATE)]
    done = subprocess.run(lint, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_role_names_its_actions_and_its_resources(resources: dict[str, Any]) -> None:
    found = list(statements(resources))
    assert len(found) > 10
    for statement in (each for each in found if "Principal" not in each):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not [action for action in actions if "*" in action], statement
        assert statement["Resource"] not in ("*", ["*"]), statement
        if "/*" in statement["Resource"] or statement["Resource"].endswith("*"):
            assert re.search(r"(Prefix}|FeedName}/|/code/|aws-glue/)\*$", statement["Resource"]), statement


def test_the_stream_hands_over_what_the_handler_looks_for(resources: dict[str, Any]) -> None:
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
