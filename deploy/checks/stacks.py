"""Deploy the templates into a local AWS as ``sam deploy`` does."""

import json
import logging
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.exceptions import WaiterError
from samcli.yamlhelper import yaml_parse
from samtranslator.public.translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform

from deploy.checks.calls import ARTEFACTS, LAKE, ROOT

#: Where `sam package` uploads code and templates.
UPLOADS: Final = "uploads-of-sam"
STACK: Final = "lakewright"
_PARAMETERS: Final = {"LakeBucketName": LAKE, "ArtefactBucketName": ARTEFACTS, "NoticeEmail": "team@example.com"}
_CAPABILITIES: Final = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
# It logs an error because no publisher of its own usage metrics is set.
logging.getLogger("samtranslator").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Stack:
    """A deployed stack: its resources by their logical names, and the stacks in it.

    Attributes:
        resources: Type and physical name of each resource.
    """

    resources: dict[str, tuple[str, str]]
    parameters: dict[str, str]
    nested: dict[str, "Stack"] = field(default_factory=dict)

    def count(self) -> int:
        """Count the resources, including those of nested stacks."""
        return len(self.resources) + sum(stack.count() for stack in self.nested.values())


def package(folder: Path, environment: Mapping[str, str]) -> Path:
    """Run ``sam package`` on a copy of the templates, in which small zips stand for those of ``make package``.

    Returns:
        The packaged parent template.
    """
    shutil.copytree(ROOT / "deploy", folder / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
    for handler in (ROOT / "deploy/lambdas").glob("*/handler.py"):
        path = folder / f"dist/lambdas/{handler.parent.name}.zip"
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(handler, "handler.py")
    boto3.client("s3").create_bucket(Bucket=UPLOADS)
    packaged = folder / "packaged.yaml"
    sam = [str(Path(sys.executable).with_name("sam")), "package", "--no-progressbar", "--s3-bucket", UPLOADS]
    files = ["--template-file", str(folder / "deploy/template.yaml"), "--output-template-file", str(packaged)]
    done = subprocess.run([*sam, *files], capture_output=True, text=True, check=False, env=dict(environment))
    if done.returncode:
        sys.exit(f"error: sam package failed:\n{done.stderr}")
    return packaged


def create_stack(packaged: Path) -> Stack:
    """Create the stack of a packaged template, and return what was created."""
    template = yaml_parse(packaged.read_text())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::CloudFormation::Stack":
            _expand(resource["Properties"]["TemplateURL"])
    cloudformation = boto3.client("cloudformation")
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in _PARAMETERS.items()]
    cloudformation.create_stack(
        StackName=STACK, TemplateBody=json.dumps(template), Parameters=parameters, Capabilities=_CAPABILITIES
    )
    try:
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
        )
    except WaiterError:
        sys.exit(f"error: the stack could not be created: {_reasons(cloudformation)}")
    return _read(cloudformation, STACK)


def _expand(url: str) -> None:
    """Apply the SAM transform to an uploaded template, which MiniStack does for parent stacks only."""
    s3, key = boto3.client("s3"), url.rpartition("/")[2]
    template = yaml_parse(s3.get_object(Bucket=UPLOADS, Key=key)["Body"].read().decode())
    if "Transform" in template:
        template = transform(template, {}, ManagedPolicyLoader(None))
        template.pop("Transform", None)
        s3.put_object(Bucket=UPLOADS, Key=key, Body=json.dumps(template).encode())


def _reasons(cloudformation: Any) -> str:
    events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
    failures = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
    return "; ".join(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in failures)


def _read(cloudformation: Any, stack: str) -> Stack:
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    resources = {
        each["LogicalResourceId"]: (each["ResourceType"], each["PhysicalResourceId"])
        for page in pages
        for each in page["StackResourceSummaries"]
    }
    nested = {name: each for name, (kind, each) in resources.items() if kind == "AWS::CloudFormation::Stack"}
    (described,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in described["Parameters"]}
    return Stack(resources, parameters, {name: _read(cloudformation, each) for name, each in nested.items()})
