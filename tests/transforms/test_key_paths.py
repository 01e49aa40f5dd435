import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.key_paths import read_path, write_path

KEYS = st.text(st.sampled_from('ab.\\ \n"é') | st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("written", "path"),
    [
        pytest.param("a", ("a",), id="one-key"),
        pytest.param("a.b", ("a", "b"), id="a-dot-separates-keys"),
        pytest.param(r"a\.b.c", ("a.b", "c"), id="a-dot-in-a-key"),
        pytest.param(r"a\\.b", ("a\\", "b"), id="a-backslash-in-a-key"),
        pytest.param(r"a\\\.b", (r"a\.b",), id="both-in-a-key"),
        pytest.param(r"C:\dir", (r"C:\dir",), id="a-backslash-that-escapes-nothing"),
        pytest.param("a\\", ("a\\",), id="a-backslash-at-the-end"),
        pytest.param("a\nb.c", ("a\nb", "c"), id="a-line-end"),
    ],
)
def test_read_path(written: str, path: tuple[str, ...]) -> None:
    assert read_path(written) == path


@pytest.mark.parametrize("written", ["", ".", "a.", ".a", "a..b", r"a\..", "\\\\."])
def test_an_empty_key_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(repr(written))} has an empty name"):
        read_path(written)


@given(st.lists(KEYS, min_size=1).map(tuple))
def test_paths_survive_a_round_trip(path: tuple[str, ...]) -> None:
    assert read_path(write_path(path)) == path
