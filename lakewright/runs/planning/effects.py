"""What changes in the table: partitions, files that are rewritten, rows that are removed or judged again."""

from collections.abc import Iterable
from typing import Any

from lakewright.log.actions.quarantine import REFUSED
from lakewright.log.log import OverwritePartitions, OverwriteTable
from lakewright.log.records import DataFile
from lakewright.log.state import TableState
from lakewright.quarantine.expiry import expiry_of
from lakewright.runs.job.batch import Survey
from lakewright.runs.job.interfaces import CommittingSink, ReplacingSink
from lakewright.runs.job.request import Request
from lakewright.runs.job.target_job import AnyJob
from transforms.object_names import partition_path


def effects(job: AnyJob, state: TableState, survey: Survey) -> dict[str, Any]:
    """Return what a batch does to the table, as far as that is known before its rows are read."""
    scope, objects = survey.choice.scope, survey.choice.objects
    in_table = {file.partition for file in state.files.values()}
    again = {source.path for source in objects if source.path in state.objects}
    rewritten = [file for file in state.files.values() if _is_within(file, survey, again)]
    touched = {partition_path(source.values) for source in objects if source.values}
    touched |= set(scope.partitions) if isinstance(scope, OverwritePartitions) else set()
    by_rows = any(not source.values for source in objects) and _is_partitioned(job, in_table)
    partitions = {file.partition for file in rewritten}
    chosen = {source.path for source in objects}
    widened = [change for change in survey.schema_changes if change.kind == "widened"]
    removed = scope.covered(state.objects.values()) if isinstance(scope, OverwritePartitions) else ()
    return {
        "partitions": {
            "new": sorted(touched - in_table),
            "rewritten": sorted(partitions),
            "extended": sorted((touched & in_table) - partitions),
            "unchanged": len(in_table - touched - partitions),
            "known": not by_rows,
        },
        "rewritten": _total(rewritten),
        "removed_objects": sorted(path for path in removed if path not in chosen),
        "replaced_objects": len(objects) if isinstance(job.sink, ReplacingSink) else 0,
        "merged_by_key": isinstance(job.sink, CommittingSink) and bool(objects),
        "rewritten_for_types": isinstance(job.sink, CommittingSink)
        and job.sink.rewrites_table(state, {change.column: change.after for change in widened}),
        "judged_again": sum(file.rows for file in _judged_again(state, survey, again)),
    }


def expired_rows(job: AnyJob, state: TableState, request: Request) -> int:
    """Return how many rejected rows the run deletes for their age; those with a correction stay longer."""
    outcome = expiry_of(state, days=job.feed.quarantine_days, today=request.today, run="", waiting=set)
    return sum(state.quarantine[path].rows for path in outcome.deleted()) if outcome else 0


def _is_within(file: DataFile, survey: Survey, again: set[str]) -> bool:
    """Return whether a batch replaces a file: of an overwritten partition, or with rows of objects that it reads."""
    scope = survey.choice.scope
    if isinstance(scope, OverwritePartitions):
        return file.partition in scope.partitions
    return isinstance(scope, OverwriteTable) or not again.isdisjoint(file.objects)


def _judged_again(state: TableState, survey: Survey, again: set[str]) -> Iterable[DataFile]:
    """Return the files of quarantine that the batch releases: it reads their rows again."""
    if not survey.choice.objects:
        return []
    quarantine = state.quarantine.values()
    return [file for file in quarantine if file.partition == REFUSED or _is_within(file, survey, again)]


def _is_partitioned(job: AnyJob, in_table: Iterable[str]) -> bool:
    return isinstance(job.sink, CommittingSink) or bool(job.feed.date_keys()) or any(in_table)


def _total(files: Iterable[DataFile]) -> dict[str, int]:
    listed = list(files)
    return {
        "files": len(listed),
        "rows": sum(file.rows for file in listed),
        "bytes": sum(file.size for file in listed),
    }
