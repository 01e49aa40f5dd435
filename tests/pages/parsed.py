"""Pages parsed strictly: an element that is not closed, or closed twice, is an error."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

VOID: Final = {"br", "link", "meta", "wbr"}
#: Elements of SVG may end with their start tag.
EMPTY: Final = {"circle", "path", "rect"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    children: list["Element | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        if self.tag == "br":
            return "\n"
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    @property
    def words(self) -> str:
        """The text with single spaces."""
        return " ".join(self.text.split())

    def all(self, *tags: str, **attributes: str) -> list["Element"]:
        """Return the elements below this one, in order."""
        return [
            each
            for each in self.walk()
            if (not tags or each.tag in tags) and attributes.items() <= each.attributes.items()
        ]

    def of_class(self, name: str) -> list["Element"]:
        return [each for each in self.walk() if name in each.attributes.get("class", "").split()]

    def walk(self) -> Iterator["Element"]:
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child.walk()


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        assert len(element.attributes) == len(attrs), f"doubled attribute of {tag}"
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in EMPTY, tag
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def parse(page: str) -> Element:
    parser = _Parser()
    parser.feed(page)
    parser.close()
    (root,) = parser.open
    return root


def rows_of(table: Element) -> list[list[str]]:
    """Return the texts of the cells of a table's body."""
    (body,) = table.all("tbody")
    return [[cell.words for cell in row.all("th", "td")] for row in body.all("tr")]


def table_of(page: Element, caption: str) -> Element:
    """Return the table whose caption begins with a text."""
    (table,) = [each for each in page.all("table") if each.all("caption")[0].words.startswith(caption)]
    return table
