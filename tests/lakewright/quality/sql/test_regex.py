import re
import string

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakewright.quality.sql.regex import UnsharedSyntaxError, read_regex
from tests.conftest import examples

ATOMS = [
    "a",
    "b",
    "-",
    "é",
    "😀",
    ".",
    r"\d",
    r"\w",
    r"\s",
    r"\.",
    r"\-",
    r"\t",
    "[ab]",
    "[a-c]",
    "[^a]",
    r"[\d-]",
    r"[^-.]",
    "[a.b]",
    r"[\]\\]",
    "(a|b)",
    "(?:ab|-)",
    " ",
]
SUFFIXES = ["", "", "", "*", "+", "?", "{2}", "{1,}", "{0,2}", "*?", "+?"]
TEXTS = st.lists(st.sampled_from("ab-.é😀1_ \t\n\r\x0b\x1c\x85\u00a0\u0661\u2028\\]"), max_size=6).map("".join)


@st.composite
def patterns(draw: st.DrawFn) -> str:
    parts = draw(st.lists(st.tuples(st.sampled_from(ATOMS), st.sampled_from(SUFFIXES)), max_size=4))
    body = "".join(atom + ("?" if "(" in atom and suffix[:1] in "*+{" else suffix) for atom, suffix in parts)
    return draw(st.sampled_from(["", "^"])) + body + draw(st.sampled_from(["", "$"]))


def draw() -> list[tuple[str, str, str, str]]:
    """Return patterns with their readings and texts."""
    drawn: list[tuple[str, str, str, str]] = []

    @given(pattern=patterns(), texts=st.lists(TEXTS, min_size=1, max_size=20))
    def add(pattern: str, texts: list[str]) -> None:
        drawn.extend((pattern, *read_regex(pattern), text) for text in texts)

    add()
    return drawn[: examples(2000)]


def test_python_matches_between_the_two_readings():
    drawn = draw()
    rows = pa.Table.from_pylist([dict(zip(("pattern", "least", "most", "text"), each, strict=True)) for each in drawn])
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        query = "SELECT regexp_matches(text, least), regexp_matches(text, most) FROM rows"
        readings = connection.execute(query).fetchall()
    for (pattern, *_, text), (least, most) in zip(drawn, readings, strict=True):
        assert least <= bool(re.search(pattern, text)) <= most, (pattern, text)


def test_java_matches_between_the_two_readings(spark: SparkSession):
    rows = spark.createDataFrame(draw(), "of string, least string, most string, text string")
    matches = (F.expr(f"text RLIKE {name}").alias(name) for name in ("least", "of", "most"))
    read = rows.select(F.col("of").alias("pattern"), "text", *matches).collect()
    assert [row for row in read if not row.least <= row.of <= row.most] == []


@pytest.mark.parametrize(
    ("pattern", "part"),
    [
        pytest.param("(?i)a", "'(?i'", id="flags"),
        pytest.param("a(?=b)", "'(?='", id="lookaheads"),
        pytest.param("(?P<n>a)", "'(?P'", id="named-groups"),
        pytest.param(r"(a)\1", r"'\1'", id="references"),
        pytest.param(r"\bA", r"'\b'", id="word-boundaries"),
        pytest.param(r"\D", r"'\D'", id="negated-classes"),
        pytest.param(r"[^\d]", r"a negated '\d'", id="negated-shorthands"),
        pytest.param(r"\Z", r"'\Z'", id="ends-of-text"),
        pytest.param("a$b", "'$' is not at the end", id="ends-in-the-middle"),
        pytest.param("(a$)", "'$' is not at the end", id="ends-in-a-group"),
        pytest.param("a++", "a repetition is repeated or possessive", id="possessive-repetitions"),
        pytest.param("a*?+", "a repetition is repeated", id="repeated-repetitions"),
        pytest.param("^*", "an anchor is repeated", id="repeated-anchors"),
        pytest.param("a{,2}", "'{' without a number", id="braces-without-a-minimum"),
        pytest.param("a{2,1}", "a repetition ends before it begins", id="bounds-the-wrong-way-round"),
        pytest.param("{2}", "'{' without a backslash", id="braces-alone"),
        pytest.param("(ab|c)*", "a group is repeated without a limit", id="long-recursions"),
        pytest.param("(a?){2}", "what may be empty is repeated", id="repetitions-of-nothing"),
        pytest.param("((a{20}){20}){20}", "it repeats more than 1000 times", id="more-than-RE2-repeats"),
        pytest.param("[a&&b]", "'&&' in a class", id="intersections-of-classes"),
        pytest.param("[[a]]", "'[' in a class", id="nested-classes"),
        pytest.param("[]a]", "an empty class", id="a-bracket-first-in-a-class"),
        pytest.param("[b-a]", "a range without an end", id="ranges-the-wrong-way-round"),
        pytest.param(r"[\d-a]", "a range without a beginning", id="ranges-of-classes"),
        pytest.param("[a", "it ends too early", id="open-classes"),
        pytest.param("(a", "'(' without ')'", id="open-groups"),
        pytest.param("a)", "')' without '('", id="closed-groups"),
        pytest.param("a\\", "it ends too early", id="a-backslash-at-the-end"),
    ],
)  # fmt: skip
def test_engines_do_not_share_all_syntax(pattern, part):
    with pytest.raises(UnsharedSyntaxError) as caught:
        read_regex(pattern)
    assert str(caught.value) == part


def test_punctuation_means_itself_after_a_backslash():
    escaped = "".join("\\" + char for char in string.punctuation)
    in_class = f"^[{escaped}]{{{len(string.punctuation)}}}$"
    for pattern in (f"^{escaped}$", in_class):
        values = [string.punctuation, read_regex(pattern).least]
        with duckdb.connect() as connection:
            assert connection.execute("SELECT regexp_matches(?, ?)", values).fetchone() == (True,)
