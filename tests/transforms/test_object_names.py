import re

import pytest

from transforms.object_names import compile_date_template, date_of_object, is_hidden, partition_path, why_no_data


@pytest.mark.parametrize(
    ("path", "hidden"),
    [
        pytest.param("a/b.csv", False, id="plain"),
        pytest.param("_SUCCESS", True, id="underscore"),
        pytest.param("a/_temporary/b.csv", True, id="underscore-folder"),
        pytest.param("_year=2026/b.csv", False, id="partition-with-leading-underscore"),
        pytest.param("a/.b.csv", True, id="dot"),
        pytest.param("a/", True, id="folder-marker"),
    ],
)
def test_is_hidden(path: str, hidden: bool) -> None:
    assert is_hidden(path) is hidden


@pytest.mark.parametrize(
    ("path", "size", "when_ignored", "when_read"),
    [
        pytest.param("a/b.csv", 1, "", "", id="plain"),
        pytest.param("_posts/b.csv", 1, "source.hidden: read includes it", "", id="folder"),
        pytest.param("_b.csv", 1, "source.hidden: read includes it", "", id="name"),
        pytest.param("_posts/empty.csv", 0, "source.hidden: read includes it", "", id="empty-in-a-folder"),
        pytest.param("_posts/_SUCCESS", 0, "an empty marker", "an empty marker", id="marker"),
        pytest.param("a/_temporary/0/b.csv", 1, "has not finished", "has not finished", id="unfinished"),
        pytest.param("_posts/b.csv._COPYING_", 1, "has not finished", "has not finished", id="copying"),
        pytest.param("_posts/.b.csv", 1, "begins with a dot", "begins with a dot", id="dot"),
        pytest.param(".git/b.csv", 1, "begins with a dot", "begins with a dot", id="dot-folder"),
        pytest.param("_posts/", 0, "a folder marker", "a folder marker", id="folder-marker"),
        pytest.param("_posts/", 1, "but not empty", "but not empty", id="named-like-a-folder"),
        pytest.param("", 1, "but not empty", "but not empty", id="named-like-the-source"),
        pytest.param("a_$folder$", 1, "", "", id="named-like-a-folder-of-hadoop"),
    ],
)
def test_reasons_to_ignore_an_object(path: str, size: int, when_ignored: str, when_read: str) -> None:
    for reads_hidden, expected in ((False, when_ignored), (True, when_read)):
        reason = why_no_data(path, size=size, reads_hidden=reads_hidden)
        assert expected in reason
        assert bool(reason) == bool(expected)


@pytest.mark.parametrize(
    ("template", "path", "date"),
    [
        pytest.param(
            "c_{year}{month}{day}.csv", "c_20190821.csv", {"year": "2019", "month": "08", "day": "21"}, id="name"
        ),
        pytest.param(
            "my_c_*_{year}-{month}.csv", "x/my_c_a_b_2019-08.csv", {"year": "2019", "month": "08"}, id="underscores"
        ),
        pytest.param("c_{year}.csv", "c_20190.csv", {}, id="five-digits"),
        pytest.param("c.{year}.csv", "cx2019.csv", {}, id="dot-is-literal"),
        pytest.param("", "year=2026/month=8/x.csv", {"year": "2026", "month": "8"}, id="folders"),
        pytest.param("c_{day}.csv", "year=2026/c_07.csv", {"year": "2026", "day": "07"}, id="both"),
        pytest.param("", "a/b.csv", {}, id="none"),
    ],
)
def test_date_of_object(template: str, path: str, date: dict[str, str]) -> None:
    assert date_of_object(path, compile_date_template(template) if template else None) == date


@pytest.mark.parametrize(
    ("template", "needs_day", "problem"),
    [
        pytest.param(
            "{hour}.csv", False, "unknown placeholder {hour}; known are {year}, {month}, {day} and *", id="hour"
        ),
        pytest.param("{year}{year}.csv", False, "placeholder {year} occurs twice in '{year}{year}.csv'", id="twice"),
        pytest.param("{year}{year}{month}{day}", True, "placeholder {year} occurs twice", id="twice-of-three"),
        pytest.param("{year}/{month}", True, "'{year}/{month}' has no {day}", id="no-day"),
        pytest.param("*", True, "'*' has no {year}", id="no-date"),
    ],
)
def test_invalid_templates(template: str, needs_day: bool, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        compile_date_template(template, needs_day=needs_day)


def test_partition_path() -> None:
    assert partition_path({"year": "2026", "month": "08"}) == "year=2026/month=08"
    assert partition_path({}) == ""
