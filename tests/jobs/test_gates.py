"""Gates of CSV and of events, on both engines: suites written by Great Expectations judge a batch before it is visible."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lakewright.runs import views
from tests.conftest import Bench
from tests.jobs.event_bench import EventBench
from tests.suites import REJECT, WARN, gxe, suite_json, write_suite, write_text

GOOD = "id,name\n1,Ada\n2,Bob\n"
ENGINES = ["local", "spark"]


def results(receipt: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """Return type, engine and success of each expectation of the last batch."""
    gates = receipt["batches"][-1]["gates"]
    return [
        (result["type"].removeprefix("expect_"), result["engine"], result["success"]) for result in gates["results"]
    ]


@pytest.fixture
def gated(bench: Bench) -> Bench:
    bench.feed(gates={"suite": "people"})
    return bench


@pytest.mark.parametrize("engine", ENGINES)
def test_a_batch_is_refused_until_its_source_is_mended(gated: Bench, engine: str) -> None:
    write_suite(
        gated.root,
        "people",
        gxe.ExpectColumnValuesToBeUnique(column="id"),
        gxe.ExpectColumnMaxToBeBetween(column="id", max_value=10),
        gxe.ExpectColumnValueLengthsToBeBetween(column="name", max_value=3, meta=WARN),
    )
    gated.put("a.csv", "id,name\n1,Ada\n1,Grace\n")
    receipt = gated.run("--engine", engine)
    assert (receipt["exit_code"], receipt["status"]) == (3, "refused")
    assert receipt["error"] == (
        "refused by its gate (suite people): expect_column_values_to_be_unique on id: 2 rows do not meet it (100 %); "
        "nothing was published"
    )
    assert receipt["warnings"] == [
        "expect_column_value_lengths_to_be_between on name: 1 row does not meet it (50 %) (suite people)"
    ]
    assert receipt["counts"] | {"rekeyed": 0} == {
        "read": 2, "written": 0, "deleted": 0, "superseded": 0, "rejected": 0, "skipped": 0, "withheld": 2, "rekeyed": 0
    }  # fmt: skip
    assert receipt["batches"][0]["reason"] == "refused by its gate"
    assert receipt["batches"][0]["gates"]["verdict"] == "refused"
    assert results(receipt) == [
        ("column_values_to_be_unique", "sql", False),
        ("column_max_to_be_between", "great_expectations", True),
        ("column_value_lengths_to_be_between", "sql", False),
    ]
    assert gated.rows() == []
    assert gated.strays() == []
    assert gated.command("gates", "--json").data[0]["gates"] == receipt["batches"][0]["gates"]

    gated.put("a.csv", "id,name\n1,Ada\n2,Grace\n")
    receipt = gated.run("--engine", engine)
    assert (receipt["exit_code"], receipt["batches"][0]["gates"]["verdict"]) == (0, "passed")
    assert gated.rows() == [(1, "Ada"), (2, "Grace")]


@pytest.mark.parametrize("engine", ENGINES)
def test_single_rows_are_rejected_with_the_words_of_the_expectation(bench: Bench, engine: str) -> None:
    bench.feed(
        gates={"suite": "people"},
        source__columns={"id": "long", "name": {"type": "string", "from": "Full name"}, "born": "date"},
    )
    write_suite(
        bench.root,
        "people",
        gxe.ExpectColumnValuesToNotBeNull(column="id", meta=REJECT),
        gxe.ExpectColumnValuesToBeInSet(
            column="name", value_set=["Ada", 'O"Neil'], meta=REJECT, notes="We know these."
        ),
        gxe.ExpectColumnValuesToBeBetween(column="born", min_value="1900-01-01", meta=REJECT),
        gxe.ExpectColumnValuesToMatchRegex(column="name", regex="^[A-Z]", meta=REJECT),
        gxe.ExpectColumnValueLengthsToBeBetween(column="name", max_value=6, meta=REJECT),
    )
    bench.put(
        "a.csv",
        'id,Full name,born\n1,Ada,1915-12-10\n,Ada,1915-12-10\nx,Ada,1915-12-10\n4,"O""Neil",\n5,bob the builder,1815-01-01\n',
    )
    receipt = bench.run("--engine", engine)
    assert receipt["exit_code"] == 0, receipt["error"]
    counts = {name: count for name, count in receipt["counts"].items() if count}
    assert counts == {"read": 5, "written": 2, "rejected": 3}
    assert receipt["rules"] == {
        "born: column_values_to_be_between": 1,
        "id: column_values_to_not_be_null": 1,
        "id: type": 1,
        "name: column_value_lengths_to_be_between": 1,
        "name: column_values_to_be_in_set": 1,
        "name: column_values_to_match_regex": 1,
    }
    assert bench.rows() == [(1, "Ada"), (4, 'O"Neil')]
    *_, last = sorted(bench.quarantine(), key=lambda row: row["position"])
    assert last["text"] == "5,bob the builder,1815-01-01"
    assert [(reason["column"], reason["rule"], reason["words"]) for reason in last["reasons"]][:1] == [
        ("name", "column_values_to_be_in_set", "We know these.")
    ]
    verdict = receipt["batches"][0]["gates"]
    assert (verdict["verdict"], [result.get("unexpected_count") for result in verdict["results"]]) == (
        "passed", [1, 1, 1, 1, 1]
    )  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
def test_rules_of_one_kind_on_one_column_are_counted_apart(gated: Bench, engine: str) -> None:
    gated.feed(gates={"suite": "people"}, max_rejected=1.0)
    write_suite(
        gated.root,
        "people",
        gxe.ExpectColumnValuesToMatchRegex(column="name", regex="^[A-Z]", meta=REJECT, notes="Begins in upper case."),
        gxe.ExpectColumnValuesToMatchRegex(column="name", regex="a$", meta=REJECT, notes="Ends in a."),
        gxe.ExpectColumnValuesToBeInSet(column="name", value_set=["Ada", "ada", "Eva", "Bob", "tom"], meta=REJECT),
    )
    gated.put("a.csv", "id,name\n1,Ada\n2,ada\n3,Bob\n4,tom\n5,Eva\n6,Iva\n7,Tom\n")
    receipt = gated.run("--engine", engine)
    first, second = (f"column_values_to_match_regex (expectation {number})" for number in (1, 2))
    assert receipt["rules"] == {f"name: {first}": 2, f"name: {second}": 3, "name: column_values_to_be_in_set": 2}
    assert [result["unexpected_count"] for result in receipt["batches"][0]["gates"]["results"]] == [2, 3, 2]
    words = {row["position"]: {each["rule"]: each["words"] for each in row["reasons"]} for row in gated.quarantine()}
    assert {first: "Begins in upper case.", second: "Ends in a."} in words.values()
    quarantined = gated.command("quarantine", "--json", "--rule", f"name: {second}").data[0]
    assert len(quarantined["rows"]) == 3


def test_too_many_rejected_rows_refuse_the_batch_before_the_gate(gated: Bench) -> None:
    gated.feed(gates={"suite": "people"}, max_rejected=0.25)
    write_suite(gated.root, "people", gxe.ExpectColumnValuesToBeInSet(column="name", value_set=["Ada"], meta=REJECT))
    gated.put("a.csv", GOOD)
    receipt = gated.run()
    assert receipt["error"] == (
        "1 of 2 rows rejected, above max_rejected 0.25; nothing was published (name: column_values_to_be_in_set (1))"
    )
    assert [row["fields"]["name"] for row in gated.quarantine()] == ["Bob"]


@pytest.mark.parametrize("verb", ["plan", "run"])
def test_a_suite_that_cannot_be_met_is_refused_before_anything_is_read(gated: Bench, verb: str) -> None:
    write_suite(gated.root, "people", gxe.ExpectColumnValuesToMatchRegex(column="name", regex="^(?=A)", meta=REJECT))
    gated.put("a.csv", GOOD)
    answer = gated.command(verb)
    assert (answer.exit_code, "engines may read its regex differently: '(?='" in answer.last_line) == (2, True)
    assert not (gated.lake / "state").exists()


@pytest.mark.parametrize(("on_empty_batch", "exit_code"), [("pass", 0), ("fail", 3)])
def test_an_empty_batch_passes_or_fails_as_the_feed_says(bench: Bench, on_empty_batch: str, exit_code: int) -> None:
    bench.feed(gates={"suite": "people", "on_empty_batch": on_empty_batch})
    write_suite(bench.root, "people", gxe.ExpectTableRowCountToBeBetween(min_value=1))
    bench.put("a.csv", "id,name\n")
    receipt = bench.run()
    assert receipt["exit_code"] == exit_code
    if exit_code:
        assert receipt["error"].startswith("refused by its gate (suite people): the batch has no rows for the table")


@pytest.mark.parametrize("engine", ENGINES)
def test_all_expectations_can_go_to_the_library(bench: Bench, engine: str) -> None:
    """Also one that it cannot evaluate: it is not met, and says why without values."""
    bench.feed(gates={"suite": "people", "gate_engine": "great_expectations"})
    write_suite(
        bench.root,
        "people",
        gxe.ExpectColumnValuesToBeUnique(column="id"),
        gxe.ExpectColumnValuesToNotBeNull(column="id", mostly=0.5),
        gxe.ExpectColumnValuesToBeUnique(column="missing", meta=WARN),
        gxe.ExpectTableColumnsToMatchSet(column_set=["id", "name", "year", "month", "day"]),
        gxe.ExpectColumnValuesToBeInSet(column="day", value_set=["01"]),
        gxe.ExpectColumnValuesToBeBetween(column="name", min_value=3, meta=WARN),
        gxe.ExpectColumnMaxToBeBetween(column="id", max_value=1, meta=WARN),
        gxe.ExpectColumnUniqueValueCountToBeBetween(column="id", max_value=1, meta=WARN),
        # On Spark, its exception is that of all expectations that are evaluated with it.
        gxe.ExpectColumnValuesToMatchRegex(column="name", regex="(", meta=WARN),
    )
    bench.put("a.csv", "id,name\n1,Ada\n,Secret\n3,Cid\n")
    receipt = bench.run("--engine", engine)
    assert receipt["exit_code"] == 0, receipt["error"]
    assert [engine for _, engine, _ in results(receipt)] == ["great_expectations"] * 9
    # Spark casts the text to a number, which is null, and null meets every expectation on values.
    casts = engine == "spark"
    assert [success for *_, success in results(receipt)] == [True, True, False, True, True, casts, False, False, False]
    observed = [result.get("observed_value") for result in receipt["batches"][0]["gates"]["results"]]
    assert observed == [*[None] * 7, 2, None]  # a count, but no maximum
    assert "Secret" not in json.dumps(receipt)
    assert not list(bench.root.rglob("gx")) + list(bench.root.rglob("uncommitted"))


def test_observed_values_are_shown_on_request(bench: Bench) -> None:
    bench.feed(gates={"suite": "people"}, show_values=True)
    write_suite(bench.root, "people", gxe.ExpectColumnMaxToBeBetween(column="id", max_value=1))
    bench.put("a.csv", GOOD)
    assert "expect_column_max_to_be_between on id: observed 2" in bench.run()["error"]


def test_a_batch_is_planned_again_if_its_suite_has_changed(gated: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    write_suite(gated.root, "people", gxe.ExpectColumnValuesToBeUnique(column="id"))
    gated.put("a.csv", GOOD)
    monkeypatch.setattr("lakewright.runs.job.target_job.TargetJob.judge", lambda *_: 1 / 0)
    assert gated.run()["exit_code"] == 1
    monkeypatch.undo()
    write_suite(gated.root, "people", gxe.ExpectColumnValuesToBeInSet(column="id", value_set=[1]))
    receipt = gated.run()
    assert [batch["reason"] for batch in receipt["batches"]] == [
        "the feed has changed since planned", "refused by its gate"
    ]  # fmt: skip


def test_notes_and_order_of_keys_do_not_change_the_plan(gated: Bench) -> None:
    from jobs.cli.registry import load_feed
    from lakewright.config_files import Conf

    conf = Conf(str(gated.root / "conf"))
    suite = suite_json("people", gxe.ExpectColumnValuesToBeUnique(column="id"))
    write_text(gated.root, "people", json.dumps(suite))
    before = load_feed(conf, "people").feed.fingerprint()
    write_text(gated.root, "people", json.dumps(suite | {"meta": {"owner": "sales"}}, sort_keys=True))
    assert load_feed(conf, "people").feed.fingerprint() == before


@pytest.fixture
def events(tmp_path: Path) -> Iterator[EventBench]:
    (tmp_path / "lake").mkdir()
    without_spark: Any = None
    bench = EventBench(tmp_path, without_spark)
    yield bench
    assert bench.strays() == []
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.mark.parametrize("engine", ENGINES)
def test_events_are_rejected_refused_and_judged_once(
    events: EventBench, engine: str, request: pytest.FixtureRequest
) -> None:
    if engine == "spark":
        request.getfixturevalue("spark")
    events.engine = engine
    events.feed(gates={"suite": {"t": "clicks", "none": "clicks"}})
    write_suite(
        events.root,
        "clicks",
        gxe.ExpectColumnValuesToNotBeNull(column="user", meta=REJECT),
        gxe.ExpectTableRowCountToBeBetween(max_value=3),
        gxe.ExpectColumnValuesToBeInSet(column="user", value_set=["a", "b"], meta=WARN),
    )
    # The second object has no column user, which the first one introduces.
    events.put_events(0, {"id": 1, "user": "a"}, {"id": 2, "user": None})
    events.put_events(10, {"id": 3})
    rewritten = events.put_events(20, {"id": 4, "user": "b"}, {"id": 5, "user": "c"})
    receipt = events.run()
    assert receipt["exit_code"] == 0, receipt["error"]
    assert receipt["rules"] == {"user: column_values_to_not_be_null": 2}
    assert receipt["warnings"] == [
        "gates.suite: unknown table 'none'; known are t",
        "expect_column_values_to_be_in_set on user: 1 row does not meet it (33.33 %) (suite clicks)",
    ]
    assert [row["id"] for row in events.table()] == [1, 4, 5]

    # Of the file that is rewritten, only the rows of the object that was rewritten are judged.
    write_suite(events.root, "clicks", gxe.ExpectColumnValuesToBeInSet(column="user", value_set=["d"]))
    events.put_events(20, {"id": 6, "user": "d"})
    receipt = events.run()
    assert receipt["exit_code"] == 0, receipt["error"]
    assert receipt["batches"][0]["gates"]["rows"] == 1
    assert rewritten in [source["path"] for source in receipt["batches"][0]["inputs"]]
    assert sorted(row["id"] for row in events.table()) == [1, 6]

    events.put_events(30, {"id": 7, "user": "e"})
    receipt = events.run()
    assert receipt["error"] == (
        "refused by its gate (suite clicks): expect_column_values_to_be_in_set on user: 1 row does not meet it "
        "(100 %); nothing was published"
    )
    assert sorted(row["id"] for row in events.table()) == [1, 6]


def test_a_typo_in_the_only_table_of_the_gates_is_a_warning_once(events: EventBench) -> None:
    events.feed(gates={"suite": {"cliks": "clicks"}})
    write_suite(events.root, "clicks", gxe.ExpectTableRowCountToBeBetween(max_value=3))
    events.put_events(0, {"id": 1}, topic="clicks")
    events.put_events(0, {"id": 1}, topic="views")
    plans = events.command("plan", "--json").data
    assert [plan["warnings"] for plan in plans] == [
        ["gates.suite: unknown table 'cliks'; did you mean 'clicks'?"], []
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("expectation", "rejected", "problem"),
    [
        (gxe.ExpectColumnValuesToBeInSet(column="usr", value_set=["a"]), 0, 'the table has no column "usr"'),
        (
            gxe.ExpectColumnValuesToBeInSet(column="usr", value_set=["a"], meta=REJECT),
            0,
            'the table has no column "usr"',
        ),
        (gxe.ExpectColumnValuesToNotBeNull(column="usr", meta=REJECT), 2, 'the table has no column "usr"'),
        (
            gxe.ExpectColumnValuesToMatchRegex(column="user", regex="^(?=a)", meta=REJECT),
            0,
            "rows cannot be rejected by it, since engines may read its regex differently: '(?='; use refuse_batch or warn",
        ),
    ],
    ids=["missing-column", "missing-column-rejects-rows", "missing-column-rejects-every-row", "not-compiled"],
)
def test_without_declared_columns_the_gate_fails(
    events: EventBench, expectation: Any, rejected: int, problem: str
) -> None:
    events.engine = "local"
    events.feed(gates={"suite": "clicks"})
    write_suite(events.root, "clicks", expectation)
    events.put_events(0, {"id": 1, "user": "a"}, {"id": 2, "user": "b"})
    receipt = events.run()
    assert (receipt["exit_code"], receipt["counts"]["rejected"]) == (3, rejected)
    assert receipt["error"].endswith(f"{problem}; nothing was published")


ODD = ['na"me', "o'clock", "Straße %", "a b", "select"]


@pytest.mark.parametrize("engine", ENGINES)
def test_columns_may_have_any_name(bench: Bench, engine: str) -> None:
    bench.feed(gates={"suite": "people"}, source__columns={"id": "long"} | dict.fromkeys(ODD, "string"))
    write_suite(
        bench.root,
        "people",
        *(gxe.ExpectColumnValuesToBeInSet(column=name, value_set=["it's", 'a "b"', "$x"]) for name in ODD),
        *(gxe.ExpectColumnValuesToNotBeNull(column=name, meta=REJECT) for name in ODD),
    )
    header = ",".join(["id", *(f'"{name}"'.replace('na"me', 'na""me') for name in ODD)])
    bench.put("a.csv", f'{header}\n1,it\'s,$x,it\'s,"a ""b""",$x\n2,,$x,$x,$x,$x\n')
    receipt = bench.run("--engine", engine)
    assert receipt["exit_code"] == 0, receipt["error"]
    assert receipt["rules"] == {'na"me: column_values_to_not_be_null': 1}
    assert {engine for _, engine, _ in results(receipt)} == {"sql"}


