"""Read-only overviews of a target: its state, its schema, its gate and quarantine."""

from pathlib import Path
from typing import Any, Final

from lakewright.corrections.effective import uncommitted_corrections
from lakewright.errors import ConfigError, EmptySourceError
from lakewright.log.log import Log
from lakewright.log.schemas import history, source_columns
from lakewright.log.state import Outcome, TableState
from lakewright.quarantine.overview import rules_overview, why_no_rows
from lakewright.runs.job.batch import Survey
from lakewright.runs.job.request import Request
from lakewright.runs.job.target_job import AnyJob
from lakewright.runs.receipts import last_failure, report_batch
from lakewright.storage.lake import Lake
from transforms.errors import LakewrightError

#: Batches in which the last one with a verdict is looked for: others are of maintenance, or deleted rows.
_LOOKED_BACK: Final = 20


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
    """Return the state of a target: last batch, open batch, waiting objects, table and quarantine."""
    state, open_plan = Log(lake, job.target.state_folder).read()
    problems: dict[str, Any] = {"exit_code": 0, "error": "", "warnings": []}
    corrections = 0
    if open_plan is not None and (failed := last_failure(lake, job.target.state_folder)):
        remedy = "fix the cause and `run` finishes it, or `run --drop-open` drops it"
        problems |= {
            "exit_code": failed.exit_code,
            "error": f"batch {open_plan.number} is open, and the last run failed: {failed.error}; "
            f"{remedy if open_plan.job == job.name else '`run` drops it'}",
        }
    try:
        survey = job.survey(state, Request(), excluded={})
        waiting: Any = len(survey.choice.objects)
        corrections = len(new_corrections(state, survey))
        problems |= {"warnings": survey.warnings} | empty_source(job, state, survey)
    except LakewrightError as error:
        waiting = f"unknown: {error}"
    last = state.last
    return {
        "feed": job.target.feed_name,
        "target": job.target.name,
        **problems,
        "last_batch": _last_batch(last) if last else None,
        "open_batch": open_plan.number if open_plan else None,
        "waiting_objects": waiting,
        "waiting_corrections": corrections,
        "files": len(state.files),
        "rows": sum(file.rows for file in state.files.values()),
        "bytes": sum(file.size for file in state.files.values()),
        "properties": state.properties,
        "quarantined_rows": sum(file.rows for file in state.quarantine.values()),
        "quarantined": rules_overview(state),
    }


def new_corrections(state: TableState, survey: Survey) -> list[str]:
    """Return the corrections that the next batch reads for the first time."""
    return [source.path for source in uncommitted_corrections(survey.choice.objects, state)]


def gates_overview(lake: Lake, job: AnyJob) -> dict[str, Any]:
    """Return the verdict of a target's gate on the last batch that it judged, with the result of each expectation."""
    log = Log(lake, job.target.state_folder)
    state, _ = log.read()
    not_searched = max(0, state.number - _LOOKED_BACK)
    reports = [report_batch(outcome, None) for outcome in log.outcomes(after=not_searched)]
    last: dict[str, Any] = next((report for report in reversed(reports) if "gates" in report), {})
    return {
        "feed": job.target.feed_name,
        "target": job.target.name,
        "exit_code": 0,
        "has_gate": job.gate is not None,
        "searched_batches": len(reports),
        "not_searched_batches": not_searched,
        "batch": {name: last[name] for name in ("number", "status", "reason") if last},
        "gates": last.get("gates"),
    }


def quarantine_overview(lake: Lake, job: AnyJob, *, rule: str, limit: int) -> dict[str, Any]:
    """Return rejected rows of a target, and how many there are in all."""
    from lakewright.quarantine.table import read_rows  # pyarrow

    state, _ = Log(lake, job.target.state_folder).read()
    return {
        "feed": job.target.feed_name,
        "target": job.target.name,
        "quarantined_rows": sum(file.rows for file in state.quarantine.values()),
        "quarantined": rules_overview(state),
        "rows": [row.dump() for row in read_rows(lake, state, rule=rule, limit=limit)],
    }


def write_quarantine(lake: Lake, job: AnyJob, path: Path, *, rule: str, limit: int | None) -> dict[str, Any]:
    """Write rejected rows of a target to a CSV file for correction; see ``lakewright.quarantine.sheet``."""
    from lakewright.quarantine.sheet import write_sheet  # pyarrow
    from lakewright.quarantine.table import field_names, read_rows

    state, _ = Log(lake, job.target.state_folder).read()
    if reason := why_no_rows(state, rule):
        raise ConfigError(reason)
    count = write_sheet(path, field_names(lake, state), read_rows(lake, state, rule=rule, limit=limit))
    return {"feed": job.target.feed_name, "target": job.target.name, "file": str(path), "written_rows": count}


def _last_batch(last: Outcome) -> dict[str, Any]:
    report = report_batch(last, None)
    kept = ("number", "status", "counts", "reason", "table_commit")
    return {"run": last.run} | {name: report[name] for name in kept if name in report}


def empty_source(job: AnyJob, state: TableState, survey: Survey) -> dict[str, Any]:
    """Return the error or warning of a run whose source has no object of the target."""
    if not survey.nothing:
        return {}
    if job.feed.refuses_empty_source(committed=state.committed > 0):
        return {"exit_code": EmptySourceError.exit_code, "error": survey.nothing}
    return {"warnings": [*survey.warnings, survey.nothing]}
