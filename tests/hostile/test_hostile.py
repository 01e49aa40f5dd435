"""Every hostile case: it ends in one of the ways that its rule allows, and loses nothing in silence."""

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from jobs import json_scrub
from tests.e2e.conftest import aws, bucket  # noqa: F401 - fixtures
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
from tests.hostile.cases import Case, as_parameters, tell
from tests.hostile.playing import Stage, broken_laws, problems_of
from tests.workers import InProcessWorkers

ON_FOLDERS = [
    *csv_cases.CASES,
    *name_cases.CASES,
    *scrub_cases.CASES,
    *event_cases.CASES,
    *trial_cases.CASES,
    *command_cases.CASES,
    *cdc_cases.CASES,
]


@pytest.fixture(scope="module")
def stage(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with pytest.MonkeyPatch.context() as patch:
        # That Spark's workers scrub as this process does is tested where the job is.
        patch.setattr(json_scrub, "SparkWorkers", lambda shows_values=False: InProcessWorkers(2))
        yield Stage(spark, tmp_path_factory.mktemp("hostile"))


def hold(case: Case, stage: Stage) -> None:
    """Hold a case against its laws and endings."""
    played = stage.play(case.scenario)
    broken = broken_laws(case, played)
    endings = [problems_of(case, ending, played, stage) for ending in case.endings]
    tell("expected", " or ".join(repr(ending) for ending in case.endings))
    tell(
        "seen",
        f"exit code {played.answers[-1].exit_code}: {played.answers[-1].last_line if played.answers[-1].stderr else ''}",
    )
    wrong = broken + ([] if any(not problems for problems in endings) else min(endings, key=len))
    assert not wrong, "\n".join([*wrong, *(answer.stderr[-1500:] for answer in played.answers)])


@pytest.mark.parametrize("case", as_parameters(ON_FOLDERS))
def test_case(case: Case, stage: Stage) -> None:
    hold(case, stage)


@pytest.mark.slow
@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("case", as_parameters(s3_cases.CASES))
def test_case_on_s3(case: Case, stage: Stage) -> None:
    hold(case, stage)


def test_rules_are_told_apart() -> None:
    rules = [case.rule for case in [*ON_FOLDERS, *s3_cases.CASES]]
    assert len(rules) == len(set(rules))
