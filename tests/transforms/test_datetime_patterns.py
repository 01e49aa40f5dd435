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
        pytest.param("yyyy-MM", False, "lacks year, month or day", id="no-day"),
        pytest.param("yyyy-MM-dd 'x", False, "unterminated quote", id="open-quote"),
        pytest.param("yyyy-MM-dd HH:mm:ss[.SSSSSS]XXX", True, "", id="timestamp"),
        pytest.param("yyyy-MM-dd HH:mm[XXX]", True, "an optional zone", id="optional-zone"),
        pytest.param("yyyy-MM-dd hh:mm", True, "12-hour hours without a", id="12-hour-clock"),
        pytest.param("dd/MM/yy", False, "leaves the century open", id="two-digit-year"),
        pytest.param("dd/MM/yyyy", True, "", id="timestamp-of-a-day"),
        pytest.param("yyyy-MM-dd mm:ss", True, "lacks the hour", id="minutes-without-hour"),
        pytest.param("yyyy-MM-ddXXX", True, "lacks the hour", id="zone-without-hour"),
        pytest.param("yyyy-MM-ddd", False, "'ddd' is not a field of a datetime pattern", id="too-many-letters"),
        pytest.param("yyyy-MM-dd HH:mm V", True, "'V' is not a field of a datetime pattern", id="zone-of-one-letter"),
        pytest.param("yyyy-MM-dd[ HH:mm", True, "a '[' without a ']'", id="open-bracket"),
        pytest.param("{yyyy-MM-dd}", False, "a '{' outside of quotes", id="brace"),
        pytest.param("yyyy-MM-dd HH:mm:ss.SSSSSSSSS", True, "more than 6 fraction digits", id="nanoseconds"),
    ],
)
def test_problem_with(pattern: str, time: bool, problem: str) -> None:
    message = problem_with(pattern, time=time)
    assert problem in message
    assert bool(problem) == bool(message)
