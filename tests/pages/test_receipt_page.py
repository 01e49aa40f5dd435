"""The page of receipts without a browser: its structure, and its values, which are those of the JSON."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakewright.pages.receipt import receipt_page
from lakewright.runs.receipts import Receipt
from tests.conftest import Answer, command, examples
from tests.pages import samples
from tests.pages.parsed import Element, rows_of, table_of
from tests.pages.rules import check_page
from transforms.object_names import one_line


def page_of(receipt: Receipt, recent: Sequence[Receipt] = ()) -> Element:
    return check_page(receipt_page([(receipt.dump(), recent)]))


def figures_of(value: Any) -> Iterator[float]:
    """Yield every number of JSON, how long each list is, and what the numbers of each object add up to."""
    if isinstance(value, dict | list):
        yield len(value)
        items = list(value.values()) if isinstance(value, dict) else value
        numbers = [item for item in items if isinstance(item, int | float)]
        yield sum(numbers)
        for item in items:
            yield from figures_of(item)
    elif isinstance(value, int | float):
        yield value


@pytest.mark.parametrize(
    ("receipt", "recent"),
    [
        pytest.param(samples.full(), samples.earlier(), id="a full receipt"),
        pytest.param(samples.refused(), [], id="refused by its gate"),
        pytest.param(samples.failed(), samples.earlier(3), id="failed, with no trend of its own"),
        pytest.param(samples.first_version(), [], id="no more fields than the first version had"),
    ],
)
def test_every_number_is_one_of_the_json(receipt: Receipt, recent: list[Receipt]) -> None:
    page = page_of(receipt, recent)
    json = receipt.dump()
    known = {*figures_of(json), *figures_of([each.dump() for each in recent])}
    known |= {sum(source["size"] for source in batch["inputs"]) for batch in json["batches"]}
    known |= {92.327, 92.326692}  # from start to end
    known |= {3, 2, 1, 0}  # expectations met, files by partition
    for data in page.all("data"):
        assert float(data.attributes["value"]) in known, data
        if data.text.replace(",", "").isdigit():
            assert float(data.text.replace(",", "")) == float(data.attributes["value"])


def test_the_tables_are_those_of_the_json() -> None:
    receipt = samples.full()
    page = page_of(receipt, samples.earlier())
    outcomes = [item.words for item in page.of_class("flow")[0].all("li")]
    assert [text.split()[:2] for text in outcomes] == [
        ["4,812,004", "written"],
        ["1,210", "deleted"],
        ["14,402", "superseded"],
        ["2,480", "rejected"],
        ["23", "skipped"],
    ]
    assert rows_of(table_of(page, "Rejected rows by rule")) == [
        ["amount: range", "1,904", "0.04 %"],
        ["ordered_at: type", "561", "0.01 %"],
        ["field_count first raw/orders/orders_20261121_008.csv.gz at 18233", "31", "< 0.01 %"],
    ]
    assert rows_of(table_of(page, "Expectations of suite orders"))[2:] == [
        ["expect_column_values_to_be_between on amount", "not met rows rejected", "1,904 0.04 %"],
        ["expect_column_value_lengths_to_be_between on shop_name", "not met warning", "12 < 0.01 %"],
        ["expect_table_row_count_to_be_between", "met", "observed 4,812,004"],
    ]
    assert rows_of(table_of(page, "Files by partition"))[0] == ["year=2026/month=11/day=20", "3", "2"]
    assert [(row[0], row[2]) for row in rows_of(table_of(page, "Seconds by phase"))][:2] == [
        ("lease", "0.031 s"),
        ("plan", "1.2 s"),
    ]
    assert rows_of(table_of(page, "Requests to S3")) == [
        [name, str(number)] for name, number in receipt.usage.requests.items()
    ]
    assert rows_of(table_of(page, "what it would have cost on Glue"))[0] == [
        "Glue $0.44 per DPU-hour",
        "184.6 DPU-seconds",
        "$0.0226",
    ]
    assert len(rows_of(table_of(page, "The last runs"))) == 24
    assert rows_of(table_of(page, "The last runs"))[0] == [
        "27 Nov 2026, 04:12:03 UTC (this run)",
        "Committed",
        "4,830,119",
        "2,480",
        "0.05 %",
        "1 min 32 s",
        "$0.0238",
    ]


@pytest.mark.parametrize(
    ("receipt", "status", "words"),
    [
        pytest.param(samples.full(), "Committed", "", id="committed"),
        pytest.param(samples.make(status="nothing_new"), "Nothing new", "", id="nothing new"),
        pytest.param(
            samples.refused(), "Refused", "refused by its gate (suite orders): expect_column_values", id="refused"
        ),
        pytest.param(samples.failed(), "Failed", "s3://acme-lake/raw/orders/: access denied", id="failed"),
        pytest.param(
            samples.make(status="overtaken", exit_code=4, error="another run holds it"),
            "Overtaken by another run",
            "another run holds it What to do. Nothing is lost.",
            id="overtaken",
        ),
        pytest.param(
            samples.make(exit_code=5, error="the catalog is behind"),
            "Committed, with an error",
            "the catalog is behind What to do. Make sure",
            id="committed, and failed afterwards",
        ),
        pytest.param(
            samples.make(status="failed", exit_code=9, error=""),
            "Failed",
            "The run ended without a message. What to do. Run it again",
            id="failed without a message, with an unknown code",
        ),
    ],
)
def test_problems_come_first(receipt: Receipt, status: str, words: str) -> None:
    page = page_of(receipt)
    assert page.all("header")[0].of_class("status")[0].words == status
    first = page.all("main")[0].all("section")[0]
    assert first.words.startswith(f"What happened, and what to do {words}") == bool(words)


def test_outcomes_without_rows_are_left_out_and_lost_rows_are_shown() -> None:
    page = page_of(samples.make(counts={"read": 10, "written": 7}))
    assert [item.words for item in page.of_class("flow")[0].all("li")] == [
        "7 written 70.0 %: in the table",
        "3 unaccounted 30.0 %: without an outcome",
    ]
    assert not page_of(samples.make()).of_class("flow")


def test_skipped_rows_do_not_lower_the_rejected_share() -> None:
    receipt = samples.make(counts={"read": 10, "skipped": 6, "written": 3, "rejected": 1}, rules={"id: type": 1})
    page = page_of(receipt, [receipt, receipt])
    assert "Rejected1 25.0 % of the rows read and not skipped" in page.of_class("figures")[0].words
    assert rows_of(table_of(page, "Rejected rows by rule")) == [["id: type", "1", "25.0 %"]]
    assert [row[4] for row in rows_of(table_of(page, "The last runs"))] == ["25.0 %", "25.0 %"]


def test_cost_and_usage_are_left_out_if_they_are_unknown() -> None:
    headings = [each.words for each in page_of(samples.make()).all("h2")]
    assert headings == ["Where the time went", "The run"]


def test_several_targets_have_a_section_each_and_a_table_of_contents() -> None:
    receipts = [samples.make(target=f"table {number}", counts={"read": number}) for number in range(60)]
    page = check_page(receipt_page([(receipt.dump(), []) for receipt in receipts]))
    (contents,) = page.all("nav")
    assert [row[:3] for row in rows_of(contents.all("table")[0])] == [
        [f"table {number}", "Committed", str(number)] for number in range(60)
    ]
    sections = {each.attributes["id"]: each.words for each in page.all("h2") if "id" in each.attributes}
    assert [sections[link.attributes["href"][1:]] for link in contents.all("a")] == [
        f"table {number}" for number in range(60)
    ]
    assert "do not add them up" not in contents.words
    priced = check_page(receipt_page([(samples.full().dump(), [])] * 2))
    assert "do not add them up" in priced.all("nav")[0].words


def test_the_rejected_share_leaves_out_skipped_rows_as_max_rejected_does() -> None:
    receipt = samples.make(counts={"read": 200, "written": 94, "rejected": 6, "skipped": 100})
    page = page_of(receipt, [receipt, receipt])
    assert "6 6.0 % of the rows read and not skipped" in page.of_class("figures")[0].words
    assert [row[4] for row in rows_of(table_of(page, "The last runs"))] == ["6.0 %", "6.0 %"]


def test_a_replay_without_rows_says_what_became_of_them() -> None:
    page = page_of(samples.make(verb="replay", replayed={"still_rejected": 3}, still_rejected={"id: type": 3}))
    assert rows_of(table_of(page, "Replayed rows that are still rejected")) == [["id: type", "3"]]
    assert [row for table in page.all("table")[:1] for row in rows_of(table)] == [["still rejected", "3"]]


def test_a_run_is_compared_with_runs_of_its_kind() -> None:
    compaction = samples.make(run="compaction", verb="compact")
    page = page_of(samples.full(), [*samples.earlier(3), compaction])
    assert len(rows_of(table_of(page, "The last runs"))) == 3
    page = page_of(compaction, [*samples.earlier(3), compaction, compaction])
    assert len(rows_of(table_of(page, "The last runs"))) == 2


def test_folded_objects_are_counted_and_their_manifest_is_named() -> None:
    folded = {"count": 1200, "bytes": 5_000_000, "first": "raw/a", "last": "raw/z", "manifest": "state/m.json.gz"}
    page = page_of(samples.make(batches=[samples.batch(folded_inputs=folded)]))
    (details,) = page.all("details")
    assert details.words == (
        "Objects read: 1,200, 5.0 MB 1,200 objects, 5.0 MB, listed in state/m.json.gz first raw/a last raw/z"
    )


def test_long_lists_end_with_how_many_more_there_are() -> None:
    page = page_of(samples.make(batches=[samples.batch(outputs=[f"out/{number}" for number in range(900)])]))
    (details,) = page.all("details")
    assert len(details.all("li")) == 200
    assert details.words.endswith("… and 700 more; the receipt as JSON has them, or names their manifest.")


@pytest.mark.parametrize("text", samples.HOSTILE.values(), ids=samples.HOSTILE)
def test_names_stay_text(text: str) -> None:
    receipt = samples.hostile([text, f"{text} "])
    page = page_of(receipt, [receipt, receipt])
    texts = [each.text for each in page.all("bdi")]
    assert texts.count(one_line(text)) > 20
    assert one_line(text)[:80] in page.all("title")[0].text


TEXTS = st.lists(
    st.one_of(st.text(max_size=12), st.sampled_from(sorted(samples.HOSTILE.values()))),
    min_size=1,
    max_size=4,
    unique=True,
)


@settings(deadline=None, max_examples=examples(50))
@given(TEXTS, st.one_of(st.integers(0, 9), st.integers(0, 10**15)))
def test_any_receipt_has_a_page(texts: list[str], number: int) -> None:
    receipt = samples.hostile(texts, number=number)
    page = check_page(receipt_page([(receipt.dump(), [receipt] * 2)] * 2))
    assert {one_line(text) for text in texts} <= {each.text for each in page.all("bdi")}


def read(path: Path) -> Element:
    return check_page(path.read_text(encoding="utf-8"))


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "lake/raw/people").mkdir(parents=True)
    (tmp_path / "conf/feeds").mkdir(parents=True)
    (tmp_path / "conf/feeds/people.yaml").write_text(
        "{job: csv_to_parquet, source: {path: raw/people/, columns: {id: long}}, target: {path: refined/people/}}"
    )
    return tmp_path / "lake"


def people(lake: Path, verb: str, *arguments: str) -> Answer:
    return command(verb, "people", "--lake", str(lake), "--config", str(lake.parent / "conf"), *arguments)


def test_the_command_writes_a_page_beside_its_answer(lake: Path) -> None:
    (lake / "raw/people/people_20260801.csv").write_text("id\n1\n2\n")
    (receipt,) = people(lake, "run", "--engine", "local", "--json").data
    file = lake.parent / "page.html"
    file.write_text("an older page")
    answer = people(lake, "receipt", "--html", str(file))
    assert (answer.exit_code, answer.stdout) == (0, people(lake, "receipt").stdout)
    assert receipt["run"] in [name.text for name in read(file).of_class("name")]
    assert people(lake, "receipt", "--json", "--html", str(file)).data == [receipt]
    refused = people(lake, "receipt", "--html", str(lake))
    assert (refused.exit_code, refused.last_line) == (2, f"error: --html {lake}: cannot be written: Is a directory")