def test_odd_suites_are_judged(bench: Bench) -> None:
    """No expectation, many, twice the same; conditions on rows; expressions that only Python's re understands."""
    bench.feed(gates={"suite": "people"})
    bench.put("a.csv", "id,name\n1,Ada\n2,Bob\n3,\n")
    write_suite(bench.root, "people")
    assert bench.run()["batches"][0]["gates"]["results"] == []

    unique = gxe.ExpectColumnValuesToBeUnique(column="id")
    suite = suite_json("people", unique, gxe.ExpectColumnValuesToBeBetween(column="id", max_value=1))
    suite["expectations"][1]["kwargs"] |= {
        "row_condition": 'col("name")=="Ada"',
        "condition_parser": "great_expectations",
    }
    suite["expectations"] += [
        *[suite["expectations"][0]] * 100,
        *(
            {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "id", "value_set": [1, 2, 3, n]}}
            for n in range(100)
        ),
        *(
            {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "name", "regex": regex}, "meta": WARN}
            for regex in ("^(?=A|B)", "(", "^A", "")
        ),
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": "id", "min_value": 1, "row_condition": "?"},
            "meta": WARN,
        },
    ]
    write_text(bench.root, "people", json.dumps(suite))
    bench.put("b.csv", "id,name\n4,Ada\n", day="02")
    receipt = bench.run()
    assert receipt["error"].startswith(
        "refused by its gate (suite people): expect_column_values_to_be_between on id: 1 row"
    )
    gates = receipt["batches"][0]["gates"]
    assert [result["number"] for result in gates["results"]] == list(range(1, len(suite["expectations"]) + 1))
    *_, lookahead, invalid, plain, empty, condition = gates["results"]
    assert (lookahead["engine"], lookahead["success"]) == ("great_expectations", True)
    assert [result["success"] for result in (invalid, plain, empty, condition)] == [False, True, True, False]
    assert invalid["exception"].startswith("Great Expectations could not evaluate it: ")
    assert condition["exception"] == "Great Expectations could not evaluate it: SyntaxError"


