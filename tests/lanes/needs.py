"""What a test needs of its lane, where it can be seen without a marker."""

import pytest


def markers_of(item: pytest.Item) -> list[str]:
    """Return the markers that a test has by itself."""
    return ["needs_hudi"] if "cdc" in getattr(item, "fixturenames", ()) or _runs_cdc_to_hudi(item) else []


def _runs_cdc_to_hudi(item: pytest.Item) -> bool:
    """Return whether a test runs this job: by its parameter ``job`` or ``kind``, or the feeds of its case."""
    if "spark" not in getattr(item, "fixturenames", ()) and item.get_closest_marker("slow") is None:
        return False  # it only reads feeds
    callspec = getattr(item, "callspec", None)
    parameters = callspec.params if callspec else {}
    case = parameters.get("case")
    feeds = case.scenario.feeds.values() if hasattr(case, "scenario") else [getattr(case, "feed", {})]
    texts = [feed if isinstance(feed, str) else str(feed.get("job")) for feed in feeds]
    texts.append(str(parameters.get("job")))
    return any("cdc_to_hudi" in text for text in texts) or parameters.get("kind") == "cdc"
