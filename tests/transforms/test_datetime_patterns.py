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
        pytest.param("yyyy-MM-dd HH:mm:ss.SSSSSSSSS", True, "", id="nanoseconds"),
        pytest.param("dd.MM.yyyy HH:mm:ss[.SSSSSSSSS]XXX", True, "", id="nanoseconds-after-fixed-numbers"),
        pytest.param("yyyy-MM-dd HH:mm:ss.SSSSSSSSSS", True, "more than 9 fraction digits", id="picoseconds"),
        pytest.param("d.M.yyyy HH:mm:ss.SSSSSSSSS", True, "not followed by a number of any length", id="no-mark"),
        pytest.param("yyyyMMddHHmmssSSSSSSSSS", True, "must be a character", id="nanoseconds-after-digits"),
    ],
)
def test_problem_with(pattern: str, time: bool, problem: str) -> None:
    message = problem_with(pattern, time=time)
    assert problem in message
    assert bool(problem) == bool(message)


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        pytest.param("dd/MM/yy", "", id="two-digit-year"),
        pytest.param("dd/MM/yy HH:mm XXX", "a year of two digits and a zone", id="with-a-zone"),
        pytest.param("dd/MM/yy G", "an era or another year", id="with-an-era"),
        pytest.param("dd/MM/yy yyyy", "an era or another year", id="with-another-year"),
    ],
)
def test_years_of_two_digits_with_a_declared_century(pattern: str, problem: str) -> None:
    message = problem_with(pattern, time=True, has_century=True)
    assert problem in message
    assert bool(problem) == bool(message)
