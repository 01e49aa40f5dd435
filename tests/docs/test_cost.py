"""The figures of docs/cost.md: the demo's cost by hand, and the scenarios as bench/cost.py measured them."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest
import yaml

from bench.cost import CHUNK, packed_sizes, price_messages
from lakewright.costs.money import money
from lakewright.costs.prices import Prices
from lakewright.costs.pricing import price
from lakewright.measuring.runtime import Runtime
from lakewright.measuring.usage import Usage
from lakewright.runs.receipts import Receipt
from tests.conftest import ROOT
from tests.docs.tables import read_tables

PAGE = (ROOT / "docs/cost.md").read_text()
RESULTS: dict[str, Any] = json.loads((ROOT / "bench/results/cost.json").read_text())
SHIPPED = Prices.model_validate(yaml.safe_load((ROOT / "conf/prices.yaml").read_text()))

#: The receipt of the feed customers of the demo in a bucket, as far as its cost depends on it.
DEMO = Receipt(
    run="20261127T160734406297Z-d29b0e1f",
    feed="customers",
    target="customers",
    job="csv_to_parquet",
    verb="run",
    started="2026-11-27T16:07:34.432579+00:00",
    usage=Usage(
        seconds=9.588,
        requests={
            "CopyObject": 4,
            "DeleteObject": 1,
            "DeleteObjects": 1,
            "GetObject": 8,
            "HeadObject": 1,
            "ListObjectsV2": 7,
            "PutObject": 10,
        },
    ),
    runtime=Runtime("local"),
)


def test_the_demos_cost_by_hand_is_that_of_its_receipt() -> None:
    glue = Decimal(2 * 1 * 60) * Decimal("0.44") / 3600
    writes = Decimal(10 + 4 + 7) * Decimal("0.005") / 1000
    reads = Decimal(8 + 1) * Decimal("0.0004") / 1000
    cost = price(DEMO, SHIPPED)
    assert cost is not None
    assert cost.total == glue + writes + reads
    *_, last = read_tables(PAGE, "The demo's cost by hand")[0]
    assert last[-1] == f"**${round(cost.total, 10)}**"
    assert f"The receipt says {cost.report()['total']}." in PAGE
    assert money(cost.total, "USD") == "$0.0148"


def test_the_prices_of_the_page_are_valid() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert Prices.model_validate(yaml.safe_load(example)).glue.dpu_hour == SHIPPED.glue.dpu_hour


@pytest.mark.parametrize(
    ("path", "places"),
    [
        pytest.param("daily_csv usd_a_year glue_spark_2_g1x", 2, id="csv-on-glue"),
        pytest.param("daily_csv usd_a_year lambda_3538_mb", 4, id="csv-in-a-lambda"),
        pytest.param("daily_csv measured spark seconds", 2, id="csv-on-spark"),
        pytest.param("daily_csv measured local seconds", 2, id="csv-on-the-local-engine"),
        pytest.param("scrub measured schedule_seconds", 4, id="schedule"),
        pytest.param("scrub measured scrub_seconds", 4, id="scrub"),
        pytest.param("scrub usd_a_day timer", 4, id="timer"),
        pytest.param("scrub usd_a_day hourly_run_over_new_objects", 3, id="hourly-run"),
        pytest.param("scrub usd_a_day hourly_pass_over_all_objects", 3, id="hourly-pass"),
        pytest.param("scrub measured full_pass_seconds_of_all", 0, id="seconds-of-a-pass"),
        pytest.param("messages of_1024_bytes usd one_by_one", 2, id="one-by-one"),
        pytest.param("messages of_1024_bytes usd packed", 2, id="packed"),
        pytest.param("messages records_of_the_examples usd packed", 2, id="packed-events"),
    ],
)
def test_the_page_shows_what_was_measured(path: str, places: int) -> None:
    value: Any = RESULTS
    for key in path.split():
        value = value[key]
    assert re.search(rf"(?<![\d.]){re.escape(f'{value:.{places}f}')}(?!\d)", PAGE)


def test_packed_messages_hold_as_many_records_as_fit() -> None:
    assert list(packed_sizes([b"x" * 1024] * 64)) == [63 * 1025 - 1, 1024]
    assert list(packed_sizes([b"x" * (CHUNK - 2), b"x"])) == [CHUNK]
    assert list(packed_sizes([b"x" * (CHUNK + 1), b"x"])) == [CHUNK + 1, 1]
    assert list(packed_sizes([])) == []


def test_messages_of_one_kilobyte_cost_what_the_page_reports() -> None:
    assert round(Decimal(100_000_000) / 64 * Decimal("0.50") / 1_000_000, 2) == Decimal("0.78")
    assert price_messages([b"x" * 1024] * 630)["usd"] == {"one_by_one": 50.0, "packed": 0.79}
