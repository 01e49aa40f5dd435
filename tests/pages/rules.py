"""What every page keeps to, whatever it shows; tests of single pages and of hostile input apply these."""

import re
from itertools import pairwise
from typing import Final

from tests.pages.parsed import Element, parse

ALLOWED: Final = {
    *("html", "head", "meta", "title", "link", "style", "body", "header", "nav", "main", "footer", "section"),
    *(
        "a",
        "p",
        "h1",
        "h2",
        "h3",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "div",
        "span",
        "small",
        "strong",
        "b",
        "br",
        "wbr",
    ),
    *("bdi", "code", "data", "time", "details", "summary", "figure", "figcaption"),
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"),
    *("svg", "title", "desc", "path", "rect", "circle"),
}
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d\.\d{3}([+-]\d\d:\d\d)?)?")
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def check_page(text: str) -> Element:
    """Parse a page and check its structure, its accessibility as far as the markup shows it, and that it is alone."""
    assert text.startswith('<!doctype html>\n<html lang="en">')
    assert not _CONTROLS.search(text)
    page = parse(text)
    _check_alone(page)
    _check_structure(page)
    _check_pictures(page)
    _check_tables(page)
    return page


def _check_alone(page: Element) -> None:
    """Nothing from elsewhere, and nothing that runs."""
    for element in page.walk():
        assert element.tag in ALLOWED, element.tag
        assert not [name for name in element.attributes if name.startswith("on") or name in ("src", "srcdoc", "action")]
        for name in ("href", "xlink:href"):
            assert element.attributes.get(name, "#").startswith("#") or element.tag == "link", element.attributes
        assert "url" not in element.attributes.get("style", "")
    (policy,) = [each for each in page.all("meta") if each.attributes.get("http-equiv") == "Content-Security-Policy"]
    assert policy.attributes["content"].startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
    assert [each.attributes["href"] for each in page.all("link")] == ["data:,"]
    (style,) = page.all("style")
    assert not re.search(r"url\(|@import|//[a-z]|expression", style.text)


def _check_structure(page: Element) -> None:
    assert len(page.all("h1")) == 1
    assert len(page.all("head")[0].all("title")) == 1
    for tag in ("header", "main", "footer"):
        assert len(page.all(tag)) == 1, tag
    for time in page.all("time"):
        assert _TIME.fullmatch(time.attributes["datetime"]), time.attributes
    levels = [int(each.tag[1]) for each in page.all("h1", "h2", "h3")]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels
    ids = [each.attributes["id"] for each in page.walk() if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    for element in page.walk():
        for named in element.attributes.get("aria-labelledby", "").split():
            assert named in ids
        if element.tag == "a":
            assert element.attributes["href"][1:] in ids
        if element.tag == "section":  # not a landmark of its own; its heading is how readers find it
            assert (element.all("h2", "h3") or element.all("table"))[0]
    assert page.all("body")[0].all("a")[0].attributes == {"class": "skip", "href": "#main"}


def _check_pictures(page: Element) -> None:
    for picture in page.all("svg"):
        if picture.attributes.get("aria-hidden") == "true":
            continue
        assert picture.attributes["role"] == "img"
        (title,), (description,) = picture.all("title"), picture.all("desc")
        assert title.words
        assert description.words
        assert picture.attributes["aria-labelledby"] == f"{title.attributes['id']} {description.attributes['id']}"


def _check_tables(page: Element) -> None:
    for table in page.all("table"):
        (caption,) = table.all("caption")
        assert caption.words
        assert {each.attributes.get("scope") for each in table.all("th")} <= {"col", "row"}
        for row in table.all("tbody")[0].all("tr"):
            assert row.all("th", "td")[0].tag == "th"
