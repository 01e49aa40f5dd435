"""Which objects make the next batch, and what of the table they take the place of."""

from datetime import UTC, datetime
from typing import Any

import pytest

from lakewright.errors import SourceGoneError, SourceRewrittenError
from lakewright.log.actions import TableState
from lakewright.log.log import Append, OverwritePartitions, OverwriteTable, Scope
from lakewright.log.records import SourceObject
from lakewright.runs.job import Choice
from lakewright.sources.listing import Listed
from lakewright.sources.selection import choose_append, choose_rebuild, choose_whole, is_within, narrowed

NOW = datetime(2026, 8, 1, tzinfo=UTC)


def listed(*paths: str, etag: str = "1") -> list[Listed]:
    """List objects: ``08/01/a`` is of the first of August."""
    return [Listed(path, 10, etag, date_of(path), NOW) for path in paths]


def date_of(path: str) -> dict[str, str]:
    month, day, _ = path.split("/")
    return {"month": month, "day": day}


def state_of(*paths: str) -> TableState:
    taken = [SourceObject(path=path, size=10, etag="1", values=date_of(path)) for path in paths]
    return TableState(objects={each.path: each for each in taken})


def paths_of(choice: Choice) -> list[str]:
    return [taken.path for taken in choice.objects]


@pytest.mark.parametrize(
    ("wanted", "within"),
    [
        pytest.param({}, True, id="nothing-wanted-is-everything"),
        pytest.param({"month": "08"}, True, id="a-part-of-the-date"),
        pytest.param({"month": "8", "day": "1"}, True, id="zeros-in-front-do-not-count"),
        pytest.param({"month": "08", "day": "2"}, False, id="another-day"),
        pytest.param({"year": "2026"}, False, id="a-part-that-the-name-does-not-say"),
        pytest.param({"month": "aug"}, False, id="no-number"),
    ],
)
def test_dates_are_narrowed(wanted: dict[str, str], within: bool) -> None:
    assert is_within({"month": "08", "day": "01"}, wanted) is within
    (found,) = listed("08/01/a")
    assert narrowed([found], wanted) == ([found] if within else [])


def rebuild(lying: list[Listed], state: TableState, **options: Any) -> Choice:
    defaults: dict[str, Any] = {
        "asked": {found.path for found in lying},
        "keys": ("month", "day"),
        "everything": False,
        "allow_gone": False,
    }
    return choose_rebuild(lying, state, **defaults | options)


FIRST, SECOND = "month=08/day=01", "month=08/day=02"


@pytest.mark.parametrize(
    ("lying", "state", "options", "paths", "partitions"),
    [
        pytest.param([], state_of(), {}, [], [], id="nothing-there"),
        pytest.param(listed("08/01/a"), state_of("08/01/a"), {}, [], [], id="nothing-new"),
        pytest.param(
            listed("08/01/a", "08/01/b", "08/02/c"),
            state_of("08/01/a", "08/02/c"),
            {},
            ["08/01/a", "08/01/b"],
            [FIRST],
            id="a-new-object-brings-the-others-of-its-partition",
        ),
        pytest.param(
            [*listed("08/01/a", etag="2"), *listed("08/01/b", "08/02/c")],
            state_of("08/01/a", "08/01/b", "08/02/c"),
            {},
            ["08/01/a", "08/01/b"],
            [FIRST],
            id="so-does-one-that-was-written-again",
        ),
        pytest.param(
            listed("08/01/a", "08/02/b"),
            state_of(),
            {"asked": {"08/02/b"}},
            ["08/02/b"],
            [SECOND],
            id="news-that-nobody-asked-for-waits",
        ),
        pytest.param(
            listed("08/01/a", "08/01/b"),
            state_of(),
            {"asked": {"08/01/b"}},
            ["08/01/a", "08/01/b"],
            [FIRST],
            id="but-not-in-the-partition-of-what-was-asked-for",
        ),
        pytest.param(
            listed("08/01/a", "08/02/b"),
            state_of("08/01/a", "08/02/b"),
            {"everything": True, "asked": {"08/01/a"}},
            ["08/01/a"],
            [FIRST],
            id="everything-is-all-that-was-asked-for",
        ),
        pytest.param(
            listed("08/01/a", "08/02/b"),
            state_of(),
            {"keys": ("month",)},
            ["08/01/a", "08/02/b"],
            ["month=08"],
            id="partitions-are-those-of-the-table",
        ),
        pytest.param(
            listed("08/01/a"), state_of(), {"keys": ()}, ["08/01/a"], [""], id="a-table-without-partitions-is-one"
        ),
        pytest.param(
            listed("08/01/a"), state_of("08/01/a", "08/01/gone"), {}, [], [], id="what-is-gone-is-no-news-by-itself"
        ),
        pytest.param(
            listed("08/01/a", "08/01/b"),
            state_of("08/01/a", "08/01/gone"),
            {"allow_gone": True},
            ["08/01/a", "08/01/b"],
            [FIRST],
            id="a-feed-may-allow-that-objects-are-gone",
        ),
        pytest.param(
            listed("08/02/b"),
            state_of("08/01/gone"),
            {},
            ["08/02/b"],
            [SECOND],
            id="what-is-gone-elsewhere-does-not-matter",
        ),
    ],
)
def test_rebuild(
    lying: list[Listed], state: TableState, options: dict[str, Any], paths: list[str], partitions: list[str]
) -> None:
    choice = rebuild(lying, state, **options)
    assert paths_of(choice) == paths
    assert choice.scope == OverwritePartitions(partitions)


