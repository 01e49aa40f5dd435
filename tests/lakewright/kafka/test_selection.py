"""Which objects of a topic make the next batch, where records of one object may be rows of another."""

from typing import Any

import pytest

from lakewright.errors import ConfigError, ObjectRefusedError, SourceGoneError
from lakewright.kafka.selection import SUPERSEDED, choose_all, choose_news
from lakewright.log.actions import TableState
from lakewright.log.log import Append, OverwriteTable
from lakewright.log.records import DataFile, SourceObject
from lakewright.runs.job import Request


def taken(path: str, etag: str = "1", *, superseded: int = 0) -> SourceObject:
    """An object: ``01/a`` is of the first."""
    notes: dict[str, str | int] = {SUPERSEDED: superseded} if superseded else {}
    return SourceObject(path=path, size=10, etag=etag, values={"day": path.split("/", maxsplit=1)[0]}, notes=notes)


def by_path(*objects: SourceObject) -> dict[str, SourceObject]:
    return {each.path: each for each in objects}


def state_of(*objects: SourceObject, rows: dict[str, list[str]] | None = None) -> TableState:
    """A table that has taken objects; ``rows`` are the objects that each day of its events came from."""
    files = [
        DataFile(path=f"table/{day}", staged="", partition=f"day={day}", rows=1, size=1, objects=paths)
        for day, paths in (rows or {}).items()
    ]
    return TableState(objects=by_path(*objects), files={file.path: file for file in files})


def test_all_is_what_is_there_however_often_it_was_taken() -> None:
    choice = choose_all(by_path(taken("01/a", "2"), taken("01/b")), state_of(taken("01/a")), {}, refuses_gone=True)
    assert choice.objects == [taken("01/a", "2"), taken("01/b")]
    assert choice.scope == OverwriteTable()


def test_all_without_an_object_that_never_was_a_part_of_the_table() -> None:
    choice = choose_all(by_path(taken("01/a")), state_of(taken("01/a")), {"01/b": "torn"}, refuses_gone=True)
    assert [each.path for each in choice.objects] == ["01/a"]


def test_the_rows_of_an_object_that_is_refused_now_are_not_given_up() -> None:
    with pytest.raises(ObjectRefusedError) as refused:
        choose_all({}, state_of(taken("01/a")), {"01/a": "torn", "01/new": "torn"}, refuses_gone=False)
    assert refused.value.reasons == {"01/a": "torn"}


def test_all_without_what_is_gone_only_where_the_feed_allows_it() -> None:
    state = state_of(taken("01/b"), taken("01/a"))
    with pytest.raises(SourceGoneError) as refused:
        choose_all(by_path(taken("01/c")), state, {}, refuses_gone=True)
    assert (refused.value.partition, refused.value.gone) == ("", ["01/a", "01/b"])
    choice = choose_all(by_path(taken("01/c")), state, {}, refuses_gone=False)
    assert [each.path for each in choice.objects] == ["01/c"]


def news(
    there: dict[str, SourceObject],
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
        there, state, refused or {}, request, refuses_gone=refuses_gone, day_in_event=day_in_event
    )
    assert choice.scope == Append()
    assert choice.objects == [there[each.path] for each in choice.objects]
    return [each.path for each in choice.objects], waiting


REPEATING = taken("01/r", superseded=3)


