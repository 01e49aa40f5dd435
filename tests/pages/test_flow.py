"""The geometry of the pictures: ribbons and bars stand for the counts."""

from hypothesis import given
from hypothesis import strategies as st

from lakewright.pages.flow import OUTCOMES, flow_of
from lakewright.pages.phases import phases_of
from lakewright.pages.trend import trend_of

COUNTS = st.one_of(st.just(0), st.integers(0, 10), st.integers(0, 10**15))


@given(st.fixed_dictionaries({name: COUNTS for name in OUTCOMES if name != "unaccounted"}), COUNTS)
def test_a_ribbon_for_each_outcome_that_has_rows(outcomes: dict[str, int], unaccounted: int) -> None:
    flow = flow_of(outcomes | {"read": sum(outcomes.values()) + unaccounted})
    expected = {name: rows for name, rows in (outcomes | {"unaccounted": unaccounted}).items() if rows}
    assert {ribbon.name: ribbon.rows for ribbon in flow.ribbons} == expected
    assert sum(ribbon.rows for ribbon in flow.ribbons) == flow.read
    bottom_left = bottom_right = 0.0
    for ribbon in flow.ribbons:
        assert ribbon.thickness >= 2  # visible
        assert abs(ribbon.start - bottom_left) < 0.1  # on the left they touch
        assert ribbon.top >= bottom_right  # on the right they do not
        bottom_left += ribbon.thickness
        bottom_right = ribbon.top + ribbon.thickness
    assert bottom_right <= flow.height


def test_ribbons_are_as_thick_as_their_share() -> None:
    flow = flow_of({"read": 100, "written": 75, "rejected": 25})
    assert [ribbon.thickness for ribbon in flow.ribbons] == [108.0, 36.0]


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 10**9), max_size=30))
def test_phases_are_one_bar(seconds: dict[str, float]) -> None:
    phases = phases_of(seconds)
    assert len(phases) <= 13
    assert abs(sum(phase.seconds for phase in phases) - sum(seconds.values())) <= sum(seconds.values()) * 1e-9
    for phase in phases:
        assert 0 <= phase.start <= 100
        assert phase.start + phase.width <= 100.01
        assert (phase.width > 0) == (phase.seconds > 0)


def test_a_thousand_phases_are_the_longest_and_the_others() -> None:
    phases = phases_of({f"phase {number}": float(number) for number in range(1000)})
    assert [phase.name for phase in phases][-2:] == ["phase 999", "988 shorter ones"]
    assert sum(phase.seconds for phase in phases) == 499_500


def test_bars_begin_at_zero_and_a_missing_value_has_none() -> None:
    trend = trend_of([0, None, 5, 10])
    assert [bar.height for bar in trend.bars] == [0, 0, 20, 40]
    assert [bar.y + bar.height for bar in trend.bars] == [40, 40, 40, 40]
