"""The feed against its table: how columns change, and what of the config differs."""

from collections.abc import Sequence
from typing import Any, Final

from lakewright.errors import TableDiffersError
from lakewright.log.log import Log
from lakewright.log.state import TableState
from lakewright.runs.job.batch import Survey
from lakewright.runs.job.sampling import Sample
from lakewright.runs.job.target_job import AnyJob
from transforms.errors import LakewrightError, SchemaDriftError
from transforms.schema_changes import SchemaChange

#: Changes of files, not of columns.
_OF_FILES: Final = ("absent", "reordered", "layout")


def refused_changes(error: LakewrightError) -> Sequence[SchemaChange]:
    """Return the changes that an error refuses."""
    return error.changes if isinstance(error, SchemaDriftError | TableDiffersError) else ()


def schema_report(
    state: TableState, changes: Sequence[SchemaChange], survey: Survey | None, sample: Sample | None
) -> dict[str, Any]:
    """Classify the columns: how many stay the same, and how each other one changes."""
    of_columns = {change.column for change in changes if change.kind not in _OF_FILES}
    report: dict[str, Any] = {
        "same": len(state.columns.keys() - of_columns),
        "changes": [change.report() for change in changes if change.kind != "layout"],
        "from": survey.schema_from if survey else "",
        "objects": len(survey.heads) if survey else 0,
    }
    if sample is not None and survey is not None:
        report |= {
            "from": "sample",
            "objects": sample.objects,
            "of_objects": len(survey.choice.objects),
            "records": sample.records,
            "bytes": sample.bytes,
        }
    return report


def config_report(log: Log, job: AnyJob, state: TableState, survey: Survey | None, error: Exception | None) -> Any:
    """Compare the feed with that of the last committed batch, and say what the difference means for the run."""
    if not state.committed:
        return {"batch": None, "fingerprint": {"table": "", "feed": job.feed.fingerprint()}, **_means("new table")}
    table, feed = _fingerprint(log, state), job.feed.fingerprint()
    report = {"batch": state.committed, "fingerprint": {"table": table, "feed": feed}}
    if isinstance(error, TableDiffersError):
        differences = [{"setting": each.setting, "table": each.table, "feed": each.feed} for each in error.differences]
        differences += [
            {
                "setting": "layout" if change.kind == "layout" else f"type of {change.column}",
                "table": change.before,
                "feed": change.after,
            }
            for change in error.changes
        ]
        return report | _means("rebuild needed", differences)
    if survey is not None and survey.config_changes:
        return report | _means("objects again")
    return report | _means("nothing" if table in ("", feed) else "new rows only")


def _means(means: str, differences: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    return {"differences": list(differences), "means": means}


def _fingerprint(log: Log, state: TableState) -> str:
    """Return the fingerprint of the feed of the last committed batch; empty if the log no longer has it."""
    last = state.last
    if last is None or last.number != state.committed or last.status != "committed":
        last = next(log.outcomes(after=state.committed - 1), None)
    return last.config_hash if last is not None and last.number == state.committed else ""
