"""Flatten events of a Kafka Connect S3 sink into typed Parquet tables, one per topic."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from jobs.cli.entrypoint import run_as_script
from jobs.feeds.flatten_events import RESERVED, FlattenEventsFeed
from lakewright.corrections.manifests import CorrectionFolder
from lakewright.errors import EmptySourceError
from lakewright.kafka.reader import TopicObjects, TopicReader
from lakewright.kafka.sink import ObjectNames, SinkFolder, SinkListing, is_wanted
from lakewright.parquet.compaction import Compaction
from lakewright.parquet.sink import JudgedRows, ParquetSink
from lakewright.quality.gate import gate_of, row_rules_of
from lakewright.quality.row_rules import RowRules
from lakewright.runs.job.target import Target
from lakewright.runs.job.target_job import TargetJob
from lakewright.sources.listing import describe_empty
from lakewright.storage.lake import Lake
from lakewright.storage.uris import open_lake
from transforms.events.sink_names import topics_by_table
from transforms.object_names import DATE_KEYS, compile_date_template

if TYPE_CHECKING:
    from lakewright.kafka.blocks.sample import EventSampler
    from lakewright.kafka.rows import FlatEvents
    from lakewright.replay.event_lines import EventCorrector


def build(
    events: TopicObjects, *, feed: FlattenEventsFeed, lake_uri: str, layout: str, rules: RowRules
) -> "FlatEvents":
    """Flatten events into learned columns, each record exactly once."""
    from lakewright.kafka.rows import FlatEvents  # pyarrow, which runs without new events do not need

    return FlatEvents(
        events,
        rules=feed.rules(),
        days=feed.days(events.processing_date),
        separator=feed.target.separator,
        reserved=RESERVED,
        dedupe_days=feed.target.dedupe_days,
        refuses_conflicts=feed.source.on_offset_conflict == "refuse",
        lake_uri=lake_uri,
        layout=layout,
        row_rules=rules,
    )


def open_targets(feed_name: str, feed: FlattenEventsFeed, lake: Lake) -> list[TargetJob[TopicObjects, JudgedRows]]:
    """Return a target per table; the source is listed once for all of them.

    Raises:
        EmptySourceError: If the source has no object of a selected topic.
    """
    folder = open_folder(feed, lake)
    listing = folder.list()
    if not listing.topics:
        raise EmptySourceError(_describe_no_topic(folder))
    warnings = [
        f"source.topics: the source has no object of a topic that matches {pattern!r}"
        for pattern in feed.source.topics
        if not any(is_wanted(topic, (pattern,)) for topic in listing.topics)
    ]
    jobs = []
    tables = topics_by_table(listing.topics)
    warnings += feed.unknown_tables(tables)
    for table, topics in tables.items():
        sink = _sink(feed_name, feed, lake, table)
        corrections = sink.target.corrections(lake)
        reader = _reader(feed, folder, table, folder.narrowed(listing, topics), corrections, warnings)
        gate = gate_of(feed, table)
        rules = row_rules_of(gate)
        flatten = partial(build, feed=feed, lake_uri=lake.uri, layout=sink.layout(), rules=rules)
        corrector = partial(open_corrector, feed, reader, rules)
        jobs.append(
            TargetJob(
                feed,
                sink.target,
                reader,
                flatten,
                sink,
                gate=gate,
                corrector=corrector,
                sampler=partial(open_sampler, feed, folder),
                upkeep=Compaction(sink),
            )
        )
        warnings = []  # reported once
    return jobs


def open_corrector(feed: FlattenEventsFeed, reader: TopicReader, rules: RowRules) -> "EventCorrector":
    """Return what replays the rejected lines of a topic."""
    from lakewright.replay.event_lines import EventCorrector

    return EventCorrector(reader, feed.rules(), feed.days, rules, feed.target.separator, RESERVED)


def open_sampler(feed: FlattenEventsFeed, folder: SinkFolder) -> "EventSampler":
    """Return what samples the records of a topic."""
    from lakewright.kafka.blocks.sample import EventSampler

    return EventSampler(folder, feed.rules(), feed.target.separator, RESERVED)


def open_folder(feed: FlattenEventsFeed, lake: Lake) -> SinkFolder:
    """Open the sink's folder, in the lake or at another URI."""
    source = feed.source
    location = (open_lake(source.path), "") if "://" in source.path else (lake, source.path)
    return SinkFolder(*location, ObjectNames(source.delimiter, source.endings, source.object_name), source.topics)


def _reader(
    feed: FlattenEventsFeed,
    folder: SinkFolder,
    table: str,
    listing: SinkListing,
    corrections: CorrectionFolder,
    warnings: Sequence[str],
) -> TopicReader:
    day = feed.source.day
    return TopicReader(
        folder,
        table=table,
        listing=listing,
        day_from=day.source,
        path_date=compile_date_template(day.path_format, needs_day=True) if day.path_format else None,
        formats=feed.rules().formats,
        refuses_gone=feed.target.on_missing_source == "refuse",
        corrections=corrections,
        warnings=warnings,
    )


def _sink(feed_name: str, feed: FlattenEventsFeed, lake: Lake, table: str) -> ParquetSink:
    target = feed.target
    return ParquetSink(
        lake,
        Target(feed_name, table, f"{target.path.strip('/')}/{table}/"),
        layout_note=feed.layout_note(),
        partition_by=DATE_KEYS,
        sort_by=target.sort_by,
        compression=target.compression,
        catalog_table=(target.catalog.database, table) if target.catalog else None,
    )


def _describe_no_topic(folder: SinkFolder) -> str:
    """Describe the contents of a source that has no object of a selected topic."""
    listing = replace(folder, topics=("*",)).list()
    others = {
        sink_object.path: f"source.topics does not match topic {topic!r}"
        for topic, objects in listing.topics.items()
        for sink_object in objects
    }
    return describe_empty(
        folder.folder or f"{folder.lake.uri}/", others | dict(listing.strays), expected="an object of the sink"
    )


if __name__ == "__main__":
    run_as_script("flatten_events")
