"""The objects of a topic's next batch, when records of one object may be rows of another."""

from typing import Any

import pytest

from lakewright.errors import ConfigError, ObjectRefusedError, SourceGoneError
from lakewright.kafka.selection import SUPERSEDED, choose_all, choose_news
from lakewright.log.log import Append, OverwriteTable
from lakewright.log.records import DataFile, SourceObject
from lakewright.log.state import TableState
from lakewright.runs.job.request import Request


def object_of(path: str, etag: str = "1", *, superseded: int = 0) -> SourceObject:
    """Return an object; ``01/a`` is of day 01."""
    notes: dict[str, str | int] = {SUPERSEDED: superseded} if superseded else {}
    return SourceObject(path=path, size=10, etag=etag, values={"day": path.split("/", maxsplit=1)[0]}, notes=notes)


def by_path(*objects: SourceObject) -> dict[str, SourceObject]:
    return {each.path: each for each in objects}


def state_of(*objects: SourceObject, rows: dict[str, list[str]] | None = None) -> TableState:
    """Return a table with committed objects; ``rows`` are the objects of the rows of each day."""
    files = [
        DataFile(path=f"table/{day}", staged="", partition=f"day={day}", rows=1, size=1, objects=paths)
        for day, paths in (rows or {}).items()
    ]
    return TableState(objects=by_path(*objects), files={file.path: file for file in files})


def test_a_rebuild_reads_all_objects_including_committed_ones() -> None:
    choice = choose_all(
        by_path(object_of("01/a", "2"), object_of("01/b")), state_of(object_of("01/a")), {}, refuses_gone=True
    )
    assert choice.objects == [object_of("01/a", "2"), object_of("01/b")]
    assert choice.scope == OverwriteTable()


def test_a_rebuild_skips_refused_objects_without_rows_in_the_table() -> None:
    choice = choose_all(by_path(object_of("01/a")), state_of(object_of("01/a")), {"01/b": "torn"}, refuses_gone=True)
    assert [each.path for each in choice.objects] == ["01/a"]


def test_a_rebuild_is_refused_if_it_would_lose_rows_of_a_refused_object() -> None:
    with pytest.raises(ObjectRefusedError) as refused:
        choose_all({}, state_of(object_of("01/a")), {"01/a": "torn", "01/new": "torn"}, refuses_gone=False)
    assert refused.value.reasons == {"01/a": "torn"}


def test_a_rebuild_without_disappeared_objects_requires_the_option() -> None:
    state = state_of(object_of("01/b"), object_of("01/a"))
    with pytest.raises(SourceGoneError) as refused:
        choose_all(by_path(object_of("01/c")), state, {}, refuses_gone=True)
    assert (refused.value.partition, refused.value.gone) == ("", ["01/a", "01/b"])
    choice = choose_all(by_path(object_of("01/c")), state, {}, refuses_gone=False)
    assert [each.path for each in choice.objects] == ["01/c"]


def news(
    objects: dict[str, SourceObject],
    state: TableState,
    *,
    refused: dict[str, str] | None = None,
    day: str = "",
    verb: str = "run",
    refuses_gone: bool = True,
    day_in_event: bool = False,
) -> tuple[list[str], dict[str, str]]:
    request = Request(verb, {"day": day} if day else {})
    choice, waiting = choose_news(
        objects, state, refused or {}, request, refuses_gone=refuses_gone, day_in_event=day_in_event
    )
    assert choice.scope == Append()
    assert choice.objects == [objects[each.path] for each in choice.objects]
    return [each.path for each in choice.objects], waiting


REPEATING = object_of("01/r", superseded=3)


