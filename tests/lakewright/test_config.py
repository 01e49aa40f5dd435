"""Errors of feeds name file, line and key."""

from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import Field, field_validator, model_validator

from lakewright.config import Feed, Model
from lakewright.config_files import Conf, FeedDocument
from lakewright.errors import ConfigError


class Part(Model):
    kind: str
    size: int | str = 0

    @model_validator(mode="before")
    @classmethod
    def _kind_alone(cls, written: Any) -> Any:
        return written if isinstance(written, dict) else {"kind": written}

    @field_validator("kind")
    @classmethod
    def _is_no_encoding(cls, kind: str) -> str:
        if kind == "UTF-8":
            raise ValueError("UTF-8 is an encoding")
        return kind


class PartsFeed(Feed):
    job: Literal["parts"]
    parts: dict[str, Part] = Field(default={})
    rows: tuple[Part, ...] = ()


@pytest.mark.parametrize(
    ("text", "settings", "problem"),
    [
        pytest.param("parts: {a: {kind: 1}}", [], "2: parts.a.kind: input should be a valid string", id="key"),
        pytest.param("parts: {a: {kind: UTF-8}}", [], "2: parts.a.kind: UTF-8 is an encoding", id="a-name-begins-it"),
        pytest.param("parts: {str: {kind: 1}}", [], "2: parts.str.kind: input should be a valid string", id="str"),
        pytest.param("parts: {'a[0]': {kind: 1}}", [], "2: parts.a[0].kind: input should be", id="bracket"),
        pytest.param("parts: {a: {kind: x, siz: 1}}", [], "2: unknown key parts.a.siz", id="unknown"),
        pytest.param("parts:\n  a:\n    size: 1", [], "3: the key parts.a.kind is missing", id="missing"),
        pytest.param("parts:\n  a: {kind: x,\n    size: []}", [], "4: parts.a.size: input should be", id="a-union"),
        pytest.param("parts:\n  a: 1", [], "3: parts.a.kind: input should be a valid string", id="a-short-form"),
        pytest.param("rows:\n- kind: 1", [], "2: rows.0.kind: input should be a valid string", id="in-a-list"),
        pytest.param("parts:", [], "2: parts: expected keys and values; {} for none", id="nothing-for-a-mapping"),
        pytest.param("rows: 1", [], "2: rows: expected a list, such as [day]", id="one-value-for-a-list"),
        pytest.param(
            "parts:\n  a:\n    kind: [x, 0000-00-00]",
            [],
            "4: YAML reads 0000-00-00 as a date or a number, which it is not; write it in quotes",
            id="a-text-that-looks-like-a-date",
        ),
        pytest.param(
            'rows:\n- kind: "\\uD800"', [], "3: '\\ud800' has half of a surrogate pair", id="half-of-a-surrogate-pair"
        ),
        pytest.param("", ['parts={"a": {"siz": 1}}'], "unknown key parts.a.siz", id="in-a-setting"),
    ],
)
def test_problems_have_line_and_key(tmp_path: Path, text: str, settings: list[str], problem: str) -> None:
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds/f.yaml").write_text(f"job: parts\n{text}\n")
    with pytest.raises(ConfigError) as error:
        FeedDocument(Conf(str(tmp_path)), "f", settings).parse(PartsFeed)
    places = (f"{tmp_path}/feeds/f.yaml:", *(f"--set {setting}: " for setting in settings))
    lines = str(error.value).splitlines()
    assert any(line.startswith(tuple(place + problem for place in places)) for line in lines), lines
