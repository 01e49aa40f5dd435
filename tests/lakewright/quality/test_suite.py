"""Suites are validated with errors that name file, expectation and what would be right."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lakewright.errors import ConfigError
from lakewright.quality.suite import parse_suite
from tests.conftest import Answer, command

UNIQUE = "expect_column_values_to_be_unique"
BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
REJECT = {"on_failure": "reject_rows"}


def expectation(kind: str, meta: Any = None, **kwargs: Any) -> dict[str, Any]:
    return {"type": kind, "kwargs": kwargs, "meta": meta or {}, "severity": "critical"}


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        pytest.param(expectation(UNIQUE), "the kwarg column is missing", id="missing-kwarg"),
        pytest.param(
            expectation(UNIQUE, colum="id"), "unknown kwarg 'colum'; did you mean 'column'?", id="unknown-kwarg"
        ),
        pytest.param(expectation(UNIQUE, column=3), "column must be a text", id="kwarg-of-another-type"),
        pytest.param(expectation(BETWEEN, column="id"), "needs min_value, max_value or both", id="no-bound"),
        pytest.param(expectation(UNIQUE, column="id", mostly=1.5), "mostly must be a share from 0 to 1", id="mostly"),
        pytest.param(
            expectation(BETWEEN, column="id", min_value={"$PARAMETER": "least"}),
            "$PARAMETER refers to a parameter of a checkpoint, and a gate has none: write the value",
            id="parameter",
        ),
        pytest.param(
            expectation("expect_column_max_to_be_between", column="id", max_value={"$PARAMETER": "now()"}),
            "$PARAMETER refers to a parameter of a checkpoint, and a gate has none: write the value",
            id="parameter-of-an-expectation-of-the-library",
        ),
        pytest.param(
            expectation(UNIQUE, {"on_failure": "reject"}, column="id"),
            "unknown meta.on_failure 'reject'; did you mean 'reject_rows'?",
            id="unknown-on-failure",
        ),
        pytest.param(
            expectation(UNIQUE, REJECT, column="id"),
            "on_failure reject_rows is not possible: whether a row meets it depends on other rows; use refuse_batch",
            id="aggregate-rejects-rows",
        ),
        pytest.param(
            expectation(IN_SET, REJECT, column="id", value_set=[1], mostly=0.9),
            "on_failure reject_rows excludes mostly: rows are rejected one by one, and max_rejected bounds how many",
            id="mostly-rejects-rows",
        ),
        pytest.param(
            expectation(IN_SET, REJECT, column="id", value_set=[1], row_condition='col("x")==1'),
            "on_failure reject_rows excludes row_condition",
            id="condition-rejects-rows",
        ),
        pytest.param(
            expectation(UNIQUE, column="id") | {"notes": "\ud800"},
            r"a text has half of a surrogate pair (\ud800 to \udfff), which is no character",
            id="half-of-a-surrogate-pair",
        ),
        pytest.param({"expectation_type": UNIQUE}, "suites of versions before 1.0 have expectation_type", id="old"),
        pytest.param([], "must be a JSON object with type and kwargs", id="no-object"),
        pytest.param(expectation(UNIQUE, column="id") | {"kwarg": {}}, "unknown key 'kwarg'", id="unknown-key"),
        pytest.param(
            expectation(UNIQUE, column="id") | {"severity": "high"}, "severity must be one of critical", id="severity"
        ),
    ],
)
def test_an_invalid_expectation(entry: Any, problem: str) -> None:
    valid = expectation(UNIQUE, column="id")
    with pytest.raises(ConfigError) as caught:
        parse_suite("conf/quality/s.json", json.dumps({"name": "s", "expectations": [valid, entry]}))
    kind = f" ({entry['type']})" if isinstance(entry, dict) and "type" in entry else ""
    assert str(caught.value).startswith(f"conf/quality/s.json: expectation 2{kind}: ")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "s.json: not readable as JSON"),
        ("[]", "s.json: a suite is a JSON object with name and expectations, as ExpectationSuite writes it"),
        ('{"expectations": []}', "s.json: the key name is missing"),
        ('{"name": "s", "expectations": [], "expectation": 1}', "unknown key 'expectation'; did you mean"),
        ("[" * 100_000, "s.json: its JSON is nested more than 100 levels deep"),
        ('{"a":' * 500 + "1" + "}" * 500, "s.json: its JSON is nested more than 100 levels deep"),
        ('{"name": "s", "name": "t", "expectations": []}', "s.json: not readable as JSON: the key 'name' is repeated"),
        (r'{"name": "\ud800", "expectations": []}', "s.json: the key name has half of a surrogate pair"),
    ],
)
def test_an_invalid_suite(text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem.replace("{", "[{]")):
        parse_suite("s.json", text)


def test_a_byte_order_mark_is_no_part_of_a_suite() -> None:
    assert parse_suite("s.json", '\ufeff{"name": "s", "expectations": []}').name == "s"


def check(root: Path, suite: Any, **feed: Any) -> Answer:
    (root / "conf/feeds").mkdir(parents=True)
    (root / "conf/quality").mkdir()
    people: dict[str, Any] = {
        "job": "csv_to_parquet",
        "source": {"path": "raw/people/", "columns": {"id": "long"}},
        "target": {"path": "refined/people/", "partition_by": ["day"]},
        "gates": {"suite": "s"},
    }
    (root / "conf/feeds/people.yaml").write_text(yaml.safe_dump(people | feed))
    (root / "conf/quality/s.json").write_text(json.dumps(suite))
    return command("check", "--config", str(root / "conf"))


def suite(*expectations: Any) -> dict[str, Any]:
    return {"name": "s", "expectations": list(expectations)}


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        pytest.param(
            expectation("expect_column_mx_to_be_between", column="id"),
            "unknown expectation; did you mean 'expect_column_max_to_be_between'?",
            id="unknown-expectation",
        ),
        pytest.param(
            expectation("expect_column_max_to_be_between", colum="id"),
            "the kwarg column is missing; unknown kwarg 'colum'",
            id="kwargs-of-the-library",
        ),
        pytest.param(
            expectation(IN_SET, REJECT, column="day", value_set=["01"]),
            "on_failure reject_rows is not possible: day is not a value of the rows; use refuse_batch or warn",
            id="rows-rejected-by-a-folder",
        ),
    ],
)
def test_check_validates_suites(tmp_path: Path, entry: Any, problem: str) -> None:
    answer = check(tmp_path, suite(entry))
    assert answer.exit_code == 2
    place = f"{tmp_path}/conf/quality/s.json: expectation 1 ({entry['type']})"
    assert answer.last_line == f"error: {place}: {problem}"


ID = "on_failure reject_rows is not possible on the column id (bigint), since {}; correct it, or use refuse_batch or warn"
REGEX = "expect_column_values_to_match_regex"
NOT_NULL = "expect_column_values_to_not_be_null"
COLUMNS = {"a.b": "string", "id": "long", "name": "string"}


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        pytest.param(
            expectation(NOT_NULL, REJECT, column="ID"),
            "the feed declares no column 'ID'; did you mean 'id'?",
            id="rows-rejected-by-a-column-of-another-case",
        ),
        pytest.param(
            expectation("expect_column_max_to_be_between", column="nmae", max_value=1),
            "the feed declares no column 'nmae'; did you mean 'name'?",
            id="batch-refused-by-an-undeclared-column",
        ),
        pytest.param(
            expectation("expect_compound_columns_to_be_unique", column_list=["id", "other"]),
            "the feed declares no column 'other'; known are a.b, id, name, day",
            id="one-of-two-columns-undeclared",
        ),
        pytest.param(
            expectation(NOT_NULL, REJECT, column="a.b"),
            "on_failure reject_rows is not possible on the column a.b (string), since the column name 'a.b' has a dot, a "
            "backtick or an unusual character; correct it, or use refuse_batch or warn",
            id="dot-in-the-name",
        ),
        pytest.param(
            expectation(IN_SET, REJECT, column="id", value_set=["1"]),
            ID.format("its value_set has values that are not of the column's type"),
            id="texts-for-a-number",
        ),
        pytest.param(
            expectation(IN_SET, REJECT, column="id", value_set=[1, None]),
            ID.format("its value_set has values that are not of the column's type"),
            id="null-in-a-set",
        ),
        pytest.param(
            expectation(BETWEEN, REJECT, column="id", min_value=2, max_value=1),
            ID.format("its min_value is greater than its max_value"),
            id="bounds-in-reverse",
        ),
        pytest.param(
            expectation(BETWEEN, REJECT, column="id", max_value=float("nan")),
            ID.format("a bound is not a number, a date (2019-08-21) or a time (2019-08-21T10:00:00+00:00)"),
            id="nan",
        ),
        pytest.param(
            expectation(BETWEEN, REJECT, column="id", min_value=1, result_format="COMPLETE"),
            ID.format("it has the argument result_format"),
            id="argument-of-the-library",
        ),
        pytest.param(
            expectation(REGEX, REJECT, column="name", regex="("),
            "on_failure reject_rows is not possible on the column name (string), since engines may read its regex "
            "differently: '(' without ')'; correct it, or use refuse_batch or warn",
            id="invalid-pattern",
        ),
    ],
)
def test_suites_fit_declared_columns(tmp_path: Path, entry: Any, problem: str) -> None:
    answer = check(tmp_path, suite(entry), source={"path": "raw/people/", "columns": COLUMNS})
    place = f"{tmp_path}/conf/quality/s.json: expectation 1 ({entry['type']})"
    assert (answer.exit_code, answer.last_line) == (2, f"error: {place}: {problem}")


def test_partitions_are_declared_and_a_warning_may_be_of_any_column(tmp_path: Path) -> None:
    entries = [
        expectation(IN_SET, column="day", value_set=["01"]),
        expectation(NOT_NULL, {"on_failure": "warn"}, column="nope"),
        expectation(NOT_NULL, REJECT, column="id"),
        # Without reject_rows, the library evaluates it.
        expectation(IN_SET, column="id", value_set=["1"]),
    ]
    assert check(tmp_path, suite(*entries)).exit_code == 0


@pytest.mark.parametrize(
    ("gates", "problem"),
    [
        pytest.param({"suite": "t"}, "gates.suite: there is no suite 't': ", id="no-file"),
        pytest.param({"suite": "../s"}, "a suite is named without folder and ending, such as customers", id="folder"),
        pytest.param(
            {"suite": {"peple": "s"}}, "gates.suite: unknown table 'peple'; did you mean 'people'?", id="table"
        ),
        pytest.param({"suit": "s"}, "unknown key gates.suit; did you mean 'suite'?", id="key"),
    ],
)
def test_check_validates_the_keys_of_gates(tmp_path: Path, gates: Any, problem: str) -> None:
    answer = check(tmp_path, suite(), gates=gates)
    assert (answer.exit_code, problem in answer.last_line) == (2, True), answer.last_line


def test_check_prints_nothing_of_the_library(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The library prints a warning of queries that do not name the batch."""
    answer = check(tmp_path, suite(expectation("unexpected_rows_expectation", unexpected_rows_query="SELECT 1")))
    assert (answer.exit_code, answer.stderr) == (0, "")
    assert "{batch}" not in answer.stdout + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("entry", "gates", "needs"),
    [
        pytest.param(
            expectation("expect_column_max_to_be_between", column="id"),
            {},
            "expectation 1 (expect_column_max_to_be_between)",
            id="an expectation that is not compiled",
        ),
        pytest.param(
            expectation(UNIQUE, column="id", row_condition='col("id")>1', condition_parser="great_expectations"),
            {},
            f"expectation 1 ({UNIQUE})",
            id="an argument that is not compiled",
        ),
        pytest.param(
            expectation("expect_column_values_to_match_regex", column="id", regex="(?i)a"),
            {},
            "expectation 1 (expect_column_values_to_match_regex)",
            id="a pattern that is not compiled",
        ),
        pytest.param(
            expectation(UNIQUE, column="id"),
            {"gate_engine": "great_expectations"},
            "gate_engine: great_expectations",
            id="gate_engine",
        ),
        pytest.param(expectation(BETWEEN, column="id", min_value="2020-01-01"), {}, "", id="compiled for some type"),
        pytest.param(
            expectation(IN_SET, REJECT, column="id", value_set=[1]),
            {"gate_engine": "great_expectations"},
            "",
            id="rows are rejected by SQL always",
        ),
    ],
)
def test_check_names_what_needs_the_library_if_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: Any, gates: dict[str, Any], needs: str
) -> None:
    monkeypatch.setitem(sys.modules, "great_expectations", None)
    answer = check(tmp_path, suite(entry), gates={"suite": "s", **gates})
    error = (
        f"error: {tmp_path}/conf/quality/s.json: {needs} needs Great Expectations, which is not installed; "
        "install it with: pip install 'lakewright[quality]'"
    )
    assert (answer.exit_code, answer.last_line if needs else error) == (2 if needs else 0, error), answer.last_line
