"""Receipts of made-up runs: a full one, one that failed, one that was refused, one of the first versions."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from lakewright.runs.receipts import Receipt

#: What names of objects, columns and feeds may contain, and must stay text.
HOSTILE: Final = {
    "a script": "<script>document.title='owned'</script>",
    "an attribute": '"><img src=x onerror="document.title=\'owned\'">',
    "an end of style and title": "</style></title><base href=//evil.example>",
    "a template": "{{ 7 * 7 }}{% raw %}{# no #}",
    "an entity": "&lt;b&gt; &amp; &#0;",
    "5,000 characters": "a" * 5000,
    "5,000 characters with spaces": "ab " * 1667,
    "right-to-left": "عملاء/מכירות/شهر=08",
    "an override of direction": "invoice\u202efdp.exe",
    "an isolate": "\u2067reversed\u2069",
    "line ends": "one\ntwo\r\nthree\u2028four",
    "NUL and controls": "nul\x00 bell\x07 escape\x1b[31m delete\x7f",
    "combining marks": "Z" + "\u0300\u0301\u0302\u0303\u0304" * 20 + "algo",
    "an emoji": "👩‍👩‍👧‍👦 🏴󠁧󠁢󠁳󠁣󠁴󠁿 ☃",
    "a URL": "https://evil.example/?q=<b>",
    "javascript": "javascript:alert(1)",
    "a non-character": "end\ufffe\uffff",
    "spaces": "  two  spaces  ",
}
EXPECTATIONS: Final = [
    {"type": "expect_column_values_to_not_be_null", "columns": ["order_id"], "on_failure": "refuse_batch"},
    {"type": "expect_column_values_to_be_unique", "columns": ["order_id"], "on_failure": "refuse_batch"},
    {"type": "expect_column_values_to_be_between", "columns": ["amount"], "on_failure": "reject_rows"},
    {"type": "expect_column_value_lengths_to_be_between", "columns": ["shop_name"], "on_failure": "warn"},
    {"type": "expect_table_row_count_to_be_between", "columns": [], "on_failure": "refuse_batch"},
]
COST: Final = {
    "currency": "USD",
    "total": 0.02384,
    "items": [
        {"what": "Glue", "quantity": 184.6, "unit": "DPU-second", "price": 0.44, "per": "DPU-hour", "amount": 0.02256},
        {
            "what": "S3 writes",
            "quantity": 214,
            "unit": "request",
            "price": 0.005,
            "per": "1,000 requests",
            "amount": 0.00107,
        },
        {
            "what": "S3 reads",
            "quantity": 525,
            "unit": "request",
            "price": 0.0004,
            "per": "1,000 requests",
            "amount": 0.00021,
        },
    ],
    "assumed": "what it would have cost on Glue with 2 \N{MULTIPLICATION SIGN} G.1X",
    "excluded": ["storage in S3"],
    "prices": {"date": "2026-11-01", "region": "us-east-1"},
}


def make(**changes: Any) -> Receipt:
    """Return a receipt with changes to that of a plain run."""
    plain = {
        "run": "20261127T041203185308Z-d06959c0",
        "feed": "orders",
        "target": "orders",
        "job": "csv_to_parquet",
        "verb": "run",
        "started": "2026-11-27T04:12:03.185308+00:00",
        "finished": "2026-11-27T04:13:35.512000+00:00",
        "seconds": {"lease": 0.031, "plan": 1.204, "gate": 6.118, "read": 78.402, "check": 0.212, "publish": 5.93},
        "status": "committed",
        "checks": {"every row accounted for": True},
        "engine": {
            "name": "local",
            "why": "1.4 GB of input, within local_up_to (100.0 GB)",
            "version": "Python 3.11.7",
        },
        "versions": {"lakewright": "0.1.0", "python": "3.11.7", "boto3": "1.44.3"},
        "format": 1,
        "process": "5e1f",
    }
    return msgspec.convert(plain | changes, Receipt)


def batch(**changes: Any) -> dict[str, Any]:
    """Return a batch as receipts report it."""
    return {
        "number": 41,
        "status": "committed",
        "reason": "",
        "processing_date": "2026-11-27",
        "config_hash": "d1711a516fcae99f",
        "inputs": [],
        "outputs": [],
        "removed": [],
        "quarantined": [],
        "counts": {},
        "rules": {},
        "skipped": {},
    } | changes


def result(number: int, *, unmet: int = 0, **changes: Any) -> dict[str, Any]:
    """Return the result of an expectation."""
    figures = {"element_count": 4_812_004, "unexpected_count": unmet, "unexpected_percent": unmet / 48_120.04}
    return EXPECTATIONS[number - 1] | {"number": number, "engine": "sql", "success": not unmet} | figures | changes


def full() -> Receipt:
    """Return a receipt with something in every field."""
    days = [f"year=2026/month=11/day={day:02}" for day in range(20, 27)]
    outputs = [f"refined/orders/{day}/000041-{number:032x}.parquet" for number, day in enumerate(days * 3)]
    inputs = [
        {
            "path": f"raw/orders/orders_202611{20 + number % 7}_{number:03}.csv.gz",
            "size": 16_000_000 + number,
            "etag": f"{number:032x}",
        }
        for number in range(88)
    ]
    return make(
        counts={
            "read": 4_830_119,
            "written": 4_812_004,
            "deleted": 1_210,
            "superseded": 14_402,
            "rejected": 2_480,
            "skipped": 23,
            "rekeyed": 17,
        },
        rules={"amount: range": 1_904, "ordered_at: type": 561, "field_count": 31},
        first_rejected={"field_count": "raw/orders/orders_20261121_008.csv.gz at 18233"},
        skipped={"comment": 15, "footer": 8},
        batches=[
            batch(
                inputs=inputs,
                outputs=outputs,
                removed=[f"refined/orders/{days[0]}/000017-{number:032x}.parquet" for number in range(2)],
                quarantined=["quarantine/orders/target=orders/batch=000041/18a9e4bc5cc54cc18663f01c24504789.parquet"],
                gates={
                    "suite": "orders",
                    "verdict": "passed",
                    "rows": 4_812_004,
                    "results": [
                        result(1),
                        result(2),
                        result(3, unmet=1_904),
                        result(4, unmet=12),
                        result(
                            5,
                            element_count=None,
                            unexpected_count=None,
                            unexpected_percent=None,
                            observed_value=4_812_004,
                        ),
                    ],
                },
                set_aside={"discount_code_text": 12},
            )
        ],
        ignored={"raw/orders/README.md": "name does not match source.file_name"},
        extra_columns={"channel": 88, "utm_source": 12},
        schema_changes=["added gift_note string from gift_note"],
        warnings=["expect_column_value_lengths_to_be_between on shop_name: 12 rows do not meet it (suite orders)"],
        catalog="refined.orders",
        execution="nightly-2026-11-27",
        usage={
            "seconds": 92.327,
            "cpu_seconds": 161.2,
            "bytes_read": 1_408_003_828,
            "bytes_written": 402_118_310,
            "objects_read": 88,
            "files_written": 22,
            "driver_peak_memory": 412_000_000,
            "worker_peak_memory": 655_000_000,
            "workers": 2,
            "requests": {"GetObject": 402, "PutObject": 214, "ListObjectsV2": 9, "HeadObject": 114},
            "uncounted": ["S3 requests of Spark itself (S3A)"],
        },
        runtime={"platform": "glue", "worker_type": "G.1X", "workers": 2, "memory_mb": 0, "region": "us-east-1"},
        cost=COST,
    )


def earlier(number: int = 24) -> list[Receipt]:
    """Return the receipts of earlier runs, one of which failed, and then the full one."""
    receipts = []
    for day in range(number - 1):
        read = 4_200_000 + 31_000 * day + 700_000 * (day % 7 == 5)
        rejected = 1_800 + 90 * (day % 5) + 21_000 * (day == 9)
        failed = day in (3, 15)
        receipts.append(
            make(
                run=f"202611{day + 1:02}T041203185308Z-d06959c0",
                started=f"2026-11-{day + 1:02}T04:12:03+00:00",
                counts={"read": 0} if failed else {"read": read, "written": read - rejected, "rejected": rejected},
                status="failed" if failed else "committed",
                exit_code=5 if failed else 0,
                usage={"seconds": 3.1 if failed else 78 + day % 9},
                cost=None if failed else COST | {"total": 0.021 + 0.0002 * (day % 9)},
            )
        )
    return [*receipts, full()]


def refused() -> Receipt:
    """Return the receipt of a run whose batch its gate refused."""
    return make(
        status="refused",
        exit_code=3,
        error="refused by its gate (suite orders): expect_column_values_to_be_unique on order_id: 311 rows do not meet it "
        "(0.0065 %); nothing was published",
        counts={"read": 4_814_484, "withheld": 4_812_004, "rejected": 2_480},
        rules={"amount: range": 1_904, "ordered_at: type": 576},
        batches=[
            batch(
                status="dropped",
                reason="refused by its gate",
                inputs=[{"path": "raw/orders/orders_20261127.csv.gz", "size": 1_408_003_828, "etag": "1"}],
                gates={
                    "suite": "orders",
                    "verdict": "refused",
                    "rows": 4_812_004,
                    "results": [
                        result(1),
                        result(2, unmet=311),
                        result(5, exception='the table has no column "total"', success=False),
                    ],
                },
            )
        ],
    )


def failed() -> Receipt:
    """Return the receipt of a run that could not reach its source."""
    return make(
        status="failed",
        exit_code=5,
        error="s3://acme-lake/raw/orders/: access denied (ListObjectsV2); allow s3:ListBucket on the bucket\nasked as role acme-etl",
        refused={"raw/orders/orders_20261127_004.csv.gz": "damaged gzip: it is truncated; upload it again"},
        seconds={"lease": 0.04, "plan": 3.1},
        checks={"every row accounted for": True},
    )


def first_version() -> Receipt:
    """Return a receipt with no more fields than the first version had."""
    return msgspec.convert(
        {"run": "r", "feed": "orders", "target": "orders", "job": "csv_to_parquet", "verb": "run", "started": ""},
        Receipt,
    )


def hostile(texts: Iterable[str], *, number: int = 10**15) -> Receipt:
    """Return a receipt in which every name is one of these texts, and every number is large."""
    texts = list(texts)
    names = dict.fromkeys(texts, number)
    reasons = dict(zip(texts, reversed(texts), strict=True))
    objects = [{"path": text, "size": number, "etag": ""} for text in texts]
    results = [
        {"type": text, "number": 1, "columns": texts, "on_failure": text, "engine": "sql", "success": False}
        | ({"exception": text} if place % 2 else {"observed_value": text})
        for place, text in enumerate(texts)
    ]
    folded = {"count": number, "bytes": number, "first": texts[0], "last": texts[-1], "manifest": texts[0]}
    return make(
        run=texts[0],
        feed=texts[0],
        target=texts[-1],
        job=texts[-1],
        verb=texts[0],
        started=texts[0],
        finished=texts[-1],
        execution=texts[0],
        status="failed",
        exit_code=number,
        error="\n".join(texts),
        seconds=names,
        counts=dict.fromkeys(("read", "written", "deleted", "superseded", "rejected", "skipped", "rekeyed"), number),
        rules=names,
        first_rejected=reasons,
        skipped=names,
        batches=[
            batch(
                number=number,
                status=texts[0],
                reason=texts[-1],
                processing_date=texts[0],
                config_hash=texts[0],
                inputs=objects,
                outputs=[f"{text}/day={text}/file" for text in texts],
                removed=texts,
                quarantined=texts,
                partitions=texts,
                folded_inputs=folded,
                folded_outputs=folded,
                folded_numbers=folded | {"sums": names},
                gates={"suite": texts[0], "verdict": texts[0], "rows": number, "results": results},
                set_aside=names,
                numbers=dict.fromkeys(texts, names),
                table_commit=reasons,
            )
        ],
        corrections=texts,
        replayed=names,
        still_rejected=names,
        refused=reasons,
        ignored=reasons,
        extra_columns=names,
        dropped_columns=texts,
        schema_changes=texts,
        warnings=texts,
        catalog=texts[0],
        checks=dict.fromkeys(texts, False),
        engine={"name": texts[0], "why": texts[-1], "version": texts[0]},
        versions=reasons,
        usage={"seconds": number, "bytes_read": number, "objects_read": number, "requests": names, "uncounted": texts},
        runtime={
            "platform": "glue",
            "worker_type": texts[0],
            "workers": number,
            "memory_mb": number,
            "region": texts[0],
        },
        cost={
            "currency": "EUR",
            "total": number,
            "items": [
                {"what": text, "quantity": number, "unit": text, "price": number, "per": text, "amount": number}
                for text in texts
            ],
            "assumed": texts[0],
            "excluded": texts,
            "prices": {"date": texts[0], "region": texts[0]},
        },
    )
