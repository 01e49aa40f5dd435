from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.hostile.cases import Scenario
from tests.lanes.needs import markers_of

CDC_CASE = SimpleNamespace(scenario=Scenario({"f": {"job": "cdc_to_hudi"}}, ()))


@pytest.mark.parametrize(
    ("fixtures", "parameters", "is_slow", "markers"),
    [
        pytest.param(["cdc"], {}, False, ["needs_hudi"], id="the-bench-of-change-data"),
        pytest.param(["spark"], {"job": "cdc_to_hudi"}, False, ["needs_hudi"], id="a-job-on-spark"),
        pytest.param([], {"job": "cdc_to_hudi"}, True, ["needs_hudi"], id="a-job-in-a-process"),
        pytest.param([], {"job": "cdc_to_hudi"}, False, [], id="a-feed-that-is-only-read"),
        pytest.param(["spark"], {"case": CDC_CASE}, False, ["needs_hudi"], id="a-case-with-its-feed"),
        pytest.param(["spark", "bucket"], {"kind": "cdc"}, False, ["needs_hudi"], id="change-data-on-s3"),
        pytest.param(["spark", "bucket"], {"kind": "csv"}, False, [], id="csv-on-s3"),
        pytest.param(["spark"], {"job": "csv_to_parquet"}, False, [], id="csv-in-a-folder"),
        pytest.param(["spark", "proxy"], {"job": "json_scrub"}, True, [], id="a-scrub-on-s3"),
    ],
)
def test_the_markers_of_a_test(
    fixtures: list[str], parameters: dict[str, Any], is_slow: bool, markers: list[str]
) -> None:
    item = SimpleNamespace(
        fixturenames=fixtures,
        callspec=SimpleNamespace(params=parameters),
        get_closest_marker=lambda name: name if is_slow else None,
    )
    assert markers_of(cast(Any, item)) == markers
