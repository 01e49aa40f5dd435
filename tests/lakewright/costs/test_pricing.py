"""The price of runs: each expected amount is written out by hand."""

from decimal import Decimal
from typing import Any

import pytest

from lakewright.config_files import Conf
from lakewright.costs.bill import Cost
from lakewright.costs.money import money
from lakewright.costs.prices import Prices
from lakewright.costs.pricing import price, price_process
from lakewright.measuring.runtime import Runtime
from lakewright.measuring.usage import Usage
from lakewright.runs.receipts import Receipt
from tests.conftest import ROOT

GLUE = Runtime("glue", "G.1X", 2, region="us-east-1")
LOCAL = Runtime("local")


def shipped_prices() -> Prices:
    prices = Prices.load(Conf(str(ROOT / "conf")))
    assert prices is not None
    return prices


PRICES = shipped_prices()


def receipt(seconds: float = 0.0, runtime: Runtime = GLUE, *, at: str = "10:00:00", **usage: Any) -> Receipt:
    return Receipt(
        run="r",
        feed="f",
        target="t",
        job="csv_to_parquet",
        verb="run",
        started=f"2026-08-01T{at}+00:00",
        usage=Usage(seconds=seconds, **usage),
        runtime=runtime,
    )


def cost_of(*receipts: Receipt) -> Cost:
    cost = price_process(receipts, PRICES)
    assert cost is not None
    return cost


@pytest.mark.parametrize(
    ("seconds", "dpu_seconds"),
    [
        pytest.param(0.0, 120, id="no-time-costs-the-minimum"),
        pytest.param(59.999, 120, id="less-than-the-minimum"),
        pytest.param(60.0, 120, id="exactly-the-minimum"),
        pytest.param(60.001, 122, id="a-begun-second-is-a-second"),
        pytest.param(600.0, 1200, id="ten-minutes"),
        pytest.param(-5.0, 120, id="negative-time-is-none"),
    ],
)
def test_glue_bills_seconds_of_all_workers_and_at_least_a_minute(seconds: float, dpu_seconds: int) -> None:
    (item,) = cost_of(receipt(seconds)).items
    assert (item.what, item.quantity, item.unit) == ("Glue", dpu_seconds, "DPU-second")
    assert item.amount == Decimal(dpu_seconds) * Decimal("0.44") / 3600


@pytest.mark.parametrize(
    ("runtime", "total", "excluded"),
    [
        # 300 s * 5 workers * 2 DPU * $0.44 / 3600
        pytest.param(Runtime("glue", "G.2X", 5), "0.3666666667", [], id="larger-workers"),
        # 300 s * 2 workers * ¼ DPU * $0.44 / 3600
        pytest.param(Runtime("glue", "G.025X", 2), "0.0183333333", [], id="smaller-workers"),
        pytest.param(
            Runtime("glue", "R.1X", 2),
            "0",
            ["Glue, since prices.yaml has no DPUs for R.1X workers"],
            id="unknown-worker-type",
        ),
        pytest.param(
            Runtime("glue"),
            "0",
            ["Glue, since the job did not pass --worker-type and --number-of-workers"],
            id="unknown-size",
        ),
        pytest.param(Runtime("emr"), "0", ["EMR, whose price depends on the cluster"], id="emr"),
        # 300 s * 1 GB * $0.0000166667, and one request of $0.20 / 1,000,000
        pytest.param(Runtime("lambda", memory_mb=1024), "0.00500021", [], id="lambda"),
        pytest.param(
            Runtime("lambda"), "0", ["Lambda, since the memory of the function is unknown"], id="unknown-memory"
        ),
    ],
)
def test_each_platform_has_its_price_or_says_that_it_has_none(
    runtime: Runtime, total: str, excluded: list[str]
) -> None:
    cost = cost_of(receipt(300.0, runtime))
    assert (round(cost.total, 10), list(cost.excluded)) == (Decimal(total), excluded)


def test_auto_scaled_workers_are_priced_as_if_all_were_used() -> None:
    cost = cost_of(receipt(100.0, Runtime("glue", "G.1X", 10, is_auto_scaled=True)))
    assert cost.items[0].quantity == 1000
    assert cost.assumed == "10 G.1X workers for the whole time, of which auto scaling may have used fewer"


def test_elsewhere_a_run_costs_what_glue_would_have_cost() -> None:
    cost = cost_of(receipt(12.5, LOCAL))
    assert cost.total == Decimal(120) * Decimal("0.44") / 3600
    assert cost.assumed == "what it would have cost on Glue with 2 G.1X workers, without requests to S3"
    on_s3 = cost_of(receipt(12.5, LOCAL, requests={"GetObject": 1}))
    assert on_s3.assumed == "what it would have cost on Glue with 2 G.1X workers"


