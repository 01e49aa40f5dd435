"""Compare what roles may do with what they do."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import boto3

from deploy.checks.calls import ARTEFACTS, LAKE, Call
from deploy.checks.ministack import ACCOUNT, REGION
from deploy.checks.stacks import Stack

#: Actions of the catalog, which IAM checks for the catalog, the database and the table.
_CATALOG: Final = re.compile(r"glue:\w*(Table|Tables|Partition|Partitions|Database)$")


#: Calls that would show a role to be too wide.
FORBIDDEN: Final = (
    Call("StartPipeline", "s3:GetObject", f"{LAKE}/landing/customers_20190821.csv"),
    Call("CopyObjects", "s3:DeleteObject", f"{LAKE}/landing/customers_20190821.csv"),
    Call("CopyObjects", "s3:PutObject", f"{LAKE}/refined/customers/part.parquet"),
    Call("CheckLanding", "s3:DeleteObject", f"{LAKE}/landing/customers_20190821.csv"),
    Call("ArchiveObjects", "s3:DeleteObject", f"{LAKE}/archive/2019-08-21/customers_20190821.csv"),
    Call("ArchiveObjects", "s3:DeleteObject", f"{LAKE}/raw/customers/customers_20190821.csv"),
    Call("Notice", "s3:GetObject", f"{LAKE}/quarantine/customers/part.parquet"),
    Call("Machine", "s3:GetObject", f"{LAKE}/landing/customers_20190821.csv"),
    Call("Job", "s3:DeleteObject", f"{LAKE}/raw/customers/customers_20190821.csv"),
    Call("Job", "s3:GetObject", f"{LAKE}/state/another-feed/lease"),
    Call("Job", "s3:PutObject", f"{ARTEFACTS}/code/jobs/csv_to_parquet.py"),
    Call("Job", "glue:UpdateTable", "refined/another-table"),
)


def denied(stack: Stack, calls: Iterable[Call]) -> list[Call]:
    """Ask IAM about each call, and return those that the role may not make."""
    iam = boto3.client("iam")
    return [call for call in calls if not _is_allowed(iam, stack, call)]


def _is_allowed(iam: Any, stack: Stack, call: Call) -> bool:
    role = f"arn:aws:iam::{ACCOUNT}:role/{stack.resources[f'{call.role}Role'][1]}"
    # One by one, since MiniStack considers only the first.
    answers = [
        iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=[call.action], ResourceArns=[arn])
        for arn in _arns(stack, call)
    ]
    return all(result["EvalDecision"] == "allowed" for answer in answers for result in answer["EvaluationResults"])


def allowed_actions(stack: Stack) -> Iterator[tuple[str, str]]:
    """Yield each role of a stack with each action that its policies allow."""
    iam = boto3.client("iam")
    for name, (kind, role) in stack.resources.items():
        if kind != "AWS::IAM::Role":
            continue
        documents = [
            iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
            for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]
        ]
        for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            version = iam.get_policy(PolicyArn=policy["PolicyArn"])["Policy"]["DefaultVersionId"]
            answer = iam.get_policy_version(PolicyArn=policy["PolicyArn"], VersionId=version)
            documents.append(answer["PolicyVersion"]["Document"])
        for document in documents:
            for statement in document["Statement"]:
                actions = statement["Action"]
                for action in [actions] if isinstance(actions, str) else actions:
                    yield name.removesuffix("Role"), action


def _arns(stack: Stack, call: Call) -> list[str]:
    """Return the ARNs of a call's resource; a call to the catalog needs permission for each level."""
    service, here = call.action.split(":")[0], f"{REGION}:{ACCOUNT}"
    if _CATALOG.fullmatch(call.action):
        database, _, table = call.resource.partition("/")
        catalog = [f"arn:aws:glue:{here}:catalog", f"arn:aws:glue:{here}:database/{database}"]
        return [*catalog, f"arn:aws:glue:{here}:table/{database}/{table}"] if table else catalog
    if call.action == "states:DescribeExecution":
        return [f"{stack.resources['Machine'][1].replace(':stateMachine:', ':execution:')}:an-execution"]
    if service == "states":
        return [stack.resources["Machine"][1]]
    if service == "sns":
        return [stack.parameters["NoticeTopicArn"]]
    name = stack.resources[call.resource][1].rpartition("/")[2] if call.resource in stack.resources else call.resource
    prefixes = {
        "glue": f"arn:aws:glue:{here}:job/",
        "lambda": f"arn:aws:lambda:{here}:function:",
        "s3": "arn:aws:s3:::",
        "sqs": f"arn:aws:sqs:{here}:",
    }
    return [prefixes[service] + name.replace("*", "anything")]
