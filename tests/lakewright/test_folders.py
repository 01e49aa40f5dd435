import re
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from lakewright.folders import require_apart, source_folder, target_folder


def parse(path: str, kind: Any) -> str:
    found: str = TypeAdapter(Annotated[str, kind]).validate_python(path)
    return found


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        pytest.param("raw/customers/", "raw/customers/", id="as-it-is"),
        pytest.param("/raw/customers", "raw/customers/", id="slashes"),
        pytest.param("raw", "raw/", id="a-zone"),
        pytest.param("state/x", "state/x/", id="own-zone"),
        pytest.param("s3://bucket/prefix", "s3://bucket/prefix/", id="uri"),
        pytest.param("file:///", "file:///", id="root"),
    ],
)
def test_sources(path: str, folder: str) -> None:
    assert parse(path, source_folder("raw/x/")) == folder


@pytest.mark.parametrize("path", ["", "/", "raw//x", "raw/../x", "./raw"])
def test_sources_that_are_none(path: str) -> None:
    error = f"a source is a folder in the lake, such as raw/x/, or a URI, not {path!r}"
    with pytest.raises(ValidationError, match=re.escape(error)):
        parse(path, source_folder("raw/x/"))


def test_targets() -> None:
    assert parse("/refined/customers", target_folder("refined/x/")) == "refined/customers/"
    assert parse("refined/_hr/", target_folder("refined/x/", may_be_hidden=True)) == "refined/_hr/"


@pytest.mark.parametrize(
    "path", ["", "refined//x", "refined/../x", "state/x", "quarantine", "s3://b/x", "refined/_x", "refined/.x"]
)
def test_targets_that_are_none(path: str) -> None:
    error = f"a target is a folder of its own in the lake, such as refined/x/, not {path!r}"
    with pytest.raises(ValidationError, match=re.escape(error)):
        parse(path, target_folder("refined/x/"))


@pytest.mark.parametrize(
    ("source", "target", "apart"),
    [
        ("raw/x/", "refined/x/", True),
        ("raw/x/", "raw/xy/", True),
        ("raw/x/", "raw/x/", False),
        ("raw/", "raw/x/", False),
        ("raw/x/", "raw/", False),
    ],
)
def test_sources_and_targets_lie_apart(source: str, target: str, apart: bool) -> None:
    if apart:
        require_apart(source, target)
    else:
        with pytest.raises(ValueError, match="lie inside one another"):
            require_apart(source, target)