def test_a_job_may_have_its_own_size_elsewhere() -> None:
    sizes = {"csv_to_parquet": {"worker_type": "G.2X", "workers": 10}}
    glue = PRICES.glue.model_copy(
        update={"job_sizes": type(PRICES.glue)(**{**dict(PRICES.glue), "job_sizes": sizes}).job_sizes}
    )
    cost = price(receipt(100.0, LOCAL), PRICES.model_copy(update={"glue": glue}))
    assert cost is not None
    assert (cost.items[0].quantity, "on Glue with 10 G.2X workers" in cost.assumed) == (2000, True)


def test_requests_are_priced_by_their_class() -> None:
    requests = {
        "PutObject": 1000,
        "CopyObject": 100,
        "ListObjectsV2": 50,
        "ListObjectVersions": 5,
        "CreateMultipartUpload": 10,
        "UploadPart": 20,
        "UploadPartCopy": 5,
        "CompleteMultipartUpload": 10,
        "PutObjectTagging": 100,
        "GetObject": 2000,
        "HeadObject": 300,
        "GetObjectTagging": 100,
        "DeleteObject": 5000,
        "DeleteObjects": 5000,
        "AbortMultipartUpload": 5000,
    }
    _, writes, reads = cost_of(receipt(requests=requests)).items
    assert (writes.quantity, writes.amount) == (1300, Decimal("0.0065"))  # 1.3 * $0.005
    assert (reads.quantity, reads.amount) == (2400, Decimal("0.00096"))  # 2.4 * $0.0004


def test_prices_of_another_region_are_named() -> None:
    uncounted = ["S3 requests of Spark", "CPU time and memory of Spark's JVMs"]
    cost = cost_of(receipt(1.0, Runtime("glue", "G.1X", 2, region="eu-west-1"), uncounted=uncounted))
    assert cost.assumed == "prices of us-east-1, not of eu-west-1"
    assert cost.excluded == ["S3 requests of Spark"]


@pytest.mark.parametrize(
    ("runs", "seconds"),
    [
        pytest.param([("10:00:00", 100.0), ("10:00:00", 100.0)], 100, id="at-the-same-time"),
        pytest.param([("10:00:00", 100.0), ("10:00:50", 100.0)], 150, id="overlapping"),
        pytest.param([("10:00:00", 100.0), ("10:00:10", 20.0)], 100, id="one-within-the-other"),
        pytest.param([("10:00:00", 100.0), ("10:05:00", 100.0)], 200, id="one-after-the-other"),
        pytest.param([("10:05:00", 100.0), ("10:00:00", 100.0)], 200, id="the-clock-was-set-back"),
        pytest.param([("10:00:00", 20.0), ("10:00:00", 30.0)], 60, id="the-minimum-once"),
    ],
)
def test_a_process_is_billed_once(runs: list[tuple[str, float]], seconds: int) -> None:
    cost = cost_of(*(receipt(each, at=at, requests={"GetObject": 1}) for at, each in runs))
    assert cost.items[0].quantity == seconds * 2
    assert cost.items[1].quantity == 2


def test_invocations_of_one_lambda_process_are_requests_of_their_own() -> None:
    lambda_ = Runtime("lambda", memory_mb=512)
    cost = cost_of(receipt(1.0, lambda_), receipt(0.0004, lambda_, at="11:00:00"))
    assert [item.quantity for item in cost.items] == [Decimal("0.5005"), 2]  # (1 s + 1 ms) * ½ GB


def test_receipts_of_earlier_versions_have_no_price() -> None:
    old = receipt(5.0, Runtime())
    assert price(old, PRICES) is None
    assert price_process([], PRICES) is None
    assert cost_of(old, receipt(70.0)).items[0].quantity == 140


def test_a_receipt_contains_the_cost_as_json() -> None:
    cost = cost_of(receipt(90.0, requests={"PutObject": 20}))
    assert cost.report() == {
        "currency": "USD",
        "total": 0.0221,  # 0.022 + 0.0001
        "items": [
            {
                "what": "Glue",
                "quantity": 180.0,
                "unit": "DPU-second",
                "price": 0.44,
                "per": "DPU-hour",
                "amount": 0.022,
            },
            {
                "what": "S3 PUT, COPY, POST, LIST",
                "quantity": 20.0,
                "unit": "request",
                "price": 0.005,
                "per": "1,000 requests",
                "amount": 0.0001,
            },
        ],
        "assumed": "",
        "excluded": [],
        "prices": {"date": "2026-11-27", "region": "us-east-1"},
    }


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        pytest.param(0.014666666, "USD", "$0.0147", id="three-digits"),
        pytest.param(0.0000004, "USD", "$0.0000004", id="tiny"),
        pytest.param(0.5, "USD", "$0.50", id="cents"),
        pytest.param(0.999999, "USD", "$1.00", id="rounded-up"),
        pytest.param(1234.567, "USD", "$1,234.57", id="thousands"),
        pytest.param(0, "USD", "$0.00", id="nothing"),
        pytest.param(Decimal("2.5"), "EUR", "2.50 EUR", id="another-currency"),
    ],
)
def test_amounts_are_rounded_for_display_only(amount: Any, currency: str, text: str) -> None:
    assert money(amount, currency) == text
