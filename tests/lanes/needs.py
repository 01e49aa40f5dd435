"""What a test needs of its lane, where it can be seen without a marker."""

import pytest

_SERVERS = {"aws", "bucket", "proxy"}


def markers_of(item: pytest.Item) -> list[str]:
    """Return the markers that a test has by itself."""
    jobs = _jobs(item)
    fixtures = set(getattr(item, "fixturenames", ()))
    needs_hudi = "cdc" in fixtures or "cdc_to_hudi" in jobs
    # The Spark of csv_to_parquet reads CSV itself.
    needs_s3a = "csv_to_parquet" in jobs and bool(fixtures & _SERVERS)
    return ["needs_hudi"] * needs_hudi + ["needs_s3a"] * needs_s3a


def _jobs(item: pytest.Item) -> set[str]:
    """Return the jobs that a test runs: by its parameter ``job`` or ``kind``, or the feeds of its case."""
    if "spark" not in getattr(item, "fixturenames", ()) and item.get_closest_marker("slow") is None:
        return set()  # it only reads feeds
    callspec = getattr(item, "callspec", None)
    parameters = callspec.params if callspec else {}
    case = parameters.get("case")
    feeds = case.scenario.feeds.values() if hasattr(case, "scenario") else [getattr(case, "feed", {})]
    texts = [feed if isinstance(feed, str) else str(feed.get("job")) for feed in feeds]
    texts.append(str(parameters.get("job")))
    texts += {"csv": ["csv_to_parquet"], "cdc": ["cdc_to_hudi"]}.get(str(parameters.get("kind")), [])
    return {job for job in ("csv_to_parquet", "cdc_to_hudi") for text in texts if job in text}
