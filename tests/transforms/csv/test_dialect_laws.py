"""The laws of dialects: whatever the options, pieces, blocks and byte ranges, a plain reader reads the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.transforms.csv.plain_reader import PlainReader
from tests.transforms.csv.reading import header_of, layout_of, read
from tests.transforms.csv.test_text_block_laws import BLOCKS, SIZES, read_ranges
from transforms.csv.text_encoding import can_be_split
from transforms.csv.text_layout import TextLayout

TEXTS = [
    ("UTF-8", "\n"),
    ("UTF-8", "\n"),
    ("UTF-8", "\r"),
    ("ISO-8859-1", "\n"),
    ("UTF-16", "\n"),
    ("UTF-16LE", "\r"),
    ("GBK", "\n"),
    ("Shift_JIS", "\n"),
    ("UTF-32", "\n"),
]


@st.composite
def layouts(draw: st.DrawFn) -> TextLayout:
    encoding, line_end = draw(st.sampled_from(TEXTS))
    names = draw(st.sampled_from([("id", "name"), ("id", "name"), ("id",)]))
    layout = layout_of(
        names,
        delimiter=draw(st.sampled_from([",", ",", "\t", "||", "~|~", "\u00a7", "\u00a7|", " | ", " "])),
        encoding=encoding,
        line_end=line_end,
        multiline=draw(st.booleans()) or encoding.startswith("UTF-16"),
        has_header=draw(st.sampled_from([True, True, False])),
        quote=draw(st.sampled_from(['"', '"', "'", "none"])),
        escape=draw(st.sampled_from(["none", "\\", "mysql", "postgres", "spark"])),
        comment=draw(st.sampled_from(["none", "#"])),
        trailing_delimiter=draw(st.sampled_from(["refuse", "allow"])),
        skip_initial_space=draw(st.booleans()),
    )
    return layout if not layout.dialect.problem() else draw(layouts())


@st.composite
def bodies(draw: st.DrawFn, layout: TextLayout) -> str:
    """Generate records that are clean for some dialects, slightly broken ones, and noise."""
    delimiter, line_end = layout.dialect.delimiter, layout.line_end
    quote = '"' if layout.dialect.quote == "none" else layout.dialect.quote
    characters = ["a", "n", "N", "0", "x", "7", '"', "'", " ", "\t", "#", "|", "\\", "\u00e9", "\n", "\r", delimiter]
    cell = st.lists(st.sampled_from(characters), max_size=5).map("".join)
    doubled = cell.map(lambda text: quote + text.replace(quote, quote * 2) + quote)
    escaped = cell.map(lambda text: "".join("\\" + character for character in text))
    quoted = cell.map(lambda text: quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote)
    plain = st.sampled_from(["", "a", f"5{quote} b", "id", "name", " a", "\\N", "\u00e9", "\ufeffid", "\\n\\x41\\1018"])
    broken = st.sampled_from(
        [f"{quote}a{quote} ", f"{quote}a{quote}b", f"{quote}a", f" {quote}a{quote}", "a\\", "\\", "\\."]
    )
    fields = st.lists(st.one_of(doubled, escaped, quoted, plain, plain, broken), min_size=1, max_size=3)
    ends = st.sampled_from([line_end] * 4 + ["\r" + line_end, delimiter + line_end, "\\" + line_end])
    record = st.tuples(fields.map(delimiter.join), ends).map("".join)
    comment = cell.map(lambda text: "#" + text + line_end)
    part = st.one_of(record, record, comment, st.just(header_of(layout)), st.sampled_from([*characters, quote * 2]))
    return "".join(draw(st.lists(part, max_size=12)))


@st.composite
def objects(draw: st.DrawFn, layout: TextLayout) -> str:
    """Generate a text that its encoding can represent."""
    before = draw(st.sampled_from(["", "", layout.line_end, "\ufeff"]))
    before += draw(st.sampled_from(["", "#a" + layout.line_end])) if layout.dialect.comment == "#" else ""
    text = before + header_of(layout) + draw(bodies(layout))
    return text.encode(layout.encoding, "replace").decode(layout.encoding)


@pytest.mark.slow
@settings(max_examples=examples(800), deadline=None)
@given(st.data(), layouts(), SIZES, BLOCKS)
def test_blocks_are_what_a_plain_reader_reads(
    data: st.DataObject, layout: TextLayout, sizes: list[int], block_bytes: int
) -> None:
    text = data.draw(objects(layout))
    assert read(text, layout, sizes=sizes, block_bytes=block_bytes) == PlainReader(layout).read(text)


@pytest.mark.slow
@settings(max_examples=examples(600), deadline=None)
@given(st.data(), layouts().filter(lambda layout: can_be_split(layout.encoding)), SIZES, BLOCKS)
def test_verified_byte_ranges_are_the_whole_text(
    data: st.DataObject, layout: TextLayout, sizes: list[int], block_bytes: int
) -> None:
    text = data.draw(objects(layout))
    encoded = text.encode(layout.encoding)
    cuts = data.draw(st.lists(st.integers(1, len(encoded)), max_size=4))
    assert read_ranges(encoded, layout, cuts, sizes, block_bytes) == PlainReader(layout).read(text)
