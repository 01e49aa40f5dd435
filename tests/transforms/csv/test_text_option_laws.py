"""Encodings, headers, preambles and footers: blocks are what Python's codecs and csv module read from the whole text."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.transforms.csv.reading import cut, layout_of, reading_of
from transforms.csv.text_blocks import read_blocks
from transforms.csv.text_encoding import can_be_split, kind_of, mark_of
from transforms.csv.text_layout import ByteRange, TextBlock, TextLayout
from transforms.errors import FooterError, UnclearRecordsError

#: With characters of every width that the encoding has; those of EBCDIC are other bytes than in ASCII.
ALPHABETS = {
    "UTF-8": "aé漢😀",
    "UTF-8-SIG": "aé漢😀",
    "UTF-16": "aé漢😀ਊ",
    "UTF-16BE": "aé漢😀ਊ",
    "UTF-32": "aé漢😀ਊ",
    "UTF-32LE": "aé漢😀ਊ",
    "windows-1252": "aé€",
    "cp437": "aéß█",
    "KOI8-R": "aжЖ",
    "cp037": "aé[",
    "Shift_JIS": "a表ソｱ",
    "cp932": "a①表ｱ",
    "shift_jis_2004": "aかソ",
    "EUC-JP": "a表ｱ丂",
    "GBK": "a漢亐",
    "GB18030": "aé漢€😀",
    "Big5": "a功許",
    "big5hkscs": "aÊ功",
    "EUC-KR": "a한글",
    "cp949": "a한똠",
    "johab": "a한똠",
}
SIZES = st.lists(st.integers(1, 12), min_size=1, max_size=3)
BLOCKS = st.integers(1, 40)


@dataclass(frozen=True)
class Source:
    """A text, how it is written, and what it says."""

    data: bytes
    layout: TextLayout
    rows: Sequence[tuple[list[str], int]]
    skipped: Counter[str]


@st.composite
def sources(draw: st.DrawFn, encodings: Sequence[str]) -> Source:
    encoding = draw(st.sampled_from(encodings))
    line_end = draw(st.sampled_from(["\n", "\r\n"]))
    skip, footer = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    has_header = draw(st.booleans())
    characters = ALPHABETS[encoding]
    texts = st.text(st.sampled_from(characters + "x1"), max_size=4)
    quoted = st.text(st.sampled_from(characters + ',"\n'), max_size=4).map(lambda t: '"' + t.replace('"', '""') + '"')
    record = st.tuples(st.one_of(texts, quoted), texts).map(",".join)
    junk = st.text(st.sampled_from(characters + '," '), max_size=5)
    lines = draw(st.lists(junk, min_size=skip, max_size=skip))
    lines += ["id,name"] * has_header
    lines += draw(st.lists(st.one_of(record, record, st.just("")), max_size=8))
    lines += draw(st.lists(junk.filter(bool), min_size=footer, max_size=footer))
    text = line_end.join(lines) + draw(st.sampled_from(["", line_end, 2 * line_end]))
    layout = layout_of(encoding=encoding, has_header=has_header, skip_lines=skip, footer_lines=footer)
    skipped = Counter({"preamble": skip, "footer": footer})
    return Source(text.encode(encoding), layout, list(_rows(text, layout)), +skipped)


def _rows(text: str, layout: TextLayout) -> Iterator[tuple[list[str], int]]:
    """Return the fields of each record, and the offset of its first line."""
    lines = io.StringIO(text, newline="\n").readlines()
    mark = len("".encode(layout.encoding))
    ends = [mark]
    for line in lines:
        ends.append(ends[-1] + len(line.encode(layout.encoding)) - mark)
    written = [number for number, line in enumerate(lines) if line.strip("\r\n")]
    last = written[-layout.footer_lines] if layout.footer_lines else len(lines)
    reader = csv.reader(lines[layout.skip_lines : last], strict=True)
    begin, records = layout.skip_lines, []
    for record in reader:
        if record:
            records.append((record, ends[begin]))
        begin = layout.skip_lines + reader.line_num
    yield from records[layout.has_header :]


def _expected(source: Source) -> list[tuple[dict[str, str], int]]:
    return [(dict(zip(source.layout.names, fields, strict=True)), position) for fields, position in source.rows]


def _read(source: Source, blocks: Sequence[TextBlock]) -> list[tuple[dict[str, str], int]]:
    reading = reading_of(blocks)
    assert reading.faults == []
    return [({name: text or "" for name, text in row.items()}, position) for row, _, position in reading.rows]


def _skipped(blocks: Sequence[TextBlock]) -> Counter[str]:
    return sum((Counter(block.skipped) for block in blocks), Counter())


@settings(max_examples=examples(500), deadline=None)
@given(sources(list(ALPHABETS)), SIZES, BLOCKS)
def test_blocks_are_what_the_whole_text_says(source: Source, sizes: list[int], block_bytes: int) -> None:
    blocks = list(read_blocks(cut(source.data, sizes), source.layout, block_bytes=block_bytes))
    assert _read(source, blocks) == _expected(source)
    assert _skipped(blocks) == source.skipped


@settings(max_examples=examples(400), deadline=None)
@given(st.data(), sources([each for each in ALPHABETS if can_be_split(each)]), SIZES, BLOCKS)
def test_byte_ranges_are_what_the_whole_text_says(
    data: st.DataObject, source: Source, sizes: list[int], block_bytes: int
) -> None:
    cuts = data.draw(st.lists(st.integers(1, 99), max_size=4, unique=True))
    blocks: list[TextBlock] = []
    after = 0
    for start, end in pairwise([0, *sorted(each for each in cuts if each < len(source.data)), None]):
        assert start is not None
        if start and end is not None and after > end:
            continue
        read = _read_range(source, ByteRange(start, end, begins_at_record=not start), sizes, block_bytes)
        if start and not (read and read[0].begins == after):
            read = _read_range(source, ByteRange(after, end), sizes, block_bytes)
        after = read[-1].ends
        blocks += read
    assert _read(source, blocks) == _expected(source)
    assert _skipped(blocks) == source.skipped


def _read_range(source: Source, within: ByteRange, sizes: Sequence[int], block_bytes: int) -> list[TextBlock]:
    """Read a range; a wrong guess of its first record may leave unclear where the others begin."""
    pieces = cut(source.data[within.start :], sizes)
    try:
        return list(read_blocks(pieces, source.layout, within=within, block_bytes=block_bytes))
    except UnclearRecordsError:
        assert not within.begins_at_record
        return []


@settings(max_examples=examples(200), deadline=None)
@given(st.sampled_from([each for each in ALPHABETS if not mark_of(each)]), st.binary(max_size=40), SIZES, BLOCKS)
def test_invalid_bytes_move_no_line(encoding: str, noise: bytes, sizes: list[int], block_bytes: int) -> None:
    layout = layout_of(("id",), encoding=encoding, multiline=False)
    marked = ["".join(f"n{number}") for number in range(4)]
    line_end = "\n".encode(encoding)
    noise = noise.replace(b"\n", b"").replace(b"\r", b"").replace(b'"', b"").replace(b",", b"")
    if kind_of(encoding).name in ("UNITS",):
        noise = noise[: len(noise) // 4 * 4].replace(line_end, b"")
    parts = [part for name in ["id", *marked] for part in (name.encode(encoding), line_end, noise, line_end)]
    data = b"".join(parts)
    blocks = list(read_blocks(cut(data, sizes), layout, block_bytes=block_bytes))
    for row, text, position in reading_of(blocks).rows:
        if row["id"] in marked:
            assert data[position:].startswith(text.encode(encoding).removeprefix(b"\xef\xbb\xbf"))


@pytest.mark.parametrize(
    ("text", "options"),
    [
        pytest.param("id,name\n", {"footer_lines": 1}, id="only the header"),
        pytest.param("id,name\n\n\n1,a\n", {"footer_lines": 2}, id="blank lines are no footer"),
        pytest.param("1,a\n", {"footer_lines": 2, "has_header": False}, id="fewer lines without a header"),
        pytest.param("x\nid,name", {"footer_lines": 1, "skip_lines": 1}, id="the footer would be the header"),
    ],
)
def test_a_text_that_is_shorter_than_its_footer_is_refused(text: str, options: dict[str, int]) -> None:
    with pytest.raises(FooterError, match="but it has fewer lines after its header"):
        list(read_blocks([text.encode()], layout_of(**options)))


def test_a_footer_that_is_too_long_to_hold_back_names_the_options() -> None:
    layout = layout_of(max_record_bytes=10, footer_lines=1)
    with pytest.raises(FooterError, match=r"footer_lines: 1\) is longer than 20 bytes; raise max_record_bytes"):
        list(read_blocks([b"id,name\n1,a\n" + b"x" * 30], layout))