def test_an_object_is_taken_as_it_lies_there() -> None:
    choice = rebuild(listed("08/01/a", etag="2"), state_of("08/01/a"))
    assert choice.objects == [SourceObject("08/01/a", 10, "2", {"month": "08", "day": "01"})]


def test_a_partition_that_lost_an_object_is_not_made_again_without_it() -> None:
    with pytest.raises(SourceGoneError) as refused:
        rebuild(listed("08/01/c"), state_of("08/01/b", "08/01/a", "08/02/d"))
    assert (refused.value.partition, refused.value.gone) == (FIRST, ["08/01/a", "08/01/b"])


def test_the_whole_table_is_made_of_all_that_is_there() -> None:
    choice = choose_whole(listed("08/01/a", "08/02/b"), state_of("08/01/a"), keys=("month", "day"), allow_gone=False)
    assert paths_of(choice) == ["08/01/a", "08/02/b"]
    assert choice.objects[0].values == {"month": "08", "day": "01"}
    assert choice.scope == OverwriteTable()


def test_the_whole_table_is_not_made_without_what_is_gone_unless_the_feed_allows_it() -> None:
    with pytest.raises(SourceGoneError) as refused:
        choose_whole(listed("08/02/b"), state_of("08/01/a"), keys=("month",), allow_gone=False)
    assert (refused.value.partition, refused.value.gone) == ("", ["08/01/a"])
    choice = choose_whole(listed("08/02/b"), state_of("08/01/a"), keys=("month",), allow_gone=True)
    assert paths_of(choice) == ["08/02/b"]


def append(
    lying: list[Listed], state: TableState, *, everything: bool = False, allow_gone: bool = False
) -> tuple[list[tuple[str, dict[str, str]]], Scope]:
    choice = choose_append(
        lying, state, values=lambda found: {"day": "today"}, everything=everything, allow_gone=allow_gone
    )
    return [(taken.path, taken.values) for taken in choice.objects], choice.scope


TODAY, THEN = {"day": "today"}, {"month": "08", "day": "01"}


@pytest.mark.parametrize(
    ("lying", "state", "options", "chosen", "scope"),
    [
        pytest.param(listed("08/01/a"), state_of("08/01/a"), {}, [], Append(), id="nothing-new"),
        pytest.param(
            listed("08/01/a", "08/01/b"), state_of("08/01/a"), {}, [("08/01/b", TODAY)], Append(), id="the-new-ones"
        ),
        pytest.param(listed(), state_of("08/01/gone"), {}, [], Append(), id="rows-of-what-is-gone-stay"),
        pytest.param(
            listed("08/01/a", "08/01/b"),
            state_of("08/01/a"),
            {"everything": True},
            [("08/01/a", THEN), ("08/01/b", TODAY)],
            OverwriteTable(),
            id="everything-keeps-the-partitions-of-what-was-taken",
        ),
        pytest.param(
            listed("08/01/a", etag="2"),
            state_of("08/01/a"),
            {"everything": True},
            [("08/01/a", THEN)],
            OverwriteTable(),
            id="everything-takes-what-was-written-again",
        ),
        pytest.param(
            listed("08/01/a"),
            state_of("08/01/gone"),
            {"everything": True, "allow_gone": True},
            [("08/01/a", TODAY)],
            OverwriteTable(),
            id="a-feed-may-allow-that-objects-are-gone",
        ),
    ],
)
def test_append(
    lying: list[Listed], state: TableState, options: dict[str, bool], chosen: list[Any], scope: Scope
) -> None:
    assert append(lying, state, **options) == (chosen, scope)


def test_appended_rows_cannot_be_told_apart_once_their_object_was_written_again() -> None:
    with pytest.raises(SourceRewrittenError) as refused:
        append([*listed("08/01/b"), *listed("08/01/a", etag="2")], state_of("08/01/a"))
    assert refused.value.path == "08/01/a"


def test_everything_is_not_taken_again_without_what_is_gone() -> None:
    with pytest.raises(SourceGoneError) as refused:
        append(listed("08/01/b"), state_of("08/01/c", "08/01/a"), everything=True)
    assert (refused.value.partition, refused.value.gone) == ("", ["08/01/a", "08/01/c"])
