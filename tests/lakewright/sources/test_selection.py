"""Which objects make the next batch, and which partitions they overwrite."""

from datetime import UTC, datetime
from typing import Any

import pytest

from lakewright.errors import SourceGoneError, SourceRewrittenError
from lakewright.log.log import Append, OverwritePartitions, OverwriteTable, Scope
from lakewright.log.records import SourceObject
from lakewright.log.state import TableState
from lakewright.runs.job.batch import Choice
from lakewright.sources.listing import Listed
from lakewright.sources.selection import choose_append, choose_rebuild, choose_whole, is_within, narrowed

NOW = datetime(2026, 8, 1, tzinfo=UTC)


def listed(*paths: str, etag: str = "1") -> list[Listed]:
    """Listed objects; ``08/01/a`` has the date August 1."""
    return [Listed(path, 10, etag, date_of(path), NOW) for path in paths]


def date_of(path: str) -> dict[str, str]:
    month, day, _ = path.split("/")
    return {"month": month, "day": day}


def state_of(*paths: str) -> TableState:
    committed = [SourceObject(path=path, size=10, etag="1", values=date_of(path)) for path in paths]
    return TableState(objects={each.path: each for each in committed})


def paths_of(choice: Choice) -> list[str]:
    return [chosen.path for chosen in choice.objects]


@pytest.mark.parametrize(
    ("wanted", "within"),
    [
        pytest.param({}, True, id="nothing-wanted-is-everything"),
        pytest.param({"month": "08"}, True, id="a-part-of-the-date"),
        pytest.param({"month": "8", "day": "1"}, True, id="leading-zeros-do-not-matter"),
        pytest.param({"month": "08", "day": "2"}, False, id="another-day"),
        pytest.param({"year": "2026"}, False, id="a-part-that-the-name-lacks"),
        pytest.param({"month": "aug"}, False, id="not-a-number"),
    ],
)
def test_objects_are_narrowed_to_a_date(wanted: dict[str, str], within: bool) -> None:
    assert is_within({"month": "08", "day": "01"}, wanted) is within
    objects = listed("08/01/a")
    assert narrowed(objects, wanted) == (objects if within else [])


def rebuild(objects: list[Listed], state: TableState, **options: Any) -> Choice:
    defaults: dict[str, Any] = {
        "asked": {listed.path for listed in objects},
        "keys": ("month", "day"),
        "everything": False,
        "allow_gone": False,
    }
    return choose_rebuild(objects, state, **defaults | options)


FIRST, SECOND = "month=08/day=01", "month=08/day=02"


@pytest.mark.parametrize(
    ("objects", "state", "options", "paths", "partitions"),
    [
        pytest.param([], state_of(), {}, [], [], id="an-empty-source"),
        pytest.param(listed("08/01/a"), state_of("08/01/a"), {}, [], [], id="nothing-new"),
        pytest.param(
            listed("08/01/a", "08/01/b", "08/02/c"),
            state_of("08/01/a", "08/02/c"),
            {},
            ["08/01/a", "08/01/b"],
            [FIRST],
            id="a-new-object-rebuilds-its-partition-from-all-objects",
        ),
        pytest.param(
            [*listed("08/01/a", etag="2"), *listed("08/01/b", "08/02/c")],
            state_of("08/01/a", "08/01/b", "08/02/c"),
            {},
            ["08/01/a", "08/01/b"],
            [FIRST],
            id="a-rewritten-object-rebuilds-its-partition",
        ),
        pytest.param(
            listed("08/01/a", "08/02/b"),
            state_of(),
            {"asked": {"08/02/b"}},
            ["08/02/b"],
            [SECOND],
            id="new-objects-outside-the-request-wait",
        ),
        pytest.param(
            listed("08/01/a", "08/01/b"),
            state_of(),
            {"asked": {"08/01/b"}},
            ["08/01/a", "08/01/b"],
            [FIRST],
            id="new-objects-outside-the-request-but-in-its-partition-are-read",
        ),
        pytest.param(
            listed("08/01/a", "08/02/b"),
            state_of("08/01/a", "08/02/b"),
            {"everything": True, "asked": {"08/01/a"}},
            ["08/01/a"],
            [FIRST],
            id="everything-is-limited-to-the-request",
        ),
        pytest.param(
            listed("08/01/a", "08/02/b"),
            state_of(),
            {"keys": ("month",)},
            ["08/01/a", "08/02/b"],
            ["month=08"],
            id="partitions-follow-the-keys-of-the-table",
        ),
        pytest.param(
            listed("08/01/a"), state_of(), {"keys": ()}, ["08/01/a"], [""], id="an-unpartitioned-table-is-one-partition"
        ),
        pytest.param(
            listed("08/01/a"),
            state_of("08/01/a", "08/01/gone"),
            {},
            [],
            [],
            id="a-disappeared-object-alone-rebuilds-nothing",
        ),
        pytest.param(
            listed("08/01/a", "08/01/b"),
            state_of("08/01/a", "08/01/gone"),
            {"allow_gone": True},
            ["08/01/a", "08/01/b"],
            [FIRST],
            id="disappeared-objects-may-be-allowed",
        ),
        pytest.param(
            listed("08/02/b"),
            state_of("08/01/gone"),
            {},
            ["08/02/b"],
            [SECOND],
            id="disappeared-objects-of-other-partitions-do-not-matter",
        ),
    ],
)
def test_rebuild(
    objects: list[Listed], state: TableState, options: dict[str, Any], paths: list[str], partitions: list[str]
) -> None:
    choice = rebuild(objects, state, **options)
    assert paths_of(choice) == paths
    assert choice.scope == OverwritePartitions(partitions)


