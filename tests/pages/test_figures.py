"""Numbers as pages show them: never rounded to nothing or to everything, and exact in the markup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright.pages import figures
from tests.pages.parsed import parse


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        pytest.param(0, 0, "\N{EN DASH}", id="nothing has no share"),
        pytest.param(0, 5, "0 %", id="none"),
        pytest.param(5, 5, "100 %", id="all"),
        pytest.param(1, 3, "33.3 %", id="a part"),
        pytest.param(5, 1000, "0.50 %", id="a small part has two decimals"),
        pytest.param(1, 10**15, "< 0.01 %", id="one of very many is not none"),
        pytest.param(10**15 - 1, 10**15, "> 99.9 %", id="all but one is not all"),
    ],
)
def test_share(part: int, whole: int, shown: str) -> None:
    assert figures.share(part, whole).replace("\xa0", " ") == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        pytest.param(0, "0 s", id="none"),
        pytest.param(0.0001, "< 0.001 s", id="very short is not none"),
        pytest.param(0.006, "0.006 s", id="milliseconds"),
        pytest.param(0.491, "0.49 s", id="below a second"),
        pytest.param(12.44, "12.4 s", id="seconds"),
        pytest.param(59.96, "1 min 0 s", id="nearly a minute"),
        pytest.param(200, "3 min 20 s", id="minutes"),
        pytest.param(7500, "2 h 5 min", id="hours"),
        pytest.param(1e15, "11,574,074,074 d 1 h", id="longer than anything"),
    ],
)
def test_duration(seconds: float, shown: str) -> None:
    assert figures.duration(seconds).replace("\xa0", " ") == shown


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        pytest.param(0, "USD", "$0.00", id="nothing"),
        pytest.param(0.0000004, "USD", "$0.0000004", id="one request"),
        pytest.param(0.02384, "USD", "$0.0238", id="cents"),
        pytest.param(12345.678, "EUR", "12,345.68 EUR", id="another currency"),
        pytest.param(1, "\u202e", "1.00 \\u202e", id="a hostile currency"),
    ],
)
def test_amount(amount: float, currency: str, shown: str) -> None:
    assert figures.amount(amount, currency).replace("\xa0", " ") == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("2026-11-27T04:12:03.185308+00:00", "27 Nov 2026, 04:12:03 UTC", id="UTC"),
        pytest.param("2026-11-27T05:12:03+01:00", "27 Nov 2026, 04:12:03 UTC", id="another zone"),
        pytest.param("yesterday", "yesterday", id="anything else"),
        pytest.param("", "", id="none"),
    ],
)
def test_when(text: str, shown: str) -> None:
    assert parse(str(figures.when(text))).text.replace("\xa0", " ") == shown


@given(st.integers(0, 10**15))
def test_counts_are_exact(number: int) -> None:
    (data,) = parse(str(figures.count(number))).all("data")
    assert (int(data.attributes["value"]), int(data.text.replace(",", ""))) == (number, number)
