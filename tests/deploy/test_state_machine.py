"""What holds for all states of the state machine."""

import json
import math
from collections.abc import Iterator
from typing import Any

from deploy.checks.static import render
from tests.conftest import ROOT
from tests.deploy.templates import CSV, PARENT, read_template, resources_of

SERVICE_ERRORS = {"Lambda.ServiceException", "Lambda.SdkClientException", "Lambda.TooManyRequestsException"}


def machine() -> dict[str, Any]:
    definition: dict[str, Any] = json.loads(render(ROOT / "deploy/state_machines/csv_to_parquet.asl.json"))
    return definition


def states(part: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in part["States"].items():
        yield name, state
        for branch in state.get("Branches", ()):
            yield from states(branch)


def test_names_of_states_are_unique() -> None:
    names = [name for name, _ in states(machine())]
    assert len(names) == len(set(names))


def test_every_function_is_called_again_after_errors_of_the_service_and_after_any_other() -> None:
    calls = {name: state for name, state in states(machine()) if "lambda:invoke" in state.get("Resource", "")}
    assert len(calls) == 8
    for name, state in calls.items():
        of_service, of_any = state["Retry"]
        assert set(of_service["ErrorEquals"]) >= SERVICE_ERRORS, name
        assert of_any["ErrorEquals"] == ["States.ALL"], name


def test_the_wildcard_stands_alone_and_last() -> None:
    for name, state in states(machine()):
        for handlers in (state.get("Retry", []), state.get("Catch", [])):
            wildcards = [number for number, each in enumerate(handlers) if "States.ALL" in each["ErrorEquals"]]
            assert wildcards in ([], [len(handlers) - 1]), name
            assert all(handlers[number]["ErrorEquals"] == ["States.ALL"] for number in wildcards), name


def test_everything_before_the_notice_is_caught_and_the_input_survives() -> None:
    top = machine()["States"]
    (handler,) = top["Pipeline"]["Catch"]
    assert handler == {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "WriteNotice"}
    replaced = [
        name
        for name, state in states(machine())
        if state["Type"] in ("Task", "Pass", "Parallel") and state.get("ResultPath", "$") == "$"
    ]
    assert replaced == []


def test_waiting_for_another_run_ends_in_a_notice_before_the_execution_times_out() -> None:
    held, _ = retries_of_load()
    assert set(held["ErrorEquals"]) == {"TargetHeld", "JobBusy"}
    longest = sum(waits(default("HeldMaxAttempts"), at_most=held["MaxDelaySeconds"]))
    assert longest + 60 * default("CsvJobTimeoutMinutes") <= default("TimeoutSeconds")


def test_all_runs_of_a_job_that_fails_at_the_last_moment_fit_into_an_execution() -> None:
    _, failed = retries_of_load()
    assert failed["ErrorEquals"] == ["JobFailed"]
    runs = 60 * default("CsvJobTimeoutMinutes") * (1 + default("JobRetryMaxAttempts"))
    for_other_steps = 600
    assert runs + sum(waits(default("JobRetryMaxAttempts"))) + for_other_steps <= default("TimeoutSeconds")


def test_an_alarm_is_raised_for_every_end_that_sends_no_notice() -> None:
    alarms = resources_of(CSV, "AWS::CloudWatch::Alarm").values()
    raised = {alarm["Properties"]["MetricName"] for alarm in alarms if alarm["Properties"]["AlarmActions"]}
    assert raised >= {"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"}


def retries_of_load() -> list[dict[str, Any]]:
    retries: list[dict[str, Any]] = next(state for name, state in states(machine()) if name == "Load")["Retry"]
    return retries


def default(parameter: str) -> float:
    return float(read_template(PARENT)["Parameters"][parameter]["Default"])


def waits(attempts: float, *, at_most: float = math.inf) -> list[float]:
    interval, rate = default("RetryIntervalSeconds"), default("RetryBackoffRate")
    return [min(interval * rate**attempt, at_most) for attempt in range(int(attempts))]
