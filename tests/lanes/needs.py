"""What a test needs of its lane, where it can be seen without a marker."""

import pytest


def runs_cdc_to_hudi(item: pytest.Item) -> bool:
    """Return whether a test runs the job of change data: by its bench, its parameter ``job``, or the feeds of its case."""
    fixtures = getattr(item, "fixturenames", ())
    if "cdc" in fixtures:
        return True
    if "spark" not in fixtures and item.get_closest_marker("slow") is None:
        return False  # it only reads feeds
    callspec = getattr(item, "callspec", None)
    parameters = callspec.params if callspec else {}
    if parameters.get("job") == "cdc_to_hudi" or parameters.get("kind") == "cdc":
        return True
    case = parameters.get("case")
    feeds = case.scenario.feeds.values() if hasattr(case, "scenario") else [getattr(case, "feed", {})]
    return any("cdc_to_hudi" in (feed if isinstance(feed, str) else str(feed.get("job"))) for feed in feeds)
