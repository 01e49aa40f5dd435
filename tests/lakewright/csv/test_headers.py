"""Headers of CSV objects, and the columns bound to them."""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest

from lakewright.csv.binding import bind_columns
from lakewright.csv.heads import Header, read_heads
from lakewright.csv.options import CsvOptions
from lakewright.storage.uris import open_lake
from transforms.errors import HeaderError


def head(tmp_path: Path, data: bytes, name: str = "a.csv", **options: Any) -> Any:
    (tmp_path / name).write_bytes(data)
    heads = read_heads(open_lake(str(tmp_path)), [(name, len(data))], CsvOptions(**options))
    return heads.refused.get(name) or heads.headers.get(name)


@pytest.mark.parametrize(
    ("data", "options", "names", "line_end"),
    [
        pytest.param(b"a,b\n", {}, ("a", "b"), "\n", id="lf"),
        pytest.param(b"a,b\r\n", {}, ("a", "b"), "\n", id="crlf"),
        pytest.param(b"a,b\r1,2\r", {}, ("a", "b"), "\r", id="cr"),
        pytest.param(b"#\na,b\r", {"comment": "#"}, ("a", "b"), "\n", id="a-cr-at-the-end-after-other-lines-with-lf"),
        pytest.param(b"\n\n a , b \n", {}, ("a", "b"), "\n", id="blank-lines-before"),
        pytest.param(b"\r\na,b\r\n", {}, ("a", "b"), "\n", id="blank-line-with-crlf-before"),
        pytest.param(b'"a ""x""","b\nc"\n', {}, ('a "x"', "b\nc"), "\n", id="quoted"),
        pytest.param(b"\xef\xbb\xbfa;b", {"delimiter": ";"}, ("a", "b"), "\n", id="bom-and-delimiter"),
        pytest.param("ä,b\n".encode("utf-16"), {"encoding": "UTF-16"}, ("ä", "b"), "\n", id="utf-16"),
        pytest.param(
            "ä|b\n".encode("cp1252"), {"encoding": "windows-1252", "delimiter": "|"}, ("ä", "b"), "\n", id="1252"
        ),
        pytest.param(
            b"a," + b"b" * 100_000 + b"\n1,2\n", {}, ("a", "b" * 100_000), "\n", id="longer-than-the-first-read"
        ),
    ],
)
def test_header(tmp_path: Path, data: bytes, options: dict[str, Any], names: tuple[str, ...], line_end: str) -> None:
    plain = head(tmp_path, data, **options)
    assert (plain.names, plain.line_end) == (names, line_end)
    packed = head(tmp_path, gzip.compress(data), name="a.csv.gz", **options)
    assert (packed.names, packed.line_end) == (names, line_end)


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        pytest.param(b"a,b\n", "a.csv.gz", "the name ends in .gz, but it is not gzip", id="not-gzip"),
        pytest.param(
            b"a,b\r1,2\n",
            "a.csv",
            "its line ends are mixed: only CR after the header, LF after later lines",
            id="cr-lf",
        ),
        pytest.param(b"\xfd7zXZ", "a.csv.xz", "unsupported compression; use gzip, bzip2, zstd, zip or none", id="xz"),
        pytest.param(
            b"PK\x03\x04" + bytes(99),
            "a.csv",
            "zip, but not named .zip; rename or decompress it",
            id="zip",
        ),
        pytest.param(
            gzip.compress(b"PAR1\x15\x04"), "a.csv.gz", "gzip of a Parquet file, not CSV; write it as CSV", id="in-gzip"
        ),
        pytest.param(
            "a,b\n".encode("utf-16"),
            "a.csv",
            "UTF-16 text, not UTF-8; set source.csv.encoding: UTF-16, or save it as UTF-8",
            id="utf-16",
        ),
        pytest.param(b'"a,b', "a.csv", "the header is not CSV: a quote is not closed", id="quote-left-open"),
        pytest.param(b"ab," * 400_000, "a.csv", "no end of the header within 1 MiB", id="without-an-end"),
    ],
)
def test_objects_without_a_usable_header_are_refused(tmp_path: Path, data: bytes, name: str, reason: str) -> None:
    assert head(tmp_path, data, name=name) == reason


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_object_without_text_has_no_header_and_is_not_refused(tmp_path: Path, data: bytes) -> None:
    assert head(tmp_path, data) is None
    assert head(tmp_path, data, header=False) is None


@pytest.mark.parametrize("data", [b"\t\t\n", b"\n \r\n", b"\x1f"])
def test_without_a_header_blanks_are_a_record(tmp_path: Path, data: bytes) -> None:
    assert head(tmp_path, data) is None
    assert head(tmp_path, data, header=False, names=["a", "b"]) == Header(("a", "b"), "\n")