def test_a_chosen_object_has_its_current_etag() -> None:
    choice = rebuild(listed("08/01/a", etag="2"), state_of("08/01/a"))
    assert choice.objects == [SourceObject("08/01/a", 10, "2", {"month": "08", "day": "01"})]


def test_a_partition_with_a_disappeared_object_is_not_rebuilt() -> None:
    with pytest.raises(SourceGoneError) as refused:
        rebuild(listed("08/01/c"), state_of("08/01/b", "08/01/a", "08/02/d"))
    assert (refused.value.partition, refused.value.gone) == (FIRST, ["08/01/a", "08/01/b"])


def test_a_whole_table_is_rebuilt_from_all_objects() -> None:
    choice = choose_whole(listed("08/01/a", "08/02/b"), state_of("08/01/a"), keys=("month", "day"), allow_gone=False)
    assert paths_of(choice) == ["08/01/a", "08/02/b"]
    assert choice.objects[0].values == {"month": "08", "day": "01"}
    assert choice.scope == OverwriteTable()


def test_a_whole_table_with_disappeared_objects_is_rebuilt_only_if_the_feed_allows_it() -> None:
    with pytest.raises(SourceGoneError) as refused:
        choose_whole(listed("08/02/b"), state_of("08/01/a"), keys=("month",), allow_gone=False)
    assert (refused.value.partition, refused.value.gone) == ("", ["08/01/a"])
    choice = choose_whole(listed("08/02/b"), state_of("08/01/a"), keys=("month",), allow_gone=True)
    assert paths_of(choice) == ["08/02/b"]


def append(
    objects: list[Listed], state: TableState, *, everything: bool = False, allow_gone: bool = False
) -> tuple[list[tuple[str, dict[str, str]]], Scope]:
    choice = choose_append(
        objects, state, values=lambda _: {"day": "today"}, everything=everything, allow_gone=allow_gone
    )
    return [(chosen.path, chosen.values) for chosen in choice.objects], choice.scope


TODAY, THEN = {"day": "today"}, {"month": "08", "day": "01"}


@pytest.mark.parametrize(
    ("objects", "state", "options", "chosen", "scope"),
    [
        pytest.param(listed("08/01/a"), state_of("08/01/a"), {}, [], Append(), id="nothing-new"),
        pytest.param(
            listed("08/01/a", "08/01/b"), state_of("08/01/a"), {}, [("08/01/b", TODAY)], Append(), id="new-objects"
        ),
        pytest.param(listed(), state_of("08/01/gone"), {}, [], Append(), id="rows-of-disappeared-objects-stay"),
        pytest.param(
            listed("08/01/a", "08/01/b"),
            state_of("08/01/a"),
            {"everything": True},
            [("08/01/a", THEN), ("08/01/b", TODAY)],
            OverwriteTable(),
            id="everything-keeps-the-partitions-of-committed-objects",
        ),
        pytest.param(
            listed("08/01/a", etag="2"),
            state_of("08/01/a"),
            {"everything": True},
            [("08/01/a", THEN)],
            OverwriteTable(),
            id="everything-includes-rewritten-objects",
        ),
        pytest.param(
            listed("08/01/a"),
            state_of("08/01/gone"),
            {"everything": True, "allow_gone": True},
            [("08/01/a", TODAY)],
            OverwriteTable(),
            id="disappeared-objects-may-be-allowed",
        ),
    ],
)
def test_append(
    objects: list[Listed], state: TableState, options: dict[str, bool], chosen: list[Any], scope: Scope
) -> None:
    assert append(objects, state, **options) == (chosen, scope)


def test_a_rewritten_object_cannot_be_appended() -> None:
    with pytest.raises(SourceRewrittenError) as refused:
        append([*listed("08/01/b"), *listed("08/01/a", etag="2")], state_of("08/01/a"))
    assert refused.value.path == "08/01/a"


def test_an_appended_table_with_disappeared_objects_is_not_rebuilt() -> None:
    with pytest.raises(SourceGoneError) as refused:
        append(listed("08/01/b"), state_of("08/01/c", "08/01/a"), everything=True)
    assert (refused.value.partition, refused.value.gone) == ("", ["08/01/a", "08/01/c"])
