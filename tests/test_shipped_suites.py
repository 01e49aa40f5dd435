"""The suites in conf/quality/ are what examples/suites.py writes with Great Expectations."""

import runpy

import pytest

from lakewright.quality.suite import parse_suite
from lakewright.quality.validation import library_needs
from tests.conftest import ROOT
from tests.suites import gxe  # noqa: F401 - imports the library without its warnings

SHIPPED = sorted(path.stem for path in (ROOT / "conf/quality").glob("*.json"))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_suite_is_written_by_the_library(name: str) -> None:
    text = (ROOT / f"conf/quality/{name}.json").read_text(encoding="utf-8")
    written = runpy.run_path(str(ROOT / "examples/suites.py"))
    assert set(written["SUITES"]) == set(SHIPPED)
    assert written["suite_text"](name) == text
    # The demo installs no Great Expectations.
    assert library_needs(parse_suite("", text), "auto") == ""
