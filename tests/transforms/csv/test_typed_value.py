from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.transforms.csv.typed_cases import CASES
from transforms.csv.datetimes.elements import pattern_elements
from transforms.csv.typed_column import TypedColumn
from transforms.csv.typed_value import TypedText, type_text


def shown(typed: TypedText) -> Any:
    if typed.rule is not None:
        assert typed.value is None
        return "!" + typed.rule
    if isinstance(typed.value, datetime):
        return (typed.value - datetime.fromisoformat("1970-01-01T00:00Z")) // timedelta(microseconds=1)
    return typed.value


@pytest.mark.parametrize(("column", "expected"), CASES)
def test_rules(column: TypedColumn, expected: dict[str | None, Any]) -> None:
    assert {text: shown(type_text(text, column)) for text in expected} == expected


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("yyyy-MM-ddd", id="too-many-letters"),
        pytest.param("yyyy-MM-dd HH:mm:ss V", id="too-few-letters"),
        pytest.param("yyyy-MMMMM-dd", id="narrow-months"),
        pytest.param("yyyy-MM-dd [HH", id="open-bracket"),
        pytest.param("yyyy-MM-dd HH]", id="closing-bracket"),
        pytest.param("yyyy-MM-dd {HH}", id="braces"),
        pytest.param("yyyy-MM-dd E", id="day-of-the-week"),
    ],
)
def test_not_a_pattern(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"is not a field of a datetime pattern|has a '.'"):
        pattern_elements(pattern)
