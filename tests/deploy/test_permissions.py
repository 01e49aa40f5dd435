"""Every action that a role may call is used by an end-to-end test, or has a reason; make deploy-local asks IAM itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.checks.calls import Call, lines_of, normalised, read_calls, read_unused, unexplained_actions
from tests.deploy.templates import CSV, as_list, resources_of, statements_in


def allowed_actions() -> Iterator[tuple[str, str]]:
    resources = resources_of(CSV)
    for name, role in resources.items():
        if role["Type"] == "AWS::IAM::Role":
            policies = [resources[policy] for policy in role["Properties"].get("ManagedPolicyArns", ())]
            for statement in statements_in([role, *policies]):
                yield from ((name.removesuffix("Role"), action) for action in as_list(statement["Action"]))


def test_every_allowed_action_is_used_or_has_a_reason() -> None:
    # Granted only where Lake Formation governs the lake.
    allowed = set(allowed_actions()) - {("Job", "lakeformation:GetDataAccess")}
    assert list(unexplained_actions(allowed, read_calls(), read_unused())) == []
    assert all(len(reason) > 20 for reason in read_unused().values())


def test_every_called_action_is_allowed() -> None:
    assert {(call.role, call.action) for call in read_calls()} <= set(allowed_actions())


def test_the_recorded_calls_are_in_their_normal_form() -> None:
    assert read_calls() == normalised(read_calls())


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        pytest.param(("s3:GetObject", "pipeline-lake/landing/a b.csv"), "pipeline-lake/landing/*", id="name"),
        pytest.param(
            ("s3:PutObject", "pipeline-lake/refined/_staging/c/c/000000001-9f3c1a/p.parquet"),
            "pipeline-lake/refined/_staging/c/c/*/*",
            id="folder-of-a-batch",
        ),
        pytest.param(
            ("s3:PutObject", "pipeline-lake/refined/c/year=2019/month=08/p.parquet"),
            "pipeline-lake/refined/c/year=*/month=*/*",
            id="partition",
        ),
        pytest.param(("s3:PutObject", "pipeline-lake/archive/2019-08-21/a"), "pipeline-lake/archive/*/a", id="day"),
        pytest.param(
            ("s3:PutObject", "pipeline-lake/state/c/c/lease"), "pipeline-lake/state/c/c/lease", id="file-of-the-state"
        ),
        pytest.param(("s3:ListBucket", "pipeline-lake"), "pipeline-lake", id="bucket"),
        pytest.param(
            ("s3:GetObject", "pipeline-code/conf/lake.yaml"), "pipeline-code/conf/lake.yaml", id="config-by-its-name"
        ),
        pytest.param(("sns:Publish", "arn:aws:sns:us-east-1:123456789012:Notices"), "Notices", id="arn"),
        pytest.param(("states:DescribeExecution", "arn:aws:states:…:execution:m:2019-08-21-ab"), "", id="execution"),
        pytest.param(("glue:GetTable", "refined/customers"), "refined/customers", id="table"),
    ],
)
def test_a_call_is_recorded_without_what_differs_from_run_to_run(call: tuple[str, str], expected: str) -> None:
    action, resource = call
    assert normalised([Call("Job", action, resource)]) == [Call("Job", action, expected)]


def test_calls_are_written_as_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text("".join(lines_of([*read_calls(), *read_calls()])))
    assert read_calls(path) == read_calls()


@pytest.mark.parametrize(
    ("allowed", "calls", "unused", "problem"),
    [
        pytest.param([("Job", "s3:GetObject")], [], [], "Job may call s3:GetObject, which no test does", id="unused"),
        pytest.param([], [], [("Job", "s3:GetObject")], "which the template does not allow", id="reason-for-nothing"),
        pytest.param(
            [("Job", "s3:GetObject")],
            [Call("Job", "s3:GetObject", "b/k")],
            [("Job", "s3:GetObject")],
            "unused, but a test uses it",
            id="reason-out-of-date",
        ),
    ],
)
def test_unexplained_actions_are_named(
    allowed: list[tuple[str, str]], calls: list[Call], unused: list[tuple[str, str]], problem: str
) -> None:
    (message,) = unexplained_actions(allowed, calls, unused)
    assert problem in message
