"""Object names as printable text, on one line."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.object_names import as_text, is_folder_marker, one_line


@pytest.mark.parametrize(
    ("name", "line"),
    [
        pytest.param("a b.csv", "a b.csv", id="plain"),
        pytest.param("é😀\u200d.csv", "é😀\u200d.csv", id="letters-of-any-script-are-kept"),
        pytest.param("a\nerror: b\r\t.csv", "a\\nerror: b\\r\\t.csv", id="line-ends"),
        pytest.param("\x1b[2J\x85\u2028.csv", "\\x1b[2J\\x85\\u2028.csv", id="controls-and-separators"),
        pytest.param("\u202egnp.csv", "\\u202egnp.csv", id="right-to-left-override"),
        pytest.param(os.fsdecode(b"\xe9.csv"), "\\xe9.csv", id="invalid-UTF-8"),
    ],
)
def test_a_name_on_one_line(name: str, line: str) -> None:
    assert one_line(name) == line


@given(st.binary())
def test_any_bytes_become_one_line_of_text(name: bytes) -> None:
    text = os.fsdecode(name)
    assert len(one_line(text).splitlines()) <= 1
    as_text(text).encode()
    one_line(text).encode()


@pytest.mark.parametrize(
    ("path", "size", "is_marker"),
    [
        ("", 0, True),
        ("raw/customers/", 0, True),
        ("raw/customers_$folder$", 0, True),
        ("raw/customers/", 1, False),
        ("raw/customers_$folder$", 1, False),
        ("raw/customers/a.csv", 0, False),
    ],
)
def test_folder_markers_are_empty(path: str, size: int, is_marker: bool) -> None:
    assert is_folder_marker(path, size) is is_marker
