"""The law of CSV: each record at the source is in the table with its fields, or in quarantine with its text, or its
object is refused by name; and nothing else is anywhere.

Many generated texts are the objects of one run. A slow reference reader gives their meaning; for clean texts, it is
compared with Python's csv module and DuckDB.
"""

import csv
import gzip
import io
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from tests.conftest import Bench

Fields = tuple[str | None, ...]
WIDTH = 2
OBJECTS = 120


@dataclass
class Meaning:
    """The meaning of a text: its records, or that it is ambiguous."""

    good: list[Fields] = field(default_factory=list)
    bad: list[tuple[str, str]] = field(default_factory=list)
    is_unclear: bool = False

    def add(self, written: str, fields: Fields | None) -> None:
        if not written:
            return
        if fields is None:
            self.bad.append(("quote", written))
        elif len(fields) != WIDTH:
            self.bad.append(("field_count", written))
        else:
            self.good.append(fields)


def records_of(text: str, delimiter: str, end: str) -> Meaning:
    """Return the meaning of a text whose quoted fields may contain line ends."""
    meaning, position = Meaning(), 0
    while position < len(text):
        begins, fields, is_bad, stop = position, list[str | None](), False, -1
        while stop < 0 or text[stop : stop + 1] not in ("", end):
            position = stop + 1 if fields else begins
            value, after = quoted_field(text, position) if text.startswith('"', position) else ("", position)
            if value is None:
                return Meaning(is_unclear=True)
            rest, stop = plain_field(text, after, delimiter, end)
            if after == position:
                fields.append(without_return(rest, end) or None if text[stop : stop + 1] in ("", end) else rest or None)
                continue
            fields.append(value)
            is_misquoted = any(char > " " for char in rest)
            if end in text[position:after] and (is_bad or is_misquoted):
                return Meaning(is_unclear=True)
            is_bad |= is_misquoted
        meaning.add(without_return(text[begins:stop], end), None if is_bad else tuple(fields))
        position = stop + 1
    return meaning


def plain_field(text: str, position: int, delimiter: str, end: str) -> tuple[str, int]:
    stop = position
    while stop < len(text) and text[stop] not in (delimiter, end):
        stop += 1
    return text[position:stop], stop


def quoted_field(text: str, position: int) -> tuple[str | None, int]:
    value = ""
    position += 1
    while position < len(text):
        if text[position : position + 2] == '""':
            position += 1
        elif text[position] == '"':
            return value, position + 1
        value += text[position]
        position += 1
    return None, position


def without_return(line: str, end: str) -> str:
    return line.removesuffix("\r") if end == "\n" else line


def lines_of(text: str, delimiter: str, end: str) -> Meaning:
    """Return the meaning of a text with one record per line; the inner lines of multi-line fields are not records."""
    meaning = Meaning()
    for written, is_inside in zip(text.split(end), inside_quotes(text, delimiter, end), strict=True):
        line = without_return(written, end)
        if is_inside and '"' not in line and line and line.count(delimiter) == WIDTH - 1:
            return Meaning(is_unclear=True)
        alone = records_of(line, delimiter, "\0")
        # Inside a quoted field, a quote in an unquoted field may be the end of the outer field.
        if alone.is_unclear or (is_inside and has_inner_quote(line, delimiter)):
            meaning.add(line, None)
        else:
            meaning.good += alone.good
            meaning.bad += alone.bad
    return meaning


def has_inner_quote(line: str, delimiter: str) -> bool:
    position = 0
    while position < len(line):
        is_quoted = line.startswith('"', position)
        _, after = quoted_field(line, position) if is_quoted else (None, position)
        rest, stop = plain_field(line, after, delimiter, "\0")
        if '"' in rest and not is_quoted:
            return True
        position = stop + 1
    return False


def inside_quotes(text: str, delimiter: str, end: str) -> list[bool]:
    """Return for each line whether it begins inside a quoted field."""
    is_inside, position = [False], 0
    while position < len(text):
        begins, after = position, position
        if text.startswith('"', position):
            _, after = quoted_field(text, position)
        _, stop = plain_field(text, after, delimiter, end)
        is_inside += [True] * text[begins:after].count(end) + [False] * (text[stop : stop + 1] == end)
        position = stop + 1
    return is_inside


STRAY = ['5" pipe', ' "a"', '"a"b', '"a" b', '"He \\"x\\" y"', '"', 'a"', '""a', '"a', '"a"" b"', '"a"  ', " ", "\\"]


