"""Which objects of a topic make the next batch: what is new or was written again, and what lost rows to that.

A record that several objects have is a row of one of them: its object is written down as ``superseded`` by so many.
"""

from collections.abc import Mapping
from typing import Final

from lakewright.errors import ConfigError, ObjectRefusedError, SourceGoneError
from lakewright.log.actions import TableState
from lakewright.log.log import Append, OverwriteTable
from lakewright.log.records import SourceObject
from lakewright.runs.job import Choice, Request
from lakewright.sources.selection import is_within
from transforms.object_names import partition_path

#: The note of an object: how many of its records are rows of other objects.
SUPERSEDED: Final = "superseded"


def choose_all(
    there: Mapping[str, SourceObject], state: TableState, refused: Mapping[str, str], *, refuses_gone: bool
) -> Choice:
    """Choose all objects, for a table that is made anew.

    Raises:
        ObjectRefusedError: If an object that the table holds is refused.
        SourceGoneError: If one is gone, and the feed refuses that.
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
    """Choose what is new or was written again, or what is asked for again; with it, what lost rows to that.

    Args:
        there: The objects of the topic, by path.
        state: The table before the batch.
        refused: Objects that are refused, and why.
        request: What a person asked for.
        refuses_gone: Whether the feed refuses that an object is gone that must be taken again.
        day_in_event: Whether it is not an object that says its day, but each event.

    Returns:
        The objects to take, and those that have to wait for others, with the reason.

    Raises:
        ConfigError: If days are asked for of which nothing is there, or which no object can say.
        SourceGoneError: If an object that must be taken again is gone, and the feed refuses that.
    """
    if request.everything:
        paths = _paths_again(there, state, refused, request, refuses_gone=refuses_gone)
    elif request.wanted and day_in_event:
        raise ConfigError("the day of an event is in the event: run without --date and --partition")
    else:
        fresh = {path for path, taken in there.items() if not state.has(path, taken.etag)}
        paths = fresh & _paths_within(there, request.wanted) if request.wanted else fresh
    waiting: dict[str, str] = {}
    if again := paths & set(state.objects):
        repeating = {path for path, taken in state.objects.items() if taken.notes.get(SUPERSEDED)}
        if missing := sorted(repeating & set(refused)):
            why = f"its rows stay as they are until {missing[0]} is whole again, whose records they may stand for"
            waiting = dict.fromkeys(again, why)
            paths = paths - again
        else:
            paths = paths | repeating
    return Choice([there[path] for path in sorted(paths & set(there))], Append()), waiting


def _paths_again(
    there: Mapping[str, SourceObject],
    state: TableState,
    refused: Mapping[str, str],
    request: Request,
    *,
    refuses_gone: bool,
) -> set[str]:
    """Name the objects of the wanted days, and those that gave rows to them, where rows say their days."""
    of_objects = _paths_within(there, request.wanted)
    of_rows = {
        path
        for file in state.files.values()
        if is_within(dict(part.split("=", 1) for part in file.partition.split("/")), request.wanted)
        for path in file.objects
    }
    if not of_objects | of_rows:
        raise ConfigError(f"no event is of {partition_path(request.wanted)}")
    if refuses_gone and (gone := of_rows - set(there) - set(refused)):
        raise SourceGoneError(partition_path(request.wanted), sorted(gone))
    return of_objects | of_rows


def _paths_within(there: Mapping[str, SourceObject], wanted: Mapping[str, str]) -> set[str]:
    """Name the objects that say that they are of the wanted days."""
    return {path for path, taken in there.items() if taken.values and is_within(taken.values, wanted)}
