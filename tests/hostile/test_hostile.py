"""Every hostile case must have one of its acceptable outcomes, and lose nothing silently."""

from pathlib import Path
from typing import Any, Final

import pytest
from pyspark.sql import SparkSession

from tests.conftest import Answer
from tests.hostile import (
    cdc_cases,
    command_cases,
    csv_cases,
    event_cases,
    name_cases,
    s3_cases,
    scrub_cases,
    trial_cases,
)
from tests.hostile.cases import REFUSED, Case, as_parameters, report
from tests.hostile.runner import ScenarioRun, ScenarioRunner, mismatches, violations

WITHOUT_SPARK = [*scrub_cases.CASES, *command_cases.CASES, *event_cases.CASES, *csv_cases.CASES]
ON_SPARK = [
    *name_cases.CASES,
    *trial_cases.CASES,
    *cdc_cases.CASES,
]


@pytest.fixture(scope="module")
def runner(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> ScenarioRunner:
    return ScenarioRunner(spark, tmp_path_factory.mktemp("hostile"))


def check(case: Case, runner: ScenarioRunner) -> None:
    """Check a case against its outcomes, and the rules that hold for every case."""
    run = runner.run(case.scenario)
    violated = violations(case, run)
    outcomes = [mismatches(case, outcome, run, runner) for outcome in case.outcomes]
    report("expected", " or ".join(repr(outcome) for outcome in case.outcomes))
    report(
        "actual",
        f"exit code {run.answers[-1].exit_code}: {run.answers[-1].last_line if run.answers[-1].stderr else ''}",
    )
    wrong = violated + ([] if any(not problems for problems in outcomes) else min(outcomes, key=len))
    assert not wrong, "\n".join([*wrong, *(answer.stderr[-1500:] for answer in run.answers)])


@pytest.mark.slow
@pytest.mark.parametrize("case", as_parameters(ON_SPARK))
def test_case_on_spark(case: Case, runner: ScenarioRunner) -> None:
    check(case, runner)


@pytest.mark.parametrize("case", as_parameters(WITHOUT_SPARK))
def test_case(case: Case, runner: ScenarioRunner) -> None:
    check(case, runner)


@pytest.mark.slow
@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("case", as_parameters(s3_cases.CASES))
def test_case_on_s3(case: Case, runner: ScenarioRunner) -> None:
    check(case, runner)


ALL: Final = [*WITHOUT_SPARK, *ON_SPARK, *s3_cases.CASES]


def test_rules_are_unique() -> None:
    rules = [case.rule for case in ALL]
    assert len(rules) == len(set(rules))


def test_no_case_passes_whatever_happens() -> None:
    without_spark: Any = None
    runner = ScenarioRunner(without_spark, Path())
    nothing, refusals = Answer(0, "", ""), [Answer(code, "", "error: refused") for code in REFUSED]

    def passes(case: Case, answer: Answer) -> bool:
        run = ScenarioRun(Path(), "", [answer] * len(case.scenario.steps))
        return any(not mismatches(case, outcome, run, runner) for outcome in case.outcomes)

    always = [case.rule for case in ALL if passes(case, nothing) and any(passes(case, refused) for refused in refusals)]
    assert always == []
