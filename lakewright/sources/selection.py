"""Which of the objects at a source make the next batch."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from lakewright.errors import SourceGoneError, SourceRewrittenError
from lakewright.log.actions import TableState
from lakewright.log.log import Append, OverwritePartitions, OverwriteTable
from lakewright.log.records import SourceObject
from lakewright.runs.job import Choice
from lakewright.sources.listing import Listed
from transforms.object_names import partition_path


def narrowed(objects: Iterable[Listed], wanted: Mapping[str, str]) -> list[Listed]:
    """Keep the objects of one date or partition; ``08`` and ``8`` are the same month."""
    return [listed for listed in objects if is_within(listed.date, wanted)]


def is_within(date: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Tell whether year, month and day are, as far as wanted, those that are."""
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
    """Choose every source object of each partition that has news: a new object, or one that was written again.

    News is looked for among the paths that were ``asked`` for; with ``everything`` each of them is news.

    Raises:
        SourceGoneError: If such a partition has lost a committed object, unless ``allow_gone``.
    """
    by_partition: dict[str, list[SourceObject]] = {}
    for found in listed:
        values = {key: found.date[key] for key in keys}
        taken = SourceObject(path=found.path, size=found.size, etag=found.etag, values=values)
        by_partition.setdefault(partition_path(values), []).append(taken)
    committed: dict[str, set[str]] = {}
    for before in state.objects.values():
        committed.setdefault(partition_path({key: before.values[key] for key in keys}), set()).add(before.path)
    chosen: list[SourceObject] = []
    replaces: list[str] = []
    for partition, objects in by_partition.items():
        news = [taken for taken in objects if taken.path in asked]
        if not any(everything or not state.has(taken.path, taken.etag) for taken in news):
            continue
        gone = sorted(committed.get(partition, set()) - {taken.path for taken in objects})
        if gone and not allow_gone:
            raise SourceGoneError(partition, gone)
        chosen.extend(objects)
        replaces.append(partition)
    return Choice(chosen, OverwritePartitions(replaces))


def choose_whole(listed: Iterable[Listed], state: TableState, *, keys: Collection[str], allow_gone: bool) -> Choice:
    """Choose every source object, for a table that is made anew and keeps nothing of what it was.

    Raises:
        SourceGoneError: If a committed object is gone, unless ``allow_gone``.
    """
    objects = [
        SourceObject(path=found.path, size=found.size, etag=found.etag, values={key: found.date[key] for key in keys})
        for found in listed
    ]
    gone = sorted(set(state.objects) - {taken.path for taken in objects})
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
    """Choose the objects that were never taken; with ``everything``, all of them, in the partitions they had.

    ``values`` gives year, month and day in the table of an object that was never taken.

    Raises:
        SourceRewrittenError: If an object was written again after it was taken: its rows cannot be told apart.
        SourceGoneError: If everything is wanted, and a committed object is gone, unless ``allow_gone``.
    """
    objects = []
    for found in listed:
        before = state.objects.get(found.path)
        if before is not None and before.etag != found.etag and not everything:
            raise SourceRewrittenError(found.path)
        if before is None or everything:
            taken_as = before.values if before is not None else values(found)
            objects.append(SourceObject(path=found.path, size=found.size, etag=found.etag, values=taken_as))
    if not everything:
        return Choice(objects, Append())
    gone = sorted(set(state.objects) - {found.path for found in listed})
    if gone and not allow_gone:
        raise SourceGoneError("", gone)
    return Choice(objects, OverwriteTable())
