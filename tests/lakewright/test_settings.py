"""Settings in one or more arguments."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright.errors import ConfigError
from lakewright.settings import read_settings

KEYS = st.from_regex(r"[a-z_][a-z0-9_]{0,5}(\.[a-z_][a-z0-9_]{0,5})?", fullmatch=True)
TEXTS = st.text(max_size=8) | st.text(alphabet=", =ab\"'[]{}:\\\n", max_size=12)
JSON_LISTS = st.builds(json.dumps, st.lists(TEXTS | st.integers(), max_size=3), ensure_ascii=st.booleans())
NUMBERS = st.integers(0, 99).map(str)


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        pytest.param(["a=1"], {"a": 1}, id="one"),
        pytest.param(["a=1,b.c=x"], {"a": 1, "b.c": "x"}, id="several-between-commas"),
        pytest.param(["a=1", "b=2"], {"a": 1, "b": 2}, id="several-arguments"),
        pytest.param([" a=1, b=2"], {"a": 1, "b": 2}, id="blanks-before-a-key"),
        pytest.param(["a=x,y"], {"a": "x,y"}, id="a-comma-without-a-key-belongs-to-the-value"),
        pytest.param(["a=hello, world"], {"a": "hello, world"}, id="a-sentence"),
        pytest.param(['a="--v=x=2,y=2"'], {"a": "--v=x=2,y=2"}, id="options-of-another-command"),
        pytest.param(["a=,,b=2"], {"a": ",", "b": 2}, id="a-comma-as-a-value"),
        pytest.param(["a=1,"], {"a": "1,"}, id="a-trailing-comma-belongs-to-the-value"),
        pytest.param(["a=,b=2"], {"a": None, "b": 2}, id="an-empty-value-is-null"),
        pytest.param(["a=[x, y=1],b=2"], {"a": ["x", "y=1"], "b": 2}, id="a-yaml-list-with-an-equals-sign"),
        pytest.param(["a={x: 1,y=z: 2},b=2"], {"a": {"x": 1, "y=z": 2}, "b": 2}, id="a-yaml-mapping"),
        pytest.param(['a=["x,y=1", "\\u0007"],b=2'], {"a": ["x,y=1", "\x07"], "b": 2}, id="a-json-list"),
        pytest.param(['a=["x, \\t y=1"],b=2'], {"a": ["x, \t y=1"], "b": 2}, id="blanks-in-a-value-are-kept"),
        pytest.param(['a="x,y=1",b=2'], {"a": "x,y=1", "b": 2}, id="a-key-in-quotes-belongs-to-the-value"),
        pytest.param(["a='x,y=1',b=2"], {"a": "x,y=1", "b": 2}, id="single-quotes"),
        pytest.param(["a={year}-{month}.csv,b=2"], {"a": "{year}-{month}.csv", "b": 2}, id="a-template"),
        pytest.param(["a=[,b=2"], {"a": "[", "b": 2}, id="an-unclosed-bracket-is-text"),
        pytest.param(['a=",b=2'], {"a": '"', "b": 2}, id="an-unclosed-quote-is-text"),
        pytest.param(["a=b=c"], {"a": "b=c"}, id="only-the-first-equals-sign-separates"),
        pytest.param(["a=2026-13-45"], {"a": "2026-13-45"}, id="an-invalid-date-is-text"),
        pytest.param(["a=1,a=1"], {"a": 1}, id="a-repeated-setting"),
        pytest.param(["a={b: 1},a.b=2"], {"a": {"b": 1}, "a.b": 2}, id="a-mapping-then-one-of-its-keys"),
        pytest.param(["größe=1,ключ-2=2"], {"größe": 1, "ключ-2": 2}, id="keys-in-any-script"),
    ],
)
def test_settings(arguments: list[str], values: dict[str, Any]) -> None:
    assert {setting.key: setting.value() for setting in read_settings(arguments)} == values


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        pytest.param(["a"], "--set needs KEY=VALUE[,KEY=VALUE…], not 'a'", id="no-value"),
        pytest.param(["=1"], "--set needs KEY=VALUE[,KEY=VALUE…], not '=1'", id="no-key"),
        pytest.param([",a=1"], "--set needs KEY=VALUE[,KEY=VALUE…], not ',a=1'", id="an-empty-item"),
        pytest.param(["a=1,a=2"], "--set a=2 overwrites --set a=1; set each key once", id="a-repeated-key"),
        pytest.param(["a=1", "a=2"], "--set a=2 overwrites --set a=1; set each key once", id="in-two-arguments"),
        pytest.param(
            ["a.b=1,a={c: 2}"], "--set a={c: 2} overwrites --set a.b=1; set each key once", id="a-key-then-its-mapping"
        ),
    ],
)
def test_invalid_settings(arguments: list[str], error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read_settings(arguments)
    assert str(raised.value) == error


@given(st.dictionaries(KEYS.filter(lambda key: "." not in key), JSON_LISTS | NUMBERS, min_size=1, max_size=4))
def test_settings_joined_by_commas_equal_separate_arguments(settings: dict[str, str]) -> None:
    arguments = [f"{key}={value}" for key, value in settings.items()]
    joined = read_settings([",".join(arguments)])
    assert joined == read_settings(arguments)
    assert {setting.key: setting.value() for setting in joined} == {
        key: json.loads(value) for key, value in settings.items()
    }
