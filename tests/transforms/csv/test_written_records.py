"""Records written in a dialect."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.transforms.csv.reading import read
from tests.transforms.csv.test_dialect_laws import layouts
from transforms.csv.dialects.dialect import Dialect
from transforms.csv.dialects.written_records import RecordWriter, UnwritableError
from transforms.csv.text_layout import TextLayout

VALUES = ["1", 'a "b"', "C:\\new", "a,b", "", None]


@pytest.mark.parametrize(
    ("dialect", "values", "record"),
    [
        pytest.param(Dialect(), VALUES, r'"1","a ""b""","C:\new","a,b","",', id="RFC-4180"),
        pytest.param(Dialect(quote="'"), ["it's", 'a"', None], "'it''s','a\"',", id="single-quotes"),
        pytest.param(Dialect(escape="\\"), VALUES, r'"1","a ""b""","C:\\new","a,b","",\N', id="backslashes"),
        pytest.param(Dialect(escape="spark"), VALUES, r'"1","a ""b""","C:\\new","a,b","",', id="spark"),
        pytest.param(Dialect("\t", "none", "mysql"), ["a\tb\n", "", None], "a\\\tb\\n\t\t\\N", id="mysql"),
        pytest.param(
            Dialect(",", "none", "\\", "#"), ["#,", "a\r\nb"], "\\#\\,,a\\\r\nb", id="a-comment-and-a-line-end"
        ),
        pytest.param(Dialect("||", "none", "\\"), ["a|", "|"], "a\\|||\\|", id="the-first-character-of-a-delimiter"),
        pytest.param(Dialect("||", "none"), ["a", None, 'b"'], 'a||||b"', id="without-quotes"),
        pytest.param(
            Dialect(quote="none", escape="\\", skip_initial_space=True), [" a"], "\\ a", id="an-initial-space"
        ),
    ],
)
def test_records(dialect: Dialect, values: list[str | None], record: str) -> None:
    assert RecordWriter(dialect).record(values) == record


@pytest.mark.parametrize(
    ("dialect", "values", "words"),
    [
        pytest.param(Dialect(), [None], "blank line", id="nothing"),
        pytest.param(Dialect(quote="none"), ["a,b"], "the delimiter", id="a-delimiter"),
        pytest.param(Dialect("||", "none"), ["a|", "b"], "the delimiter", id="the-beginning-of-a-delimiter"),
        pytest.param(Dialect(quote="none"), ["a\n"], "a line end", id="a-line-end"),
        pytest.param(Dialect(quote="none", escape="\\"), ["1", "a\r"], "carriage return", id="a-return-at-the-end"),
        pytest.param(Dialect(quote="none"), ["1", ""], "an empty string", id="an-empty-string"),
        pytest.param(Dialect(quote="none", comment="#"), ["#1"], "like a comment", id="a-comment"),
        pytest.param(Dialect(quote="none", skip_initial_space=True), [" 1"], "begins with a blank", id="a-blank"),
    ],
)
def test_what_has_no_text_is_not_written(dialect: Dialect, values: list[str | None], words: str) -> None:
    with pytest.raises(UnwritableError, match=words):
        RecordWriter(dialect).record(values)


ALPHABET = st.sampled_from([*"anNx7|~#'\" \t\\\r\n,", "\u00a7", "\u00e9"])
FIELDS = st.one_of(st.none(), st.text(ALPHABET, max_size=6))


@settings(max_examples=examples(500), deadline=None)
@given(st.data(), layouts())
def test_what_is_written_is_read(data: st.DataObject, layout: TextLayout) -> None:
    layout = replace(layout, encoding="UTF-8", line_end="\n", multiline=True, has_header=True)
    records = data.draw(st.lists(st.tuples(*[FIELDS] * len(layout.names)), max_size=4))
    writer, written = RecordWriter(layout.dialect), []
    for values in records:
        try:
            written.append((values, writer.record(values)))
        except UnwritableError:
            assert layout.dialect.quote == "none" or values == (None,)
    text = "".join(f"{record}\n" for record in [writer.header(layout.names), *(record for _, record in written)])
    reading = read(text, layout, block_bytes=20)
    assert reading.faults == []
    assert [tuple(row.values()) for row, *_ in reading.rows] == [values for values, _ in written]
