"""Null markers that are text where they are quoted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.csv.reading import layout_of, read
from transforms.csv.text_layout import TextLayout

MARKERS = ("NULL", "-", "n/a", "^]")
Cell = tuple[str, bool]


def layout(delimiter: str, line_end: str, escape: str = "none") -> TextLayout:
    nulls = {"a": markers(delimiter), "b": ("NULL",)}
    if escape == "mysql":
        nulls["b"] = ("NULL", "")
    return layout_of(("a", "b"), delimiter=delimiter, line_end=line_end[-1], null_markers=nulls, escape=escape)


def markers(delimiter: str) -> tuple[str, ...]:
    """Return markers that can stand unquoted."""
    return tuple(marker for marker in MARKERS if delimiter not in marker)


def written(cell: Cell) -> str:
    text, is_quoted = cell
    return '"' + text.replace('"', '""') + '"' if is_quoted else text


def value(cell: Cell, nulls: tuple[str, ...]) -> str | None:
    text, is_quoted = cell
    return text if is_quoted or text not in nulls else None


def cells(delimiter: str) -> st.SearchStrategy[Cell]:
    texts = st.sampled_from(
        [*MARKERS, "", "NULL ", "xNULL", '\n"\n', 'NULL","NULL', '"NULL"', "\ufde0", "NULL\ufde0", "\x1f"]
    )
    quoted = st.tuples(texts | st.text(f'{delimiter}"\nNUL-\ufdd0\ufde0', max_size=6), st.just(True))
    plain = texts.filter(lambda text: not set('"\n' + delimiter) & set(text))
    return quoted | st.tuples(plain, st.just(False))


@settings(max_examples=150, deadline=None)
@given(
    st.data(),
    st.sampled_from([",", ";", "^", "]", "-", "§", "\x1f"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["none", "mysql"]),
)
def test_only_unquoted_markers_are_null(data: st.DataObject, delimiter: str, line_end: str, escape: str) -> None:
    rows = data.draw(st.lists(st.tuples(cells(delimiter), cells(delimiter)), max_size=12))
    records = [(("a", False), ("b", False)), *rows]
    text = "".join(delimiter.join(map(written, record)) + line_end for record in records)
    nulls = layout(delimiter, line_end, escape)
    reading = read(text, nulls, block_bytes=data.draw(st.sampled_from([16, 1 << 16])))
    empty = ("",) if nulls.dialect.empty_is_null else ()
    expected = [
        {"a": value(first, (*markers(delimiter), *empty)), "b": value(second, (*nulls.null_markers["b"], *empty))}
        for first, second in rows
    ]
    assert [fields for fields, _text, _position in reading.rows] == expected


@pytest.mark.parametrize(
    ("record", "values"),
    [
        pytest.param('"NULL" ,"NULL"\t', ("NULL", "NULL"), id="blanks-after-a-quote"),
        pytest.param(' "NULL",NULL', (' "NULL"', None), id="a-quote-that-is-data"),
        pytest.param('"NULL"x,"NULL"', None, id="misquoted"),
        pytest.param('"NULL\n","NULL"', ("NULL\n", "NULL"), id="fields-of-several-lines"),
        pytest.param('x"y,"NULL"', ('x"y', "NULL"), id="in-a-record-that-is-rewritten"),
    ],
)
def test_records_that_are_read_strictly(record: str, values: tuple[str | None, ...] | None) -> None:
    reading = read(f"a,b\n{record}\nNULL,x\n", layout(",", "\n"))
    good = [tuple(fields.values()) for fields, _text, _position in reading.rows]
    assert good == [*([values] if values else []), (None, "x")]
