"""The actions of a batch that adds files to a table or removes some."""

from collections.abc import Iterable, Mapping, Sequence

from lakewright.log.actions.files import AddFiles, RemoveFiles
from lakewright.log.actions.objects import ForgetObjects, TakeObjects
from lakewright.log.actions.quarantine import REFUSED, QuarantineRows, ReleaseRows
from lakewright.log.actions.tables import OverwriteTable, SetColumns, SetLayout
from lakewright.log.actions.union import AnyAction
from lakewright.log.log import Append, OverwritePartitions, Scope
from lakewright.log.records import DataFile, SourceObject
from lakewright.runs.job.batch import Batch


def table_actions(
    batch: Batch,
    *,
    layout: str,
    columns: Mapping[str, str],
    added: Sequence[DataFile],
    quarantined: Sequence[DataFile],
    removed: Iterable[str] = (),
    released: Iterable[str] = (),
    objects: Sequence[SourceObject] | None = None,
) -> list[AnyAction]:
    """Return the actions of a batch; files that its scope overwrites are removed.

    ``removed`` are further files of the table to remove, ``released`` files of quarantine; files of earlier refused
    batches are always released. ``objects`` are those of the plan, unless they have notes.
    """
    plan, state = batch.plan, batch.state
    removed = [*_within(plan.scope, state.files.values()), *removed]
    quarantine = state.quarantine.values()
    refused = [file.path for file in quarantine if file.partition == REFUSED]
    released = [*_within(plan.scope, quarantine), *refused, *released]
    sources = list(plan.objects if objects is None else objects)
    actions: list[AnyAction] = [OverwriteTable()] if plan.overwrites_table else []
    if plan.overwrites_table or state.layout != layout:
        actions.append(SetLayout(layout))
    # The order of columns counts: a catalog lists them in it.
    if plan.overwrites_table or list(state.columns.items()) != list(columns.items()):
        actions.append(SetColumns(dict(columns)))
    if forgotten := _forgotten(batch):
        actions.append(ForgetObjects(forgotten))
    actions.append(TakeObjects(sources))
    if added:
        actions.append(AddFiles(list(added)))
    if removed:
        actions.append(RemoveFiles(list(dict.fromkeys(removed))))
    if quarantined:
        actions.append(QuarantineRows(list(quarantined)))
    if released:
        actions.append(ReleaseRows(list(dict.fromkeys(released))))
    return actions


def _within(scope: Scope, files: Iterable[DataFile]) -> list[str]:
    """Return the files that a scope overwrites."""
    if isinstance(scope, OverwritePartitions):
        partitions = frozenset(scope.partitions)
        return [file.path for file in files if file.partition in partitions]
    return [] if isinstance(scope, Append) else [file.path for file in files]


def _forgotten(batch: Batch) -> list[str]:
    """Return the objects of overwritten partitions that are not part of the batch."""
    scope = batch.plan.scope
    if not isinstance(scope, OverwritePartitions):
        return []
    again = {source.path for source in batch.plan.objects}
    return [path for path in scope.covered(batch.state.objects.values()) if path not in again]