def test_an_object_that_disappeared_is_refused(tmp_path: Path) -> None:
    assert read_heads(open_lake(str(tmp_path)), [("a", 1)], CsvOptions()).refused == {"a": "gone since it was listed"}


def test_a_line_that_is_too_long_to_declare_a_delimiter_is_not_quoted(tmp_path: Path) -> None:
    assert head(tmp_path, b"sep=secret,b\n").names == ("sep=secret", "b")
    assert head(tmp_path, b"sep=;\n") == "its first line is sep=;; set source.csv.separator_line: true"


def test_a_preamble_without_an_end_is_refused(tmp_path: Path) -> None:
    reason = head(tmp_path, b"x" * 2_000_000, header=False, skip_lines=1)
    assert reason == "no end of the lines before its first record within 1 MiB"


def test_a_multiline_header_needs_multiline(tmp_path: Path) -> None:
    assert (
        head(tmp_path, b'"a\nb",c\n', multiline=False) == "the header contains a line end, which needs multiline: true"
    )


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"delimiter": "a\n"}, "the delimiter must be one or more characters"),
        ({"delimiter": '"'}, "the delimiter must be one or more characters"),
        ({"delimiter": r"\x01"}, r"not '\\\\x01'; in YAML, use double quotes: "),
        ({"delimiter": ""}, r'not \'\'; in YAML, use double quotes: .* "\|" is a pipe'),
        ({"encoding": "utf-99"}, "unknown encoding 'utf-99'"),
        ({"encoding": "ISO-8859-12"}, "unknown encoding 'ISO-8859-12'"),
        ({"encoding": "iso-8859-17"}, "unknown encoding 'iso-8859-17'"),
        ({"encoding": "UTF-16", "multiline": False}, "UTF-16 text needs multiline: true"),
        ({"encoding": "utf_16_le", "multiline": False}, "utf_16_le text needs multiline: true"),
        ({"encoding": "UTF-32", "multiline": False}, "UTF-32 text needs multiline: true"),
        *(({"encoding": name}, f"{name} is not an encoding of text") for name in ("rot13", "zlib", "undefined")),
        *(
            ({"encoding": name}, f"{name} is not supported: its escape sequences leave unclear where records begin")
            for name in ("iso2022_jp", "ISO-2022-KR", "hz", "utf-7", "unicode_escape", "raw_unicode_escape", "idna")
        ),
        ({"names": ["id"]}, "names need header: false"),
        ({"header": False, "names": ["id", "", "", "ID"]}, "'id' is repeated; names are compared without case"),
        ({"skip_lines": -1}, "greater than or equal to 0"),
        ({"footer_lines": 1001}, "less than or equal to 1000"),
    ],
)
def test_options(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        CsvOptions(**options)


def test_bind_columns() -> None:
    header = Header(("ID", "Total $", "x"), "\n")
    bound = bind_columns(header, {"total": ("Total $",), "id": ("id",)})
    assert bound == ({"total": 1, "id": 0}, {"total": "Total $", "id": "id"}, ["x"])
    with pytest.raises(HeaderError, match=r"the header has no 'y'; it has 'ID', 'Total \$', 'x'"):
        bind_columns(header, {"id": ("id",), "x": ("x",), "y": ("y",)})


@pytest.mark.parametrize(
    ("names", "bound"),
    [
        pytest.param(("id", "E-mail"), {"id": 0, "email": 1}, id="the-first-alternative"),
        pytest.param(("EMAIL_ID", "id"), {"id": 1, "email": 0}, id="the-second-alternative"),
        pytest.param(("\u00a0id\u202f", "\ufeffe-mail\t"), {"id": 0, "email": 1}, id="blanks-and-marks-around-names"),
        pytest.param(("x", "id", "x", "", "", "E-mail"), {"id": 1, "email": 5}, id="others-may-be-repeated"),
    ],
)
def test_names_are_bound(names: tuple[str, ...], bound: dict[str, int]) -> None:
    wanted = {"id": ("id",), "email": ("E-mail", "email_id")}
    assert bind_columns(Header(names, "\n"), wanted).positions == bound


def test_composed_and_decomposed_characters_are_equal() -> None:
    bound = bind_columns(Header(("Gro\u0308\u00dfe", "id"), "\n"), {"size": ("gr\u00f6\u00dfe",)})
    assert bound == ({"size": 0}, {"size": "gr\u00f6\u00dfe"}, ["id"])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        pytest.param(
            ("id", "E-mail", "email_id"),
            "the header has 'E-mail' and 'email_id', which are both column 'email'",
            id="two-alternatives",
        ),
        pytest.param(("id", "ID", "E-mail"), "the header names 'ID', 'id' twice", id="a-declared-name-twice"),
        pytest.param(
            ("id", "Mail"),
            "the header has no 'E-mail' or 'email_id'; it has 2 fields; field 2 resembles 'E-mail' "
            "(--show-values shows it)",
            id="no-alternative",
        ),
        pytest.param(
            ("id", "\u0415-mail"),
            "the header has no 'E-mail' or 'email_id'; it has 2 fields; field 2 looks like 'E-mail', but has "
            "'\u0435' U+0435 instead of 'e' U+0065 (--show-values shows it)",
            id="a-cyrillic-letter",
        ),
        pytest.param(
            ("id", "e\u200b-mail"),
            "the header has no 'E-mail' or 'email_id'; it has 2 fields; field 2 looks like 'E-mail', but also has "
            "U+200B (--show-values shows it)",
            id="a-character-of-no-width",
        ),
        pytest.param(
            ("id", "e\u2011mail"),
            "the header has no 'E-mail' or 'email_id'; it has 2 fields; field 2 looks like 'E-mail', but has "
            "'\u2011' U+2011 instead of '-' U+002D (--show-values shows it)",
            id="another-hyphen",
        ),
    ],
)
def test_names_that_cannot_be_bound(names: tuple[str, ...], message: str) -> None:
    wanted = {"id": ("id",), "email": ("E-mail", "email_id")}
    with pytest.raises(HeaderError, match=f"^{re.escape(message)}$"):
        bind_columns(Header(names, "\n"), wanted)


