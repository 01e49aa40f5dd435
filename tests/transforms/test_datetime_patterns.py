import pytest

from transforms.datetime_patterns import problem_with


@pytest.mark.parametrize(
    ("pattern", "time", "problem"),
    [
        pytest.param("yyyy-MM-dd", False, "", id="iso"),
        pytest.param("dd/MM/yyyy", False, "", id="day-first"),
        pytest.param("yyyyDDD", False, "", id="day-of-year"),
        pytest.param("d 'de' MMMM 'de' yyyy", False, "", id="quoted-words"),
        pytest.param("YYYY-MM-dd", False, "week years", id="week-year"),
        pytest.param("yyyy-mm-dd", False, "months are MM", id="minutes-for-months"),
        pytest.param("yyyy-MM", False, "does not name year, month and day", id="no-day"),
        pytest.param("yyyy-MM-dd 'x", False, "a quote is left open", id="open-quote"),
        pytest.param("yyyy-MM-dd HH:mm:ss[.SSSSSS]XXX", True, "", id="timestamp"),
        pytest.param("yyyy-MM-dd HH:mm[XXX]", True, "a zone that may be missing", id="optional-zone"),
        pytest.param("yyyy-MM-dd hh:mm", True, "half a day without a", id="half-days"),
        pytest.param("dd/MM/yy", False, "guess the century", id="two-digit-year"),
        pytest.param("dd/MM/yyyy", True, "", id="timestamp-of-a-day"),
        pytest.param("yyyy-MM-dd mm:ss", True, "does not name the hour", id="minutes-without-hour"),
        pytest.param("yyyy-MM-ddXXX", True, "does not name the hour", id="zone-without-hour"),
        pytest.param("yyyy-MM-dd HH:mm:ss.SSSSSSSSS", True, "more than 6 digits of a second", id="nanoseconds"),
    ],
)
def test_problem_with(pattern: str, time: bool, problem: str) -> None:
    found = problem_with(pattern, time=time)
    assert problem in found
    assert bool(problem) == bool(found)
