"""Read-only views before and after a run: plan, schema, status."""

from typing import Any

from lakewright.errors import EmptySourceError
from lakewright.log.actions import Outcome, TableState
from lakewright.log.log import Log
from lakewright.log.schemas import history, source_columns
from lakewright.runs.job import AnyJob, Request, Survey
from lakewright.runs.receipts import last_failure, report_batch
from lakewright.storage.lake import Lake
from transforms.errors import LakewrightError
from transforms.object_names import partition_path


def plan_overview(lake: Lake, job: AnyJob, request: Request) -> dict[str, Any]:
    """Describe what a run would do for a target."""
    state, open_plan = Log(lake, job.target.state_folder).read()
    found: dict[str, Any] = {"feed": job.target.feed_name, "target": job.target.name, "exit_code": 0, "error": ""}
    if open_plan is not None:
        changed = job.reader.changed(open_plan)
        found["open_batch"] = {
            "number": open_plan.number,
            "objects": len(open_plan.objects),
            "then": "dropped, since its sources changed" if changed else "finished first",
        }
    try:
        survey = job.survey(state, request, excluded={})
    except LakewrightError as error:
        return found | {"exit_code": error.exit_code, "error": str(error)}
    objects = survey.choice.objects
    found |= {
        "objects": [{"path": taken.path, "size": taken.size} for taken in objects],
        "bytes": sum(taken.size for taken in objects),
        "partitions": sorted({partition_path(taken.values) for taken in objects if taken.values}),
        "refused": survey.refused,
        "ignored": survey.ignored,
        "extra_columns": survey.extra_columns,
        "dropped_columns": survey.dropped_columns,
        "schema_changes": survey.schema_changes,
        "warnings": survey.warnings,
    }
    found |= _told_of_nothing(job, state, survey)
    if survey.refused:
        path, reason = next(iter(survey.refused.items()))
        found |= {"exit_code": 3, "error": f"{len(survey.refused)} objects would be refused, first {path}: {reason}"}
    return found


def schema_overview(lake: Lake, job: AnyJob) -> dict[str, Any]:
    """Describe a table's columns, their names at the source and, if they are learned, the versions that added them."""
    state, _ = Log(lake, job.target.state_folder).read()
    return {
        "feed": job.target.feed_name,
        "target": job.target.name,
        "columns": state.columns,
        "sources": dict(source_columns(state)),
        "versions": history(state.schema_versions),
    }


def status_overview(lake: Lake, job: AnyJob) -> dict[str, Any]:
    """Describe the state of a target."""
    state, open_plan = Log(lake, job.target.state_folder).read()
    told: dict[str, Any] = {"exit_code": 0, "error": "", "warnings": []}
    if open_plan is not None and (failed := last_failure(lake, job.target.state_folder)):
        told |= {
            "exit_code": failed.exit_code,
            "error": f"batch {open_plan.number} is open, and the last run failed: {failed.error}; fix the cause and "
            "`run` finishes it, or `run --drop-open` drops it",
        }
    try:
        survey = job.survey(state, Request(), excluded={})
        waiting: Any = len(survey.choice.objects)
        told |= {"warnings": survey.warnings} | _told_of_nothing(job, state, survey)
    except LakewrightError as error:
        waiting = f"unknown: {error}"
    last = state.last
    return {
        "feed": job.target.feed_name,
        "target": job.target.name,
        **told,
        "last_batch": _last_batch(last) if last else None,
        "open_batch": open_plan.number if open_plan else None,
        "waiting_objects": waiting,
        "files": len(state.files),
        "rows": sum(file.rows for file in state.files.values()),
        "bytes": sum(file.size for file in state.files.values()),
        "properties": state.properties,
        "quarantined_rows": sum(file.rows for file in state.quarantine.values()),
    }


def _last_batch(last: Outcome) -> dict[str, Any]:
    report = report_batch(last, None)
    kept = ("number", "status", "counts", "reason", "table_commit")
    return {"run": last.run} | {name: report[name] for name in kept if name in report}


def _told_of_nothing(job: AnyJob, state: TableState, survey: Survey) -> dict[str, Any]:
    """Describe the outcome of a run whose source has no object of the target."""
    if not survey.nothing:
        return {}
    if job.feed.refuses_empty_source(committed=state.committed > 0):
        return {"exit_code": EmptySourceError.exit_code, "error": survey.nothing}
    return {"warnings": [*survey.warnings, survey.nothing]}