def test_names_that_look_alike_are_distinguished_beside_a_quoted_header() -> None:
    wanted = {name: (name,) for name in ("id", "day", "first name")}
    message = (
        "the header has no 'first name'; it has 'id', 'day', 'first\\xa0name'; field 3 looks like 'first name', but has "
        "U+00A0 instead of U+0020"
    )
    with pytest.raises(HeaderError, match=f"^{re.escape(message)}$"):
        bind_columns(Header(("id", "day", "first\u00a0name"), "\n"), wanted)


def test_equal_headers_are_one_object(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text("id,name\n1,a\n")
    headers = read_heads(open_lake(str(tmp_path)), [("a", 12), ("b", 12)], CsvOptions()).headers
    assert headers["a"] is headers["b"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        pytest.param(
            ("5", "canary", "name"),
            "the header has no 'id', 'a'; it has 3 fields (--show-values shows it)",
            id="a-row-with-one-of-the-names",
        ),
        pytest.param(
            ("name", "canary", "canary"),
            "the header has no 'id', 'a'; it has 3 fields (--show-values shows it)",
            id="a-row-with-equal-values",
        ),
    ],
)
def test_a_first_line_that_names_few_columns_is_not_quoted(names: tuple[str, ...], message: str) -> None:
    wanted = {name: (name,) for name in ("id", "a", "name")}
    with pytest.raises(HeaderError, match=f"^{re.escape(message)}$"):
        bind_columns(Header(names, "\n"), wanted)
    with pytest.raises(HeaderError, match="canary"):
        bind_columns(Header(names, "\n"), wanted, shows_values=True)


@pytest.mark.parametrize(
    ("names", "declared", "message"),
    [
        pytest.param(
            ("1", "Ann", "ann@example.com"),
            ("id", "email"),
            "no header: its first line names none of the columns 'id', 'email'; it has 3 fields; the first line of an "
            "object must name its columns (--show-values shows it)",
            id="a-row-of-data",
        ),
        pytest.param(
            ("Total", "5", "5"),
            ("totals",),
            "no header: its first line names none of the columns 'totals'; it has 3 fields; field 1 resembles 'totals'; "
            "the first line of an object must name its columns (--show-values shows it)",
            id="similar-names-are-quoted-from-the-feed-and-repeated-values-are-not-names",
        ),
        pytest.param(
            ("id;email",),
            ("id", "email"),
            "no header: its first line names none of the columns 'id', 'email'; it has 1 field; its "
            "names are separated by ';': set source.csv.delimiter to that",
            id="another-delimiter",
        ),
        pytest.param(
            ("1",),
            tuple("abcdefg"),
            "no header: its first line names none of the columns 'a', 'b', 'c', 'd', 'e' and 2 more; it has 1 field; the "
            "first line of an object must name its columns (--show-values shows it)",
            id="many-columns",
        ),
    ],
)
def test_a_missing_header_is_not_quoted(names: tuple[str, ...], declared: tuple[str, ...], message: str) -> None:
    wanted = {name: (name,) for name in declared}
    with pytest.raises(HeaderError) as hidden:
        bind_columns(Header(names, "\n"), wanted)
    assert str(hidden.value) == message
    with pytest.raises(HeaderError, match=f"fields?: {re.escape(', '.join(map(repr, names)))}; "):
        bind_columns(Header(names, "\n"), wanted, shows_values=True)


@pytest.mark.parametrize("written", ["\t", r"\t"])
def test_both_ways_to_write_a_tab_in_yaml(written: str) -> None:
    assert CsvOptions(delimiter=written).delimiter == "\t"
