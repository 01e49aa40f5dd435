"""The law of growth, and the table that docs/growth.md shows."""

import math

import pytest

from bench.growth.law import follows_work, growth
from bench.growth.page import BEGIN, END, PAGE, table

SIZES = (1.0, 4.0, 16.0)


@pytest.mark.parametrize(
    ("cost", "follows"),
    [
        pytest.param(list(SIZES), True, id="cost that is proportional to the work"),
        pytest.param([10 + n for n in SIZES], True, id="a fixed part and a proportional one"),
        pytest.param([n**0.5 for n in SIZES], True, id="cost that grows more slowly"),
        pytest.param([5 + n * math.log2(1000 * n) for n in SIZES], True, id="sorting"),
        pytest.param([3.0, 3.1, 3.3], True, id="cost that does not grow"),
        pytest.param([3.0, 2.7, 3.5], True, id="noise"),
        pytest.param([n**2 for n in SIZES], False, id="a square"),
        pytest.param([100 + n**2 for n in SIZES], False, id="a square behind a large fixed part"),
        pytest.param([5 + n + n**2 / 4 for n in SIZES], False, id="a square behind a proportional part"),
        pytest.param([1.0, 1.0, 9.0], False, id="a cliff behind the middle size"),
    ],
)
def test_cost_follows_work(cost: list[float], follows: bool) -> None:
    assert follows_work(SIZES, cost) is follows


@pytest.mark.parametrize(
    ("cost", "follows"),
    [
        pytest.param([8.0, 8.4, 9.0], True, id="noise"),
        pytest.param([8.0, 11.0, 14.0], False, id="any growth"),
        pytest.param([0, 0, 0], True, id="nothing"),
    ],
)
def test_equal_work_costs_the_same_whatever_came_before(cost: list[float], follows: bool) -> None:
    assert follows_work([1, 1, 1], cost) is follows


def test_growth_is_measured_per_unit_of_work() -> None:
    assert growth(SIZES, [2 * n for n in SIZES]) == 1
    assert growth(SIZES, [n**2 for n in SIZES]) == pytest.approx(3.4)
    assert growth([1, 1, 1], [2, 3, 4]) == 2


def test_amounts_below_a_limit_are_noise() -> None:
    assert not follows_work(SIZES, [0.1, 0.2, 0.9])
    assert follows_work(SIZES, [0.1, 0.2, 0.9], least=1.0)


def test_the_table_shows_the_results() -> None:
    shown = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    assert shown.strip() == table(), "write it with `python -m bench.growth --page`"
