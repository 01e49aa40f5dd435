"""Select a topic's objects for the next batch: new or rewritten ones, and those that lost rows to rewritten ones.

A record that several objects contain is a row of one of them; the log counts it as ``superseded`` in the others.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from lakewright.errors import ConfigError, ObjectRefusedError, SourceGoneError
from lakewright.log.log import Append, OverwriteTable
from lakewright.log.records import SourceObject
from lakewright.log.state import TableState
from lakewright.runs.job.batch import Choice
from lakewright.runs.job.request import Request
from lakewright.sources.selection import is_within
from transforms.object_names import partition_path

#: Note of an object: how many of its records are rows of other objects.
SUPERSEDED: Final = "superseded"


def choose_all(
    there: Mapping[str, SourceObject], state: TableState, refused: Mapping[str, str], *, refuses_gone: bool
) -> Choice:
    """Select all objects, for a rebuild of the whole table.

    Raises:
        ObjectRefusedError: If an object of the table is refused.
        SourceGoneError: If one has disappeared and the feed refuses that.
    """
    if damaged := {path: reason for path, reason in refused.items() if path in state.objects}:
        raise ObjectRefusedError(damaged)
    if refuses_gone and (gone := set(state.objects) - set(there)):
        raise SourceGoneError("", sorted(gone))
    return Choice(list(there.values()), OverwriteTable())


def choose_news(
    there: Mapping[str, SourceObject],
    state: TableState,
    refused: Mapping[str, str],
    request: Request,
    *,
    refuses_gone: bool,
    day_in_event: bool,
) -> tuple[Choice, dict[str, str]]:
    """Select new, rewritten and requested objects, and those that lost rows to them.

    Args:
        there: The objects of the topic, by path.
        state: The table before the batch.
        refused: Refused objects, with reasons.
        request: The user's request.
        refuses_gone: Whether the feed refuses a batch if an object that must be read again has disappeared.
        day_in_event: Whether each event determines its day, rather than the object.

    Returns:
        The selected objects, and those that must wait for others, with the reason.

    Raises:
        ConfigError: If the requested days have no objects, or objects do not determine days.
        SourceGoneError: If an object that must be read again has disappeared and the feed refuses that.
    """
    if request.everything:
        paths = _paths_again(there, state, refused, request, refuses_gone=refuses_gone)
    elif request.wanted and day_in_event:
        raise ConfigError("the day of an event is in its record (source.day): omit --date and --partition")
    else:
        fresh = {path for path, source in there.items() if not state.has(path, source.etag)}
        paths = fresh & _paths_within(there, request.wanted) if request.wanted else fresh
    waiting: dict[str, str] = {}
    if again := paths & set(state.objects):
        repeating = {path for path, source in state.objects.items() if source.notes.get(SUPERSEDED)}
        if missing := sorted(repeating & set(refused)):
            why = f"its rows stay unchanged until {missing[0]} is readable again, because they may include its records"
            waiting = dict.fromkeys(again, why)
            paths = paths - again
        else:
            paths = paths | repeating
    return Choice([there[path] for path in sorted(paths & set(there))], Append()), waiting


def lost_records(
    chosen: Iterable[SourceObject],
    there: Mapping[str, SourceObject],
    state: TableState,
    refused: Mapping[str, str],
) -> list[str]:
    """Warn of objects that are gone and shared records with others, if any of those is read again."""
    again = [source.path for source in chosen if source.path in state.objects]
    gone = [
        path
        for path, source in state.objects.items()
        if source.notes.get(SUPERSEDED) and path not in there and path not in refused
    ]
    if not again or not gone:
        return []
    more = f" and {len(gone) - 1} more objects are" if len(gone) > 1 else " is"
    return [f"{min(gone)}{more} gone: records that {min(again)} or others shared with it, and no longer have, are lost"]


def _paths_again(
    there: Mapping[str, SourceObject],
    state: TableState,
    refused: Mapping[str, str],
    request: Request,
    *,
    refuses_gone: bool,
) -> set[str]:
    """Return the objects of the requested days, where rows determine their days."""
    of_objects = _paths_within(there, request.wanted)
    of_rows = {
        path
        for file in state.files.values()
        if is_within(dict(part.split("=", 1) for part in file.partition.split("/")), request.wanted)
        for path in file.objects
    }
    if not of_objects | of_rows:
        raise ConfigError(f"no events of {partition_path(request.wanted)}")
    if refuses_gone and (gone := of_rows - set(there) - set(refused)):
        raise SourceGoneError(partition_path(request.wanted), sorted(gone))
    return of_objects | of_rows


def _paths_within(there: Mapping[str, SourceObject], wanted: Mapping[str, str]) -> set[str]:
    """Return the objects of the requested days, where objects determine their days."""
    return {path for path, source in there.items() if source.values and is_within(source.values, wanted)}
