"""The plan of a target: what its next run would do, and what that rests on."""

from dataclasses import replace
from typing import Any, Final

from lakewright.costs.estimates import estimate
from lakewright.log.log import Append, Log, LogContent
from lakewright.log.state import TableState
from lakewright.runs.job.batch import Choice, Survey
from lakewright.runs.job.request import Request
from lakewright.runs.job.sampling import Sample
from lakewright.runs.job.target_job import AnyJob
from lakewright.runs.lifecycle.publishing import has_staged_files
from lakewright.runs.planning.comparison import config_report, refused_changes, schema_report
from lakewright.runs.planning.effects import effects, expired_rows
from lakewright.runs.planning.incoming import incoming
from lakewright.runs.planning.open_batch import OpenBatch, open_batch
from lakewright.runs.progress import count_of
from lakewright.runs.receipts import recent_receipts
from lakewright.runs.registration import Registration
from lakewright.runs.views import empty_source, new_corrections
from lakewright.storage.lake import Lake
from lakewright.workers import Engines
from transforms.errors import DataError, LakewrightError
from transforms.object_names import partition_path
from transforms.schema_changes import SchemaChange

#: Earlier runs that an estimate follows from, at most.
_RECENT_RUNS: Final = 20


def plan_overview(lake: Lake, job: AnyJob, request: Request, engines: Engines) -> dict[str, Any]:
    """Describe what a run would do for a target, and what that will probably take and cost.

    Raises:
        ConfigError: If no engine can run the feed, or its gate is invalid.
    """
    engines.check(job.feed)
    job.check_gate()
    log = Log(lake, job.target.state_folder)
    content = log.content()
    state = content.state
    overview: dict[str, Any] = {"feed": job.target.feed_name, "target": job.target.name, "exit_code": 0, "error": ""}
    overview |= {"does": "nothing", "unfinished": _unfinished(lake, job, content)}
    try:
        batch = open_batch(job, content.open_plan) if content.open_plan else None
        if batch is not None:
            overview |= {"does": "batch", "open_batch": batch.report(lake, job.target.state_folder)}
        survey = _survey(job, state, request, batch)
    except LakewrightError as error:
        return overview | {
            "does": "refused",
            "exit_code": error.exit_code,
            "error": str(error),
            "schema": schema_report(state, refused_changes(error), None, None),
            "config": config_report(log, job, state, None, error),
        }
    sample = _sample(job, survey, state)
    expired = expired_rows(job, state, request)
    if not survey.is_idle:
        overview["does"] = "batch"
    elif overview["does"] == "nothing" and (overview["unfinished"] or expired):
        overview["does"] = "upkeep"
    return (
        overview
        | _contents(job, state, survey, sample, engines)
        | {
            "source": incoming(state, survey),
            "table": effects(job, state, survey) | {"expired_rows": expired},
            "schema": schema_report(state, _changes(survey, sample), survey, sample),
            "config": config_report(log, job, state, survey, None),
        }
        | _estimate(lake, job, request, batch, survey, engines)
        | _problems(job, state, survey)
    )


def _survey(job: AnyJob, state: TableState, request: Request, batch: OpenBatch | None) -> Survey:
    """Survey the source; if refused objects stop the run, no object is read."""
    survey = batch.survey_after(job, state, request) if batch else job.survey(state, request, excluded={})
    if survey.refused and not job.reader.skips_refused:
        why = f"a refused object stops the run: {min(survey.refused)}"
        waiting = {source.path: why for source in survey.choice.objects} | survey.waiting
        survey = replace(survey, choice=Choice([], Append()), waiting=waiting, without_objects=False)
    return survey


def _sample(job: AnyJob, survey: Survey, state: TableState) -> Sample | None:
    """Sample the records of a batch, if they determine its columns."""
    if job.sampler is None or not survey.choice.objects:
        return None
    return job.sampler().sample(survey.choice.objects, state)


def _changes(survey: Survey, sample: Sample | None) -> list[SchemaChange]:
    return [*survey.schema_changes, *(sample.changes if sample else ())]


def _contents(
    job: AnyJob, state: TableState, survey: Survey, sample: Sample | None, engines: Engines
) -> dict[str, Any]:
    objects = survey.choice.objects
    return {
        "objects": [{"path": source.path, "size": source.size} for source in objects],
        "corrections": new_corrections(state, survey),
        "bytes": (size := sum(source.size for source in objects)),
        "engine": engines.choose(job.feed, size).report() if objects else {},
        "partitions": sorted({partition_path(source.values) for source in objects if source.values}),
        "refused": survey.refused,
        "waiting": survey.waiting,
        "ignored": survey.ignored,
        "extra_columns": survey.extra_columns,
        "dropped_columns": survey.dropped_columns,
        "schema_changes": [*map(str, _changes(survey, sample)), *survey.config_changes],
        "warnings": survey.warnings,
    }


def _problems(job: AnyJob, state: TableState, survey: Survey) -> dict[str, Any]:
    """Return the error of the run, if it is known before data is read."""
    problems = empty_source(job, state, survey)
    if survey.refused and "error" not in problems:
        path, reason = next(iter(survey.refused.items()))
        refused = count_of(len(survey.refused), "object")
        problems |= {"exit_code": DataError.exit_code, "error": f"{refused} would be refused, first {path}: {reason}"}
    if problems.get("error") and survey.is_idle:
        problems |= {"does": "refused"}
    return problems


def _estimate(
    lake: Lake,
    job: AnyJob,
    request: Request,
    batch: OpenBatch | None,
    survey: Survey,
    engines: Engines,
) -> dict[str, Any]:
    """Estimate what the run takes, with the open batch that it finishes."""
    finished = batch.plan.objects if batch is not None and batch.end == "finished" else []
    objects = [*finished, *survey.choice.objects]
    if not objects:
        return {"estimate": None}
    size = sum(source.size for source in objects)
    recent = recent_receipts(lake, job.target.state_folder, _RECENT_RUNS)
    engine = engines.choose(job.feed, size).name
    found = estimate(recent, verb=request.verb, engine=engine, size=size, objects=len(objects), prices=request.prices)
    return {"estimate": found.report()}


def _unfinished(lake: Lake, job: AnyJob, content: LogContent) -> list[str]:
    """Return what of the last committed batch is left to do, and what the run does first."""
    state, unfinished = content.state, []
    if state.number and not content.is_settled and has_staged_files(lake, job.target, state.number):
        unfinished.append(f"publish the staged files of batch {state.number}")
    if Registration(lake, job).is_due(state):
        unfinished.append(f"register batch {state.committed} in the catalog")
    return unfinished