@pytest.mark.parametrize(
    ("module", "gates", "meta", "error"),
    [
        pytest.param(
            "great_expectations", {"gate_engine": "great_expectations"}, None, "lakewright[quality]", id="library"
        ),
        pytest.param("duckdb", {}, REJECT, "the gate needs DuckDB, which is not installed; ", id="rules of rows"),
    ],
)
def test_nothing_is_planned_without_what_the_gate_needs(
    gated: Bench, monkeypatch: pytest.MonkeyPatch, module: str, gates: dict[str, str], meta: Any, error: str
) -> None:
    gated.feed(gates={"suite": "people", **gates})
    write_suite(gated.root, "people", gxe.ExpectColumnValuesToNotBeNull(column="name", meta=meta))
    gated.put("a.csv", GOOD)
    monkeypatch.setitem(sys.modules, module, None)
    for verb in ("plan", "run"):
        answer = gated.command(verb, "--json")
        assert (answer.exit_code, error in answer.last_line) == (2, True), answer.last_line
    assert gated.command("status", "--json").data[0]["open_batch"] is None


def test_data_docs_are_written_of_the_whole_table(gated: Bench) -> None:
    write_suite(gated.root, "people", gxe.ExpectColumnValuesToBeInSet(column="name", value_set=["Ada"], meta=WARN))
    gated.put("a.csv", GOOD)
    gated.run()
    docs = gated.root / "docs"
    answer = gated.command("gates", "--docs", str(docs), "--json")
    assert (answer.exit_code, answer.data[0]["docs"]) == (0, str(docs / "index.html"))
    (page,) = docs.glob("validations/**/*.html")
    assert "50% of 2 total rows" in page.read_text()
    assert "Bob" not in page.read_text()
    gated.feed(gates={"suite": "people"}, show_values=True)
    gated.command("gates", "--docs", str(docs))
    assert any("Bob" in page.read_text() for page in docs.glob("validations/**/*.html"))


