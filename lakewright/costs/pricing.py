"""What a run costs: the time of what it ran on, and its requests to S3."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Final

from lakewright.costs.bill import Cost, Item
from lakewright.costs.measured import PricedRun
from lakewright.costs.prices import JobSize, Prices
from lakewright.measuring.runtime import Runtime
from transforms.object_names import one_line

_SECONDS_AN_HOUR: Final = 3600
_MB_A_GB: Final = 1024
_MILLISECOND: Final = Decimal("0.001")
#: The beginnings of S3's operations, by what their requests cost. All others cost as much as GET.
_FREE: Final = ("Delete", "Abort")
_WRITES: Final = ("Put", "Copy", "Post", "List", "Create", "Upload", "Complete", "Restore")


@dataclass(frozen=True)
class Computing:
    """The position of a platform's time; none, with the reason, if it cannot be priced."""

    items: Sequence[Item] = ()
    assumed: str = ""
    excluded: str = ""


def price(run: PricedRun, prices: Prices) -> Cost | None:
    """Price a run as if it were alone in its process; None if its receipt does not say where it ran."""
    return price_process([run], prices)


def price_process(runs: Sequence[PricedRun], prices: Prices) -> Cost | None:
    """Price the runs of one process, which is billed once for the time in which any of them ran."""
    known = [run for run in runs if run.runtime.platform]
    if not known:
        return None
    runtime, times = known[0].runtime, _merged_times(known)
    computing = price_time(runtime, known[0].job, sum(times, Decimal(0)), prices, invocations=len(times))
    requests: Counter[str] = Counter()
    for run in known:
        requests.update(run.usage.requests)
    is_elsewhere = runtime.region and runtime.region != prices.region
    needs_no_s3 = computing.assumed and runtime.platform == "local" and not requests
    assumed = [
        f"{computing.assumed}, without requests to S3" if needs_no_s3 else computing.assumed,
        f"prices of {prices.region}, not of {runtime.region}" if is_elsewhere else "",
    ]
    # CPU time and memory have no price.
    uncounted = [what for run in known for what in run.usage.uncounted if not what.startswith("CPU time")]
    excluded = [computing.excluded, *uncounted]
    return Cost(
        prices,
        [*computing.items, *price_requests(requests, prices)],
        "; ".join(filter(None, assumed)),
        list(dict.fromkeys(filter(None, excluded))),
    )


def price_time(runtime: Runtime, job: str, seconds: Decimal, prices: Prices, *, invocations: int = 1) -> Computing:
    """Price the time of a process; outside AWS, as Glue would bill it for a job of the size in the prices."""
    if runtime.platform == "lambda":
        return _lambda(runtime.memory_mb, seconds, prices, invocations)
    if runtime.platform == "emr":
        return Computing(excluded="EMR, whose price depends on the cluster")
    if runtime.platform == "glue":
        if not runtime.worker_type or runtime.workers < 1:
            return Computing(excluded="Glue, since the job did not pass --worker-type and --number-of-workers")
        if runtime.worker_type not in prices.glue.dpu_per_worker:
            kind = one_line(runtime.worker_type)
            return Computing(excluded=f"Glue, since prices.yaml has no DPUs for {kind} workers")
        size = JobSize(worker_type=runtime.worker_type, workers=runtime.workers)
        scaled = f"{size} for the whole time, of which auto scaling may have used fewer"
        return Computing(_glue(size, seconds, prices), scaled if runtime.is_auto_scaled else "")
    size = prices.glue.job_sizes.get(job, prices.glue.job_size)
    return Computing(_glue(size, seconds, prices), assumed=f"what it would have cost on Glue with {size}")


def price_requests(requests: Mapping[str, int], prices: Prices) -> Iterator[Item]:
    """Price requests to S3, by their class."""
    billed = {operation: count for operation, count in requests.items() if not operation.startswith(_FREE)}
    writes = sum(count for operation, count in billed.items() if operation.startswith(_WRITES))
    for what, count, thousand in (
        ("S3 PUT, COPY, POST, LIST", writes, prices.s3.thousand_writes),
        ("S3 GET and others", sum(billed.values()) - writes, prices.s3.thousand_reads),
    ):
        if count:
            yield Item(what, Decimal(count), "request", thousand, "1,000 requests", 1000)


def _glue(size: JobSize, seconds: Decimal, prices: Prices) -> Sequence[Item]:
    billed = max(seconds.to_integral_value(ROUND_CEILING), Decimal(prices.glue.minimum_seconds))
    dpus = size.workers * prices.glue.dpu_per_worker[size.worker_type]
    return [Item("Glue", billed * dpus, "DPU-second", prices.glue.dpu_hour, "DPU-hour", _SECONDS_AN_HOUR)]


def _lambda(memory_mb: int, seconds: Decimal, prices: Prices, invocations: int) -> Computing:
    if memory_mb < 1:
        return Computing(excluded="Lambda, since the memory of the function is unknown")
    billed = seconds.quantize(_MILLISECOND, ROUND_CEILING) * memory_mb / _MB_A_GB
    return Computing(
        [
            Item("Lambda", billed, "GB-second", prices.lambda_.gb_second, "GB-second"),
            Item(
                "Lambda requests",
                Decimal(invocations),
                "request",
                prices.lambda_.million_requests,
                "1,000,000 requests",
                1_000_000,
            ),
        ]
    )


def _merged_times(runs: Sequence[PricedRun]) -> list[Decimal]:
    """Return the seconds of each stretch of time in which at least one run went on.

    A run ends ``usage.seconds`` after its start, since these do not depend on the clock being set.
    """
    spans = sorted((_start_of(run), _seconds_of(run)) for run in runs)
    times: list[Decimal] = []
    end: datetime | None = None
    for start, seconds in spans:
        until = start + timedelta(seconds=float(seconds))
        if end is None or start > end:
            times.append(seconds)
            end = until
        elif until > end:
            times[-1] += Decimal(str((until - end).total_seconds()))
            end = until
    return times


def _start_of(run: PricedRun) -> datetime:
    return datetime.fromisoformat(run.started) if run.started else datetime.min.replace(tzinfo=UTC)


def _seconds_of(run: PricedRun) -> Decimal:
    return max(Decimal(str(run.usage.seconds)), Decimal(0))
