"""The page of a lake's report without a browser: its structure, and its values, which are those of the JSON."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from lakewright.pages.report import report_page
from tests.conftest import ROOT
from tests.lakewright.report.lakes import ReportedLake, fill_with_every_health
from tests.pages.parsed import Element, rows_of, table_of
from tests.pages.rules import check_page

Report = Mapping[str, Any]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    lake = ReportedLake(tmp_path_factory.mktemp("lake"))
    fill_with_every_health(lake)
    data: Report = lake.report().data
    return data


@pytest.fixture(scope="module")
def page(report: Report) -> Element:
    return check_page(report_page(report))


def test_the_table_of_feeds(report: Report, page: Element) -> None:
    rows = rows_of(table_of(page, "13 targets of 14 feeds"))
    targets = [(feed, target) for feed in report["feeds"] for target in (feed["targets"] or [feed])]
    assert [row[0][:120] for row in rows] == [feed["feed"][:120] for feed, _ in targets]
    assert [row[1] for row in rows] == [target["health"] for _, target in targets]


def test_what_needs_a_person_is_listed_in_order_with_commands(report: Report, page: Element) -> None:
    tasks = [task.words for each in page.of_class("tasks") for task in each.all("li")]
    assert len(tasks) == len(report["needs"])
    for task, need in zip(tasks, report["needs"], strict=True):
        assert task.startswith(f"{need['what']} {need['feed'][:120]}")
        assert need["command"][:100] in task


def test_the_numbers_per_day(report: Report, page: Element) -> None:
    table = table_of(page, "All feeds")
    values = [[float(cell.attributes["value"]) for cell in row.all("data")] for row in table.all("tbody")[0].all("tr")]
    for day, row in zip(report["per_day"], values, strict=True):
        cost = [day["cost"]] if day["runs"] and day["cost"] is not None else []
        assert row == [day["runs"], day["failed"], day["read"], day["seconds"], *cost]
    costs = rows_of(table_of(page, "Cost of each feed"))
    assert len(costs) == len(report["feeds"])


def test_what_could_not_be_read_is_shown(report: Report, page: Element) -> None:
    (box,) = [each for each in page.of_class("problem") if each.all("ul")]
    assert [item.words[:80] for item in box.all("li")] == [problem[:80] for problem in report["problems"]]


def test_every_key_of_the_json_is_documented(report: Report) -> None:
    section = (ROOT / "docs/reports.md").read_text(encoding="utf-8").split("### JSON")[1].split("###")[0]
    entries = [report, report["total"], *report["needs"], *report["per_day"], *report["feeds"]]
    targets = [target for feed in report["feeds"] for target in feed["targets"]]
    parts = [target[key] for target in targets for key in ("last_run", "running", "open_batch", "waiting", "table")]
    rules = [rule for target in targets if target["quarantine"] for rule in target["quarantine"]["rules"]]
    keys = {key for entry in (*entries, *targets, *filter(None, parts), *rules) for key in entry}
    assert [key for key in sorted(keys) if f"`{key}`" not in section] == []


def test_an_empty_lake(tmp_path_factory: pytest.TempPathFactory) -> None:
    lake = ReportedLake(tmp_path_factory.mktemp("empty"))
    page = check_page(report_page(lake.report().data))
    assert "There are no feeds." in page.words
    assert "no valid prices.yaml" in page.words


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("<script>alert(1)<x>", id="markup"),
        pytest.param("x" * 240, id="long"),
        pytest.param("\u202egnp.\u2066exe", id="direction"),
        pytest.param("{{ 7 * 7 }}", id="template"),
        pytest.param("a\nb", id="line end"),
    ],
)
def test_names_stay_text(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    lake = ReportedLake(tmp_path_factory.mktemp("hostile"))
    lake.failed(name, timedelta(hours=1), error=f"{name} {name}", warnings=[name])
    lake.feed(name)
    page = check_page(report_page(lake.report().data))
    assert not page.all("script")
    assert "49" not in table_of(page, "1 target of 1 feed").words
