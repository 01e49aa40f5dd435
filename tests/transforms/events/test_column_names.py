from hypothesis import given
from hypothesis import strategies as st

from transforms.events.column_names import LONGEST_NAME, Names, clean_key, plain_name

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def test_keys_become_valid_names() -> None:
    keys = ["userId", "user.id", 'say "x"', " a b ", "", "größe", "日本", "a\tb", "😀", "e\u0301", "`;{}()=,"]
    cleaned = ["userId", "user_id", "say__x_", "_a_b_", "_", "größe", "日本", "a_b", "_", "é", "________"]
    assert [clean_key(key) for key in keys] == cleaned


def test_long_paths_are_shortened_and_stay_distinct() -> None:
    some, other = ("x" * 300, "a"), ("x" * 300, "b")
    assert len(plain_name(some, "_")) == len(plain_name(other, "_")) == LONGEST_NAME
    assert plain_name(some, "_") != plain_name(other, "_")
    assert plain_name(("a",) * 60, "__") == "__".join("a" * 60)


def test_names_are_distinct_regardless_of_case() -> None:
    names = Names(["year"])
    assert [names.take(name) for name in ("userId", "userid", "USERID", "Year", "userid_2")] == [
        "userId",
        "userid_2",
        "USERID_3",
        "Year_2",
        "userid_2_2",
    ]


@given(st.lists(TEXT))
def test_no_name_is_assigned_twice(wanted: list[str]) -> None:
    names = Names(())
    assigned = [names.take(name).lower() for name in wanted]
    assert len(set(assigned)) == len(assigned)
