"""Pages in a browser: Debian's Chromium, headless, without network. Run by ``make test-pages``.

The name keeps this file out of ``make test``, which needs no browser. The environment variable
``LAKEWRIGHT_SCREENSHOTS`` names a folder that keeps pictures of all pages.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, FloatRect, Page, sync_playwright

from lakewright.pages.receipt import receipt_page
from tests.pages import samples
from tests.pages.parsed import parse
from transforms.object_names import one_line

ARGUMENTS: Final = (
    "--no-sandbox",  # containers have no user namespaces
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE, DESKTOP = 360, 1280
#: In pixels; Chromium cannot take pictures of any height.
TALLEST_PICTURE: Final = 8000
VIEWS: Final = [(scheme, width) for scheme in ("light", "dark") for width in (PHONE, DESKTOP)]
FOCUSABLE: Final = "a[href], summary, [tabindex='0']"
#: The elements that are wider than the window, except within what scrolls by itself.
WIDER: Final = """() => [...document.querySelectorAll("body *")].filter(each => {
  const box = each.getBoundingClientRect();
  return box.right > innerWidth + 0.5 && box.width && !each.closest(".wide, .hidden, svg") && !each.closest(".skip");
}).map(each => each.outerHTML.slice(0, 200))"""
CLIPPED: Final = """() => [...document.querySelectorAll(".flow li")]
  .filter(each => each.scrollHeight > each.clientHeight + 1).length"""
FOCUS: Final = f"""() => {{
  const each = document.activeElement, style = getComputedStyle(each), box = each.getBoundingClientRect();
  return {{
    number: [...document.querySelectorAll("{FOCUSABLE}")].indexOf(each),
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    seen: box.left >= 0 && box.top >= 0 && box.bottom <= innerHeight + 1,
  }};
}}"""

LONG: Final = samples.hostile(["a" * 5000, "ab " * 1667])
HOSTILE: Final = samples.hostile(samples.HOSTILE.values())
_VALUES: Final = "all => all.map(each => each.value)"
PAGES: Final = {
    "full": [(samples.full(), samples.earlier())],
    "refused": [(samples.refused(), [*samples.earlier(9)[:-1], samples.refused()])],
    "failed": [(samples.failed(), samples.earlier(4))],
    "first-version": [(samples.first_version(), [])],
    "hostile": [(HOSTILE, [HOSTILE] * 3)],
    "long-names": [(LONG, [])],
    "several": [
        (samples.full(), samples.earlier()),
        (samples.make(target="returns", counts={"read": 3, "written": 3}), []),
        (samples.failed(), []),  # its target has the same name as the first
    ],
}


@dataclass
class Shown:
    """A page in the browser, and what it asked for and said."""

    page: Page
    requests: list[str]
    messages: list[str]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    paths = {name: folder / f"{name}.html" for name in PAGES}
    for name, path in paths.items():
        path.write_text(receipt_page([(receipt.dump(), recent) for receipt, recent in PAGES[name]]), encoding="utf-8")
    return paths


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    executable = shutil.which("chromium")
    if executable is None:
        pytest.fail("chromium is not on the PATH; install Debian's package of that name: apt-get install chromium")
    with sync_playwright() as playwright:
        profile = tmp_path_factory.mktemp("profile")
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=executable, headless=True, args=ARGUMENTS, offline=True
        )
        yield context
        context.close()


@pytest.fixture
def shown(browser: BrowserContext) -> Iterator[Shown]:
    shown = Shown(browser.new_page(), [], [])
    shown.page.on("request", lambda request: shown.requests.append(request.url))
    shown.page.on("console", lambda message: shown.messages.append(message.text))
    shown.page.on("pageerror", lambda error: shown.messages.append(str(error)))
    shown.page.on("dialog", lambda dialog: shown.messages.append(dialog.message))
    yield shown
    shown.page.close()


def show(
    shown: Shown, path: Path, *, scheme: Literal["light", "dark"] = "light", width: int = DESKTOP, height: int = 900
) -> Page:
    shown.page.emulate_media(color_scheme=scheme)
    shown.page.set_viewport_size({"width": width, "height": height})
    shown.page.goto(path.as_uri())
    return shown.page


@pytest.mark.parametrize(("scheme", "width"), VIEWS, ids=str)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_is_accessible_and_asks_for_nothing(
    shown: Shown, files: dict[str, Path], name: str, scheme: Literal["light", "dark"], width: int
) -> None:
    page = show(shown, files[name], scheme=scheme, width=width)
    if folder := os.environ.get("LAKEWRIGHT_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        height = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST_PICTURE)
        clip = FloatRect(x=0, y=0, width=width, height=height)
        page.screenshot(path=Path(folder) / f"{name}-{scheme}-{width}.png", full_page=True, clip=clip)
    page.evaluate("() => document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.evaluate(WIDER) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CLIPPED) == 0
    violations = Axe().run(page).response["violations"]
    assert [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in violations] == []
    assert shown.requests == [files[name].as_uri()]
    assert shown.messages == []


@pytest.mark.parametrize("name", PAGES)
def test_the_browser_shows_the_values_of_the_markup(shown: Shown, files: dict[str, Path], name: str) -> None:
    page = show(shown, files[name])
    markup = parse(files[name].read_text(encoding="utf-8"))
    seen = page.evaluate("() => [...document.querySelectorAll('data')].map(each => [each.value, each.textContent])")
    assert seen == [[each.attributes["value"], each.text] for each in markup.all("data")]
    assert page.evaluate("() => document.querySelectorAll('*').length") == len(markup.all())


def test_the_values_are_those_of_the_json(shown: Shown, files: dict[str, Path]) -> None:
    page = show(shown, files["full"])
    receipt = samples.full().dump()

    def cells(caption: str, column: int) -> list[str]:
        rows = page.locator("table", has=page.locator("caption", has_text=caption)).locator("tbody tr")
        return [str(text) for text in rows.locator(f":scope > :nth-child({column}) data").evaluate_all(_VALUES)]

    flow = page.locator(".flow li data").evaluate_all(_VALUES)
    shown_counts = [receipt["counts"][name] for name in ("written", "deleted", "superseded", "rejected", "skipped")]
    assert list(map(int, flow)) == shown_counts
    assert sum(shown_counts) == int(page.locator(".flow .read data").get_attribute("value") or 0)
    assert list(map(int, cells("Rejected rows by rule", 2))) == list(receipt["rules"].values())
    assert list(map(float, cells("Seconds by phase", 3))) == list(receipt["seconds"].values())
    assert list(map(int, cells("Requests to S3", 2))) == list(receipt["usage"]["requests"].values())
    assert list(map(float, cells("what it would have cost", 3))) == [
        each["amount"] for each in receipt["cost"]["items"]
    ]
    rows = [each.counts.read for each in reversed(samples.earlier())]
    assert list(map(int, cells("The last runs", 3))) == rows


def test_hostile_names_show_as_text(shown: Shown, files: dict[str, Path]) -> None:
    page = show(shown, files["hostile"])
    texts = set(page.evaluate("() => [...document.querySelectorAll('bdi')].map(each => each.textContent)"))
    assert {one_line(text) for text in samples.HOSTILE.values()} <= texts
    assert page.locator("img, script, iframe, base").count() == 0
    assert "owned" not in page.title().split()


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("name", ["full", "failed", "several"])
def test_the_keyboard_reaches_everything_and_shows_where_it_is(
    shown: Shown, files: dict[str, Path], name: str, width: int
) -> None:
    page = show(shown, files[name], width=width)
    visible = page.locator(FOCUSABLE).evaluate_all("all => all.map(each => each.checkVisibility())")
    reached: list[dict[str, Any]] = []
    for _ in range(sum(visible)):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUS))
    assert [each["number"] for each in reached] == [number for number, is_visible in enumerate(visible) if is_visible]
    assert [each for each in reached if not each["outlined"] or not each["seen"]] == []


def test_the_skip_link_leads_to_the_content_and_enter_opens_details(shown: Shown, files: dict[str, Path]) -> None:
    page = show(shown, files["full"])
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.closest('details').open") is True


def test_dark_and_light_differ(shown: Shown, files: dict[str, Path]) -> None:
    colours = [
        show(shown, files["full"], scheme=scheme).evaluate(
            "() => { const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]; }"
        )
        for scheme in ("light", "dark")
    ]
    assert not set(colours[0]) & set(colours[1])


@pytest.mark.parametrize("name", ["full", "several"])
def test_text_of_twice_the_size_fits(shown: Shown, files: dict[str, Path], name: str) -> None:
    page = show(shown, files[name])
    page.evaluate("() => { document.documentElement.style.fontSize = '200%'; }")
    assert page.evaluate(WIDER) == []
    assert page.evaluate(CLIPPED) == 0


def test_print_shows_what_is_folded_on_screen(shown: Shown, files: dict[str, Path]) -> None:
    page = show(shown, files["full"], scheme="dark")
    inner = page.locator("details:not([open]) li").first
    assert not inner.is_visible()
    page.emulate_media(media="print", color_scheme="dark")
    assert inner.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_three_hundred_targets_load_and_fit(shown: Shown, tmp_path: Path) -> None:
    receipts = [samples.make(target=f"table {number}", counts={"read": 3, "written": 3}) for number in range(300)]
    path = tmp_path / "page.html"
    path.write_text(receipt_page([(receipt.dump(), []) for receipt in receipts]), encoding="utf-8")
    page = show(shown, path, width=PHONE)
    assert page.evaluate(WIDER) == []
    page.locator("nav a").last.click()
    assert page.evaluate("location.hash") == "#t300"