@pytest.mark.parametrize(
    ("there", "state", "options", "paths"),
    [
        pytest.param({}, state_of(), {}, [], id="nothing-there"),
        pytest.param(by_path(taken("01/a")), state_of(taken("01/a")), {}, [], id="nothing-new"),
        pytest.param(
            by_path(taken("02/b"), taken("01/c"), taken("01/a")),
            state_of(taken("01/a")),
            {},
            ["01/c", "02/b"],
            id="the-new-ones-in-order",
        ),
        pytest.param(
            by_path(taken("01/a", "2"), taken("01/b")),
            state_of(taken("01/a"), taken("01/b")),
            {},
            ["01/a"],
            id="what-was-written-again",
        ),
        pytest.param(
            by_path(taken("01/a"), REPEATING),
            state_of(REPEATING),
            {},
            ["01/a"],
            id="new-objects-take-no-rows-from-others",
        ),
        pytest.param(
            by_path(taken("01/a", "2"), taken("01/b"), REPEATING),
            state_of(taken("01/a"), taken("01/b"), REPEATING),
            {},
            ["01/a", "01/r"],
            id="what-repeats-records-comes-again-with-what-was-written-again",
        ),
        pytest.param(
            by_path(taken("01/a", "2")),
            state_of(taken("01/a"), REPEATING),
            {},
            ["01/a"],
            id="unless-it-is-gone",
        ),
        pytest.param(
            by_path(taken("01/a"), taken("02/b")), state_of(), {"day": "2"}, ["02/b"], id="the-new-ones-of-a-day"
        ),
        pytest.param(
            by_path(taken("01/a"), taken("02/b"), taken("02/c")),
            state_of(taken("01/a"), taken("02/b")),
            {"verb": "rebuild", "day": "02"},
            ["02/b", "02/c"],
            id="all-of-a-day-that-is-made-again",
        ),
        pytest.param(
            by_path(taken("01/a"), taken("02/b"), taken("03/c")),
            state_of(taken("01/a"), taken("02/b"), taken("03/c"), rows={"02": ["01/a"], "03": ["03/c"]}),
            {"verb": "rebuild", "day": "02"},
            ["01/a", "02/b"],
            id="and-what-gave-rows-to-it",
        ),
        pytest.param(
            by_path(taken("02/b")),
            state_of(taken("01/a"), rows={"02": ["01/a"]}),
            {"verb": "rebuild", "day": "02", "refuses_gone": False},
            ["02/b"],
            id="without-what-is-gone-where-the-feed-allows-it",
        ),
        pytest.param(
            by_path(taken("01/a")),
            state_of(taken("01/a"), rows={"02": ["01/a"]}),
            {"verb": "rebuild", "day": "02", "day_in_event": True},
            ["01/a"],
            id="days-of-events-are-made-again-from-where-they-came",
        ),
    ],
)
def test_news(there: dict[str, SourceObject], state: TableState, options: dict[str, Any], paths: list[str]) -> None:
    assert news(there, state, **options) == (paths, {})


def test_what_was_written_again_waits_for_a_damaged_object_that_repeats_records() -> None:
    """Its rows may be the only ones that stand for what the damaged object holds; what is new goes on."""
    there = by_path(taken("01/a", "2"), taken("01/new"))
    state = state_of(taken("01/a"), REPEATING)
    paths, waiting = news(there, state, refused={"01/r": "torn"})
    assert paths == ["01/new"]
    assert waiting == {
        "01/a": "its rows stay unchanged until 01/r is readable again, because they may include its records"
    }


def test_a_damaged_object_that_repeats_nothing_is_not_waited_for() -> None:
    there = by_path(taken("01/a", "2"))
    assert news(there, state_of(taken("01/a"), taken("01/b")), refused={"01/b": "torn"}) == (["01/a"], {})


def test_a_day_is_not_made_again_without_an_object_that_gave_rows_to_it() -> None:
    state = state_of(taken("01/a"), taken("01/b"), rows={"02": ["01/b", "01/a"]})
    with pytest.raises(SourceGoneError) as gone:
        news(by_path(taken("02/c")), state, verb="rebuild", day="02")
    assert (gone.value.partition, gone.value.gone) == ("day=02", ["01/a", "01/b"])
    assert news(by_path(taken("02/c"), taken("01/a")), state, refused={"01/b": "torn"}, verb="rebuild", day="02") == (
        ["01/a", "02/c"],
        {},
    ), "one that is refused is there"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"verb": "rebuild", "day": "03"}, "no events of day=03", id="a-day-of-nothing"),
        pytest.param({"day": "01", "day_in_event": True}, "events determine their day", id="a-day-that-no-object-says"),
    ],
)
def test_days_that_cannot_be_asked_for(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        news(by_path(taken("01/a")), state_of(), **options)
