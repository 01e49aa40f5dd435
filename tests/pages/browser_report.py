"""The page of a lake's report in a browser; see ``browser_pages``."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import FloatRect

from lakewright.pages.report import report_page
from tests.lakewright.report.lakes import ReportedLake, fill_with_every_health
from tests.pages.browser_pages import (  # noqa: F401 - fixtures
    DESKTOP,
    FOCUS,
    FOCUSABLE,
    PHONE,
    TALLEST_PICTURE,
    VIEWS,
    WIDER,
    Shown,
    browser,
    show,
    shown,
)
from transforms.object_names import one_line

_VALUES: Final = "all => all.map(each => Number(each.value))"
NAMES: Final = ("\u202egnp.exe", "<b>bold<i>", "' onload='x", "&amp;", "a\tb")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    lake = ReportedLake(tmp_path_factory.mktemp("lake"))
    fill_with_every_health(lake)
    for name in NAMES:
        lake.feed(name)
        lake.failed(name, lake.now - lake.now, error=f"{name}: {name}", warnings=[name])
    data: Mapping[str, Any] = lake.report().data
    return data


@pytest.fixture(scope="module")
def file(report: Mapping[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report_page(report), encoding="utf-8")
    return path


@pytest.mark.parametrize(("scheme", "width"), VIEWS, ids=str)
@pytest.mark.parametrize("opens", [False, True], ids=["closed", "open"])
def test_the_report_fits_is_accessible_and_asks_for_nothing(
    shown: Shown,  # noqa: F811
    file: Path,
    scheme: Literal["light", "dark"],
    width: int,
    opens: bool,
) -> None:
    page = show(shown, file, scheme=scheme, width=width)
    page.evaluate("opens => document.querySelectorAll('details').forEach(each => each.open = opens)", opens)
    if folder := os.environ.get("LAKEWRIGHT_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        height = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST_PICTURE)
        path = Path(folder) / f"report-{'open' if opens else 'closed'}-{scheme}-{width}.png"
        page.screenshot(path=path, full_page=True, clip=FloatRect(x=0, y=0, width=width, height=height))
    assert page.evaluate(WIDER) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    violations = Axe().run(page).response["violations"]
    assert [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in violations] == []
    assert shown.requests == [file.as_uri()]
    assert shown.messages == []


def test_the_numbers_are_those_of_the_json(shown: Shown, file: Path, report: Mapping[str, Any]) -> None:  # noqa: F811
    page = show(shown, file)
    rows = page.locator("table", has=page.locator("caption", has_text="All feeds")).locator("tbody tr")
    assert rows.count() == len(report["per_day"])
    for number, day in enumerate(report["per_day"]):
        cost = [day["cost"]] if day["runs"] and day["cost"] is not None else []
        values = rows.nth(number).locator("data").evaluate_all(_VALUES)
        assert values == [day["runs"], day["failed"], day["read"], day["seconds"], *cost]
    assert page.locator(".tasks li strong").count() == len(report["needs"])
    bars = page.locator("figure.trend svg rect:not(.bad)").count()
    assert bars == sum(bool(day["cost"]) for day in report["per_day"])


def test_names_show_as_text(shown: Shown, file: Path) -> None:  # noqa: F811
    page = show(shown, file)
    texts = set(page.evaluate("() => [...document.querySelectorAll('bdi')].map(each => each.textContent)"))
    assert {one_line(name) for name in NAMES} <= texts
    assert page.locator("main img, script, iframe, main b > i").count() == 0


def test_a_link_of_the_table_opens_the_details(shown: Shown, file: Path) -> None:  # noqa: F811
    page = show(shown, file, width=PHONE)
    page.locator(".stacked a").last.click()
    anchor = page.evaluate("location.hash.slice(1)")
    assert page.locator(f"#{anchor}").is_visible()
    assert page.evaluate("id => document.getElementById(id).closest('details').open", anchor)


def test_rows_are_blocks_on_phones_and_still_a_table_for_screen_readers(shown: Shown, file: Path) -> None:  # noqa: F811
    page = show(shown, file, width=PHONE)
    row = page.locator(".stacked tbody tr").first
    assert row.evaluate("each => getComputedStyle(each).display") == "block"
    assert row.get_by_role("cell").first.is_visible()
    assert (page.locator(".stacked caption").bounding_box() or {"height": 0})["height"] < 60, "two lines"
    assert page.locator(".stacked").get_by_role("columnheader").count() == 8


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_the_caption_of_the_feeds_is_as_wide_as_the_table(shown: Shown, file: Path, width: int) -> None:  # noqa: F811
    page = show(shown, file, width=width)
    widths = [page.locator(each).bounding_box()["width"] for each in (".stacked", ".stacked caption")]
    assert widths[0] == pytest.approx(widths[1], abs=1)


def test_the_keyboard_reaches_everything(shown: Shown, file: Path) -> None:  # noqa: F811
    page = show(shown, file)
    visible = page.locator(FOCUSABLE).evaluate_all("all => all.map(each => each.checkVisibility())")
    reached = []
    for _ in range(sum(visible)):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUS))
    assert [each["number"] for each in reached] == [number for number, is_visible in enumerate(visible) if is_visible]
    assert [each for each in reached if not each["outlined"] or not each["seen"]] == []