def test_a_verdict_is_looked_for_in_the_last_batches(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "_LOOKED_BACK", 2)
    for day, verdict in (
        ("01", "none: no batch has been judged"),
        ("02", "none: no batch has been judged"),
        ("03", "none: none of the last 2 batches has been judged"),
    ):
        bench.feed()
        bench.put("a.csv", GOOD, day=day)
        assert bench.run()["exit_code"] == 0
        write_suite(bench.root, "people", gxe.ExpectColumnValuesToNotBeNull(column="id"))
        bench.feed(gates={"suite": "people"})
        assert verdict in bench.command("gates").stdout


def test_data_docs_do_not_quote_values_in_exceptions(gated: Bench) -> None:
    """The median of texts cannot be computed, and the exception's text quotes the whole column."""
    write_suite(gated.root, "people", gxe.ExpectColumnMedianToBeBetween(column="name", min_value=1, meta=WARN))
    gated.put("a.csv", GOOD)
    gated.run()
    docs = gated.root / "docs"
    gated.command("gates", "--docs", str(docs))
    (page,) = docs.glob("validations/**/*.html")
    assert "TypeError" in page.read_text()
    assert [text for text in ("Ada", "Bob", "Traceback") if text in page.read_text()] == []
    gated.feed(gates={"suite": "people"}, show_values=True)
    gated.command("gates", "--docs", str(docs))
    assert any("Traceback" in page.read_text() for page in docs.glob("validations/**/*.html"))


def test_data_docs_show_observed_values_only_on_request(gated: Bench) -> None:
    """The most frequent value of a column is a value of the data; the number of rows is none."""
    write_suite(
        gated.root,
        "people",
        gxe.ExpectColumnMostCommonValueToBeInSet(column="name", value_set=["Eve"], meta=WARN),
        gxe.ExpectTableRowCountToBeBetween(min_value=1),
    )
    gated.put("a.csv", GOOD)
    gated.run()
    docs = gated.root / "docs"
    gated.command("gates", "--docs", str(docs))
    texts = [page.read_text() for page in docs.rglob("*.html")]
    assert not [text for text in texts if "Ada" in text or "Bob" in text]
    gated.feed(gates={"suite": "people"}, show_values=True)
    gated.command("gates", "--docs", str(docs))
    assert any("Ada" in page.read_text() for page in docs.glob("validations/**/*.html"))


def test_without_a_gate_there_are_no_data_docs(bench: Bench) -> None:
    answer = bench.command("gates", "--docs", str(bench.root / "docs"))
    assert (answer.exit_code, answer.last_line) == (
        2, "error: no gate: name a suite in the feed, gates: {suite: NAME}, to write Data Docs"
    )  # fmt: skip