def draw_text(random: Random, delimiter: str, end: str) -> str:
    """Draw the lines after the header: clean records, slightly broken ones, and noise."""
    noise = random.choice([0, 0.15, 0.3])

    def some(alphabet: str, longest: int) -> str:
        return "".join(random.choices(alphabet, k=random.randint(0, longest)))

    def cell() -> str:
        drawn = random.random()
        if drawn < noise:
            # A carriage return at the end of the last field counts as part of the line end, even inside quotes.
            return random.choice([*STRAY, f'"a{end}b{delimiter}c{end}"'])
        if drawn < 0.6:
            inner = some('ab "\\' + delimiter + end, 6)
            return '"' + inner.replace('"', '""') + '"'
        return some("ab5\\.'\u00e9 " + ("," if delimiter == "\t" else "\t"), 4)

    def record() -> str:
        if random.random() < noise / 3:
            return some('a"" \\' + delimiter + end, 8)
        width = WIDTH if random.random() >= noise / 3 else random.choice([1, 3])
        return delimiter.join(cell() for _ in range(width))

    line_end = "\r\n" if end == "\n" and random.random() < 0.3 else end
    return line_end.join(record() for _ in range(random.randint(0, 6))) + random.choice([line_end, ""])


LAWS = [
    pytest.param(",", "\n", "UTF-8", True, False, id="comma"),
    pytest.param("\t", "\n", "ISO-8859-1", False, False, id="tab-lines"),
    pytest.param(";", "\n", "windows-1252", True, True, id="semicolon-gzip"),
    pytest.param("\t", "\n", "UTF-16", True, False, id="tab-utf-16"),
    pytest.param("|", "\r", "UTF-8", True, False, id="pipe-cr"),
    pytest.param(",", "\n", "UTF-8", False, True, id="comma-lines-gzip"),
    pytest.param(";", "\r", "UTF-8", False, False, id="semicolon-cr-lines"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("delimiter", "end", "encoding", "multiline", "is_packed"), LAWS)
def test_each_record_is_accounted_for_exactly_once(
    bench: Bench, delimiter: str, end: str, encoding: str, multiline: bool, is_packed: bool
) -> None:
    bench.feed(
        source__csv={"delimiter": delimiter, "encoding": encoding, "multiline": multiline},
        source__columns={"one": "string", "two": "string"},
        target__partition_by=[],
    )
    random = Random(12)
    meanings: dict[str, Meaning] = {}
    for number in range(OBJECTS):
        body = draw_text(random, delimiter, end)
        data = f"one{delimiter}two{end}{body}".encode(encoding)
        path = bench.put(
            f"{number:03}.csv" + ".gz" * is_packed,
            gzip.compress(data) if is_packed else data,
        )
        meanings[str(path.relative_to(bench.lake))] = (records_of if multiline else lines_of)(body, delimiter, end)
    kinds = [
        sum(map(bool, kind)) for kind in zip(*((m.is_unclear, m.bad, m.good) for m in meanings.values()), strict=True)
    ]
    assert min(kinds) >= 10, f"too few cases of a kind: {kinds}"

    receipt = bench.run()

    assert set(receipt["refused"]) == {path for path, meaning in meanings.items() if meaning.is_unclear}
    quarantined = Counter((row["object"], row["reasons"][0]["rule"], row["text"]) for row in bench.quarantine())
    assert quarantined == Counter((path, *bad) for path, meaning in meanings.items() for bad in meaning.bad)
    files = [str(file) for file in (bench.lake / "refined/people").glob("*.parquet")]
    rows = pq.read_table(files, columns=["one", "two"]).to_pylist()
    table = Counter((row["one"], row["two"]) for row in rows)
    assert table == Counter(fields for meaning in meanings.values() for fields in meaning.good)


@pytest.mark.slow
@pytest.mark.parametrize(("delimiter", "end"), [(",", "\n"), ("\t", "\n"), ("|", "\r")])
def test_other_readers_agree_on_clean_text(tmp_path: Path, delimiter: str, end: str) -> None:
    """Compares the reference reader with Python's csv module and DuckDB, both in strict mode."""
    checked = Counter(python=0, duckdb=0)
    random = Random(7)
    for body in (draw_text(random, delimiter, end) for _ in range(600)):
        meaning = records_of(body, delimiter, end)
        if meaning.is_unclear or meaning.bad or not meaning.good:
            continue
        if (rows := python_reads(body, delimiter)) is not None:
            checked["python"] += 1
            assert rows == [tuple(value or "" for value in fields) for fields in meaning.good]
        # DuckDB ignores blanks before an opening quote.
        if ' "' not in body and (rows := duckdb_reads(tmp_path / "a.csv", body, delimiter, end)) is not None:
            checked["duckdb"] += 1
            assert rows == meaning.good
    assert min(checked.values()) > 50, checked


def python_reads(text: str, delimiter: str) -> list[Any] | None:
    try:
        return [
            tuple(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True) if row
        ]
    except csv.Error:
        return None


def duckdb_reads(path: Path, text: str, delimiter: str, end: str) -> list[Any] | None:
    path.write_text(text, newline="")
    options = f"""delim='{delimiter}', quote='"', escape='"', new_line='{end.encode("unicode_escape").decode()}',
        columns={{'a': 'varchar', 'b': 'varchar'}}, allow_quoted_nulls=false, header=false, auto_detect=false,
        strict_mode=true"""
    try:
        return duckdb.sql(f"from read_csv($path, {options})", params={"path": str(path)}).fetchall()
    except duckdb.Error:
        return None
