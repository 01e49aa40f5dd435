"""Choose the objects of the next batch."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from lakewright.errors import SourceGoneError, SourceRewrittenError
from lakewright.log.log import Append, OverwritePartitions, OverwriteTable
from lakewright.log.records import SourceObject
from lakewright.log.state import TableState
from lakewright.runs.job.batch import Choice
from lakewright.sources.listing import Listed
from transforms.object_names import partition_path


def narrowed(objects: Iterable[Listed], wanted: Mapping[str, str]) -> list[Listed]:
    """Keep the objects of one date or partition; ``08`` and ``8`` are the same month."""
    return [listed for listed in objects if is_within(listed.date, wanted)]


def is_within(date: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Return whether a date matches the wanted year, month and day, as far as given."""
    return all(_same(date.get(key), value) for key, value in wanted.items())


def _same(value: str | None, wanted: str) -> bool:
    return value == wanted or (value is not None and value.isdigit() and wanted.isdigit() and int(value) == int(wanted))


def choose_rebuild(
    listed: Iterable[Listed],
    state: TableState,
    *,
    asked: Collection[str],
    keys: Collection[str],
    everything: bool,
    allow_gone: bool,
) -> Choice:
    """Choose all source objects of each partition that has a new or rewritten object.

    Only ``asked`` paths count as new or rewritten; with ``everything``, all of them do.

    Raises:
        SourceGoneError: If a committed object of such a partition has disappeared, unless ``allow_gone``.
    """
    by_partition: dict[str, list[SourceObject]] = {}
    for entry in listed:
        values = {key: entry.date[key] for key in keys}
        by_partition.setdefault(partition_path(values), []).append(entry.as_source(values))
    committed: dict[str, set[str]] = {}
    for before in state.objects.values():
        committed.setdefault(partition_path({key: before.values[key] for key in keys}), set()).add(before.path)
    chosen: list[SourceObject] = []
    replaces: list[str] = []
    for partition, objects in by_partition.items():
        asked_objects = [source for source in objects if source.path in asked]
        if not any(everything or not state.has(source.path, source.etag) for source in asked_objects):
            continue
        gone = sorted(committed.get(partition, set()) - {source.path for source in objects})
        if gone and not allow_gone:
            raise SourceGoneError(partition, gone)
        chosen.extend(objects)
        replaces.append(partition)
    return Choice(chosen, OverwritePartitions(replaces))


def choose_whole(listed: Iterable[Listed], state: TableState, *, keys: Collection[str], allow_gone: bool) -> Choice:
    """Choose every source object, for a full rebuild of the table.

    Raises:
        SourceGoneError: If a committed object has disappeared, unless ``allow_gone``.
    """
    objects = [entry.as_source({key: entry.date[key] for key in keys}) for entry in listed]
    gone = sorted(set(state.objects) - {source.path for source in objects})
    if gone and not allow_gone:
        raise SourceGoneError("", gone)
    return Choice(objects, OverwriteTable())


def choose_append(
    listed: Sequence[Listed],
    state: TableState,
    *,
    values: Callable[[Listed], dict[str, str]],
    everything: bool,
    allow_gone: bool,
) -> Choice:
    """Choose the objects that were never committed; with ``everything``, all objects, in their previous partitions.

    ``values`` returns year, month and day in the table for an object that was never committed.

    Raises:
        SourceRewrittenError: If a committed object was rewritten, since its appended rows cannot be identified.
        SourceGoneError: With ``everything``, if a committed object has disappeared, unless ``allow_gone``.
    """
    objects = []
    for entry in listed:
        before = state.objects.get(entry.path)
        if before is not None and before.etag != entry.etag and not everything:
            raise SourceRewrittenError(entry.path)
        if before is None or everything:
            partition = before.values if before is not None else values(entry)
            objects.append(entry.as_source(partition))
    if not everything:
        return Choice(objects, Append())
    gone = sorted(set(state.objects) - {entry.path for entry in listed})
    if gone and not allow_gone:
        raise SourceGoneError("", gone)
    return Choice(objects, OverwriteTable())