@pytest.mark.parametrize(
    ("objects", "state", "options", "paths"),
    [
        pytest.param({}, state_of(), {}, [], id="empty-source"),
        pytest.param(by_path(object_of("01/a")), state_of(object_of("01/a")), {}, [], id="nothing-new"),
        pytest.param(
            by_path(object_of("02/b"), object_of("01/c"), object_of("01/a")),
            state_of(object_of("01/a")),
            {},
            ["01/c", "02/b"],
            id="new-objects-in-order",
        ),
        pytest.param(
            by_path(object_of("01/a", "2"), object_of("01/b")),
            state_of(object_of("01/a"), object_of("01/b")),
            {},
            ["01/a"],
            id="rewritten-object",
        ),
        pytest.param(
            by_path(object_of("01/a"), REPEATING),
            state_of(REPEATING),
            {},
            ["01/a"],
            id="new-objects-do-not-affect-others",
        ),
        pytest.param(
            by_path(object_of("01/a", "2"), object_of("01/b"), REPEATING),
            state_of(object_of("01/a"), object_of("01/b"), REPEATING),
            {},
            ["01/a", "01/r"],
            id="an-object-with-repeated-records-is-read-again-with-a-rewritten-one",
        ),
        pytest.param(
            by_path(object_of("01/a", "2")),
            state_of(object_of("01/a"), REPEATING),
            {},
            ["01/a"],
            id="unless-it-has-disappeared",
        ),
        pytest.param(
            by_path(object_of("01/a"), object_of("02/b")), state_of(), {"day": "2"}, ["02/b"], id="new-objects-of-a-day"
        ),
        pytest.param(
            by_path(object_of("01/a"), object_of("02/b"), object_of("02/c")),
            state_of(object_of("01/a"), object_of("02/b")),
            {"verb": "rebuild", "day": "02"},
            ["02/b", "02/c"],
            id="rebuild-of-a-day-reads-all-its-objects",
        ),
        pytest.param(
            by_path(object_of("01/a"), object_of("02/b"), object_of("03/c")),
            state_of(object_of("01/a"), object_of("02/b"), object_of("03/c"), rows={"02": ["01/a"], "03": ["03/c"]}),
            {"verb": "rebuild", "day": "02"},
            ["01/a", "02/b"],
            id="and-objects-with-rows-in-it",
        ),
        pytest.param(
            by_path(object_of("02/b")),
            state_of(object_of("01/a"), rows={"02": ["01/a"]}),
            {"verb": "rebuild", "day": "02", "refuses_gone": False},
            ["02/b"],
            id="without-disappeared-objects-if-allowed",
        ),
        pytest.param(
            by_path(object_of("01/a")),
            state_of(object_of("01/a"), rows={"02": ["01/a"]}),
            {"verb": "rebuild", "day": "02", "day_in_event": True},
            ["01/a"],
            id="days-by-event-are-rebuilt-from-objects-with-rows",
        ),
    ],
)
def test_objects_of_the_next_batch(
    objects: dict[str, SourceObject], state: TableState, options: dict[str, Any], paths: list[str]
) -> None:
    assert news(objects, state, **options) == (paths, {})


def test_a_rewritten_object_waits_for_a_damaged_object_with_repeated_records() -> None:
    """Its rows may be the only copy of the damaged object's records; new objects are still processed."""
    objects = by_path(object_of("01/a", "2"), object_of("01/new"))
    state = state_of(object_of("01/a"), REPEATING)
    paths, waiting = news(objects, state, refused={"01/r": "torn"})
    assert paths == ["01/new"]
    assert waiting == {
        "01/a": "its rows stay unchanged until 01/r is readable again, because they may include its records"
    }


def test_a_rewritten_object_does_not_wait_for_other_damaged_objects() -> None:
    objects = by_path(object_of("01/a", "2"))
    assert news(objects, state_of(object_of("01/a"), object_of("01/b")), refused={"01/b": "torn"}) == (["01/a"], {})


def test_a_day_is_not_rebuilt_without_an_object_that_has_rows_in_it() -> None:
    state = state_of(object_of("01/a"), object_of("01/b"), rows={"02": ["01/b", "01/a"]})
    with pytest.raises(SourceGoneError) as gone:
        news(by_path(object_of("02/c")), state, verb="rebuild", day="02")
    assert (gone.value.partition, gone.value.gone) == ("day=02", ["01/a", "01/b"])
    assert news(
        by_path(object_of("02/c"), object_of("01/a")), state, refused={"01/b": "torn"}, verb="rebuild", day="02"
    ) == (
        ["01/a", "02/c"],
        {},
    ), "a refused object has not disappeared"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"verb": "rebuild", "day": "03"}, "no events of day=03", id="day-without-events"),
        pytest.param(
            {"day": "01", "day_in_event": True},
            "the day of an event is in its record",
            id="objects-do-not-determine-the-day",
        ),
    ],
)
def test_days_that_cannot_be_selected(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        news(by_path(object_of("01/a")), state_of(), **options)
