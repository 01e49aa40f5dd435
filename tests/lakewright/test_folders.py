import re
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from lakewright.folders import require_apart, source_folder, target_folder


def parse(path: str, kind: Any) -> str:
    folder: str = TypeAdapter(Annotated[str, kind]).validate_python(path)
    return folder


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        pytest.param("raw/customers/", "raw/customers/", id="unchanged"),
        pytest.param("raw/customers", "raw/customers/", id="without-a-slash"),
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
def test_invalid_sources(path: str) -> None:
    uris = "s3://bucket/prefix/ or file:///folder/"
    error = f"a source must be a folder in the lake, such as raw/x/, or a URI ({uris}), not {path!r}"
    with pytest.raises(ValidationError, match=re.escape(error)):
        parse(path, source_folder("raw/x/"))


@pytest.mark.parametrize("path", ["/data/raw", "/data/raw/", "//data/raw"])
def test_the_error_of_an_absolute_source_suggests_both_alternatives(path: str) -> None:
    error = f"not {path!r}: write data/raw/ for the folder in the lake, file:///data/raw/ for one outside"
    with pytest.raises(ValidationError, match=re.escape(error)):
        parse(path, source_folder("raw/x/"))


@pytest.mark.parametrize("path", ["gs://b/x", "file://data/raw", "s3:///x", "s3://b/../x", "s3://", "://x"])
def test_invalid_uris(path: str) -> None:
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
def test_invalid_targets(path: str) -> None:
    error = f"a target must be a separate folder in the lake, such as refined/x/, not {path!r}"
    with pytest.raises(ValidationError, match=re.escape(error)):
        parse(path, target_folder("refined/x/"))


@pytest.mark.parametrize(
    ("source", "target", "is_apart"),
    [
        ("raw/x/", "refined/x/", True),
        ("raw/x/", "raw/xy/", True),
        ("raw/x/", "raw/x/", False),
        ("raw/", "raw/x/", False),
        ("raw/x/", "raw/", False),
    ],
)
def test_sources_and_targets_must_not_overlap(source: str, target: str, is_apart: bool) -> None:
    if is_apart:
        require_apart(source, target)
    else:
        with pytest.raises(ValueError, match=" overlap"):
            require_apart(source, target)
