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
        pytest.param("raw/customers", "raw/customers/", id="without-its-slash"),
        pytest.param("raw/c:d", "raw/c:d/", id="a-colon-in-a-name"),
        pytest.param("s3a://bucket", "s3a://bucket/", id="a-bucket"),
        pytest.param("raw", "raw/", id="a-zone"),
        pytest.param("state/x", "state/x/", id="own-zone"),
        pytest.param("s3://bucket/prefix", "s3://bucket/prefix/", id="uri"),
        pytest.param("file:///", "file:///", id="root"),
    ],
)
def test_sources(path: str, folder: str) -> None:
    assert parse(path, source_folder("raw/x/")) == folder


@pytest.mark.parametrize("path", ["", "/", "raw//x", "raw/../x", "./raw", "C:\\raw", "C:/raw", "s3:/b/x", "\\\\nas\\x"])
def test_sources_that_are_none(path: str) -> None:
    error = f"a source is a folder in the lake, such as raw/x/, or a URI (s3://bucket/prefix/ or file:///folder/), not {path!r}"
    with pytest.raises(ValidationError, match=re.escape(error)):
        parse(path, source_folder("raw/x/"))


@pytest.mark.parametrize("path", ["/data/raw", "/data/raw/", "//data/raw"])
def test_a_source_that_is_absolute_is_told_both_ways_to_write_it(path: str) -> None:
    error = f"not {path!r}: write data/raw/ for the folder in the lake, file:///data/raw/ for one outside"
    with pytest.raises(ValidationError, match=re.escape(error)):
        parse(path, source_folder("raw/x/"))


@pytest.mark.parametrize("path", ["gs://b/x", "file://data/raw", "s3:///x", "s3://b/../x", "s3://", "://x"])
def test_uris_that_are_none(path: str) -> None:
    error = f"or a URI (s3://bucket/prefix/ or file:///folder/), not {path!r}"
    with pytest.raises(ValidationError, match=re.escape(error)):
        parse(path, source_folder("raw/x/"))


def test_targets() -> None:
    assert parse("refined/customers", target_folder("refined/x/")) == "refined/customers/"
    assert parse("refined/_hr/", target_folder("refined/x/", may_be_hidden=True)) == "refined/_hr/"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/refined/x",
        "C:\\refined",
        "file:///x",
        "\\\\nas\\x",
        "quarantine",
        "refined/../x",
        "refined/.x",
        "refined//x",
        "refined/_x",
        "s3://b/x",
        "state/x",
    ],
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
