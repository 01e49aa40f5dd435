"""Scrub fields of JSON records in place: objects keep their keys."""

from collections.abc import Sequence
from functools import partial
from hashlib import sha256

from jobs.cli.entrypoint import run_as_script
from jobs.feeds.json_scrub import JsonScrubFeed, ScrubSource
from lakewright.in_place.sink import InPlaceSink, Rewriting
from lakewright.json.scrub import scrub_object, warn_of_hidden
from lakewright.json.scrub_rules import ScrubRules
from lakewright.json.scrub_source import ObjectsToScrub
from lakewright.log.records import SourceObject
from lakewright.runs.job.target import Target
from lakewright.runs.job.target_job import AnyJob, TargetJob
from lakewright.storage.lake import Lake


def build(objects: Sequence[SourceObject], *, rules: ScrubRules) -> Rewriting:
    """Scrub each object by the rules."""
    return Rewriting(objects, work=partial(scrub_object, rules=rules), warnings=partial(warn_of_hidden, rules=rules))


def open_targets(feed_name: str, feed: JsonScrubFeed, lake: Lake) -> list[AnyJob]:
    """Return the only target of a feed: the objects themselves."""
    name, rules = target_name(feed.source), feed.rules()
    reader = ObjectsToScrub(lake, feed.source.path, feed.source.objects, rules)
    return [
        TargetJob(
            feed=feed,
            target=Target(feed_name, name, f"state/{feed_name}/{name}/"),
            reader=reader,
            build=partial(build, rules=rules),
            sink=InPlaceSink(reader.lake, reader.folder, shows_values=feed.show_values),
        )
    ]


def target_name(source: ScrubSource) -> str:
    """Name the target after its folder; a selection of objects has a separate log, so that its runs never wait."""
    name = source.path.strip("/").rsplit("/", 1)[-1]
    if not source.objects:
        return name
    return name + "-" + sha256("\n".join(source.objects).encode()).hexdigest()[:8]


if __name__ == "__main__":
    run_as_script("json_scrub")
