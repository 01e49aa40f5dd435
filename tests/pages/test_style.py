"""The colours of pages: text has contrast AA in both schemes, and so have the shapes that carry meaning."""

import re

import pytest

from tests.conftest import ROOT

STYLE = (ROOT / "lakewright/pages/templates/style.css").read_text(encoding="utf-8")
TEXT, SHAPES = 4.5, 3.0
#: Each colour with the least contrast that WCAG 2.2 asks for.
LEAST = dict.fromkeys(("ink", "muted", "link", "good", "quiet", "warn", "bad"), TEXT) | dict.fromkeys(
    ("focus", "written", "deleted", "superseded", "withheld", "rejected", "skipped", "unaccounted", "bar-current"),
    SHAPES,
)


def colours(scheme: str) -> dict[str, tuple[float, ...]]:
    """Return the colours of a scheme: red, green and blue between 0 and 1."""
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    pairs = re.findall(r"--([\w-]+): #(\w+);", blocks[("light", "dark", "print").index(scheme)])
    hexadecimal = {name: "".join(2 * digit for digit in text) if len(text) == 3 else text for name, text in pairs}
    return {name: tuple(int(text[at : at + 2], 16) / 255 for at in (0, 2, 4)) for name, text in hexadecimal.items()}


def luminance(colour: tuple[float, ...]) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_colours_have_contrast(scheme: str) -> None:
    palette = colours("light") | colours(scheme)
    low = {
        f"{name} on {paper}": round(contrast(palette[name], palette[paper]), 2)
        for name, least in LEAST.items()
        for paper in ("paper", "raised")
        if contrast(palette[name], palette[paper]) < least
    }
    assert low == {}


def test_light_and_dark_define_the_same_colours() -> None:
    light, dark = colours("light"), colours("dark")
    assert light.keys() == dark.keys()
    assert not [name for name in light if light[name] == dark[name]]
