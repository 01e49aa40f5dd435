"""Where a run takes place, by arguments and environment."""

import os
import sys
from unittest import mock

import pytest

from lakewright.measuring.runtime import Runtime, current_runtime, is_local

GLUE = ["job.py", "--JOB_NAME", "customers", "--JOB_RUN_ID", "jr_1"]
LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "scrub_expired", "AWS_REGION": "eu-west-1"}


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        pytest.param(["lakewright"], {}, Runtime("local"), id="laptop"),
        pytest.param(["lakewright"], {"AWS_REGION": "eu-west-1"}, Runtime("local"), id="laptop-with-a-region"),
        pytest.param(
            [*GLUE, "--worker-type", "G.2X", "--number-of-workers", "5"],
            {"AWS_REGION": "us-east-1"},
            Runtime("glue", "G.2X", 5, region="us-east-1"),
            id="glue",
        ),
        pytest.param(
            [*GLUE, "--worker-type=G.2X", "--number-of-workers=5"],
            {"AWS_DEFAULT_REGION": "us-east-1"},
            Runtime("glue", "G.2X", 5, region="us-east-1"),
            id="glue-with-equals-signs",
        ),
        pytest.param(GLUE, {}, Runtime("glue"), id="glue-without-the-size"),
        pytest.param(
            [*GLUE, "--enable-auto-scaling", "true"],
            {},
            Runtime("glue", is_auto_scaled=True),
            id="glue-with-auto-scaling",
        ),
        pytest.param(
            [*GLUE, "--enable-auto-scaling=false"], {}, Runtime("glue"), id="glue-with-auto-scaling-switched-off"
        ),
        pytest.param(
            [*GLUE, "--worker-type", "--number-of-workers", "-2"], {}, Runtime("glue"), id="glue-with-unusable-values"
        ),
        pytest.param([*GLUE, "--number-of-workers", "²"], {}, Runtime("glue"), id="digits-that-are-no-number"),
        pytest.param([*GLUE, "--number-of-workers", "9" * 5000], {}, Runtime("glue"), id="more-workers-than-exist"),
        pytest.param([*GLUE, "--number-of-workers"], {}, Runtime("glue"), id="argument-without-its-value"),
        pytest.param(["job.py", "--worker-type", "G.2X"], {"SPARK_ENV_LOADED": "1"}, Runtime("emr"), id="spark-submit"),
        pytest.param(
            ["bootstrap"],
            {**LAMBDA, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024"},
            Runtime("lambda", memory_mb=1024, region="eu-west-1"),
            id="lambda",
        ),
        pytest.param(["bootstrap"], LAMBDA, Runtime("lambda", region="eu-west-1"), id="lambda-of-unknown-memory"),
    ],
)
def test_platform_and_size(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], environment: dict[str, str], expected: Runtime
) -> None:
    monkeypatch.setattr(sys, "argv", arguments)
    with mock.patch.dict(os.environ, environment, clear=True):
        assert current_runtime() == expected


@pytest.mark.parametrize("variable", ["SPARK_ENV_LOADED", "PYSPARK_GATEWAY_PORT"])
def test_spark_submit_sets_the_master_in_both_deploy_modes(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    assert is_local()
    monkeypatch.setenv(variable, "1")
    assert not is_local()
