"""The definitions for EMR name files that the package has, feeds and options that exist, and fit the service's API."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from jobs.cli import compaction, entrypoint
from jobs.cli.registry import load_feed
from lakewright import __version__
from lakewright.config_files import Conf
from tests.conftest import ROOT

CODE = "s3://BUCKET/code/"
STEPS = json.loads((ROOT / "deploy/emr/steps.json").read_text())
RUN = json.loads((ROOT / "deploy/emr/serverless-job-run.json").read_text())
SCRIPTS = {"compact": compaction._command_line, "rebuild": entrypoint._rebuild_command}


def submitted() -> Iterator[Any]:
    """Yield the options of spark-submit and the words after them, the script and its arguments."""
    for step in STEPS:
        at = next(place for place, word in enumerate(step["Args"]) if word.endswith(".py"))
        yield pytest.param(step["Args"][1:at], step["Args"][at:], id=step["Name"])
    driver = RUN["jobDriver"]["sparkSubmit"]
    words = [driver["entryPoint"], *driver["entryPointArguments"]]
    yield pytest.param(shlex.split(driver["sparkSubmitParameters"]), words, id="serverless")


@pytest.mark.parametrize(("options", "words"), list(submitted()))
def test_a_definition_names_what_exists(options: list[str], words: list[str]) -> None:
    (archive,) = [word for option in options for word in option.split("=") if word.startswith("s3://")]
    assert archive == f"{CODE}lakewright-{__version__}-environment.tar.gz#environment"
    script = words[0].removeprefix(f"{CODE}jobs/").removesuffix(".py")
    assert (ROOT / f"jobs/{script}.py").is_file()
    line = SCRIPTS[script]() if script in SCRIPTS else entrypoint._command_line(script)
    parsed = line(words[1:], standalone_mode=False)
    if feed := parsed[0].feed:
        assert load_feed(Conf(str(ROOT / "conf")), feed).feed.job == script
    assert ("hudi" in "".join(options)) is (script in ("cdc_to_hudi", "compact"))


def client(service: str) -> Any:
    return boto3.client(service, "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")


def test_steps_fit_the_api_of_emr() -> None:
    """``aws emr add-steps`` reads Type, Name, ActionOnFailure, Jar and Args, and sends them as the API wants them."""
    steps = [
        {
            "Name": step["Name"],
            "ActionOnFailure": step["ActionOnFailure"],
            "HadoopJarStep": {"Jar": step["Jar"], "Args": step["Args"]},
        }
        for step in STEPS
    ]
    assert {key for step in STEPS for key in step} == {"Type", "Name", "ActionOnFailure", "Jar", "Args"}
    emr = client("emr")
    with Stubber(emr) as stub:
        stub.add_response("add_job_flow_steps", {"StepIds": ["s-1"]})
        emr.add_job_flow_steps(JobFlowId="j-1", Steps=steps)


def test_the_job_run_fits_the_api_of_emr_serverless() -> None:
    serverless = client("emr-serverless")
    arn = "arn:aws:emr-serverless:us-east-1:111122223333:/applications/app/jobruns/run"
    answer = {"applicationId": "app", "jobRunId": "run", "arn": arn}
    with Stubber(serverless) as stub:
        stub.add_response("start_job_run", answer)
        serverless.start_job_run(**RUN)
