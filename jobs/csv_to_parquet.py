"""CSV objects to a typed Parquet table."""

from functools import partial
from typing import TYPE_CHECKING

from jobs.cli.entrypoint import run_as_script
from jobs.feeds.csv_to_parquet import CsvToParquetFeed
from lakewright.corrections.manifests import CorrectionFolder
from lakewright.csv.format import CsvFormat, CsvObjects
from lakewright.parquet.compaction import Compaction
from lakewright.parquet.sink import JudgedRows, ParquetSink
from lakewright.quality.gate import gate_of, row_rules_of
from lakewright.quality.row_rules import RowRules
from lakewright.runs.job.target import Target
from lakewright.runs.job.target_job import TargetJob
from lakewright.sources.listing import Source
from lakewright.sources.reader import Filling, ObjectReader
from lakewright.storage.lake import Lake

if TYPE_CHECKING:
    from lakewright.csv.rows import TypedRows
    from lakewright.replay.csv_objects import CsvCorrector


def build(objects: CsvObjects, *, feed: CsvToParquetFeed, rules: RowRules) -> "TypedRows":
    """Type the declared columns; rows with values that do not fit, or break ``rules``, are rejected with reasons."""
    from lakewright.csv.rows import TypedRows  # pyarrow, which runs without new objects do not need

    return TypedRows(objects, tuple(feed.typed_columns().values()), rules)


def open_targets(name: str, feed: CsvToParquetFeed, lake: Lake) -> list[TargetJob[CsvObjects, JudgedRows]]:
    """Return the single target of a feed."""
    source, target = feed.source, feed.target
    keys = tuple(feed.date_keys())
    place = Target(name, feed.target_name(), target.path, is_only=True)
    corrections = place.corrections(lake)
    reader = ObjectReader(
        Source(lake, source.path, feed.file_name_pattern(), reads_hidden=source.hidden == "read"),
        CsvFormat(feed.rules(), source.on_extra_column, shows_values=feed.show_values, corrections=corrections),
        Filling(target.fill, keys, target.partition_date, allows_gone=target.on_missing_source == "rebuild"),
        skips_refused=source.on_refused_file == "skip",
        corrections=corrections,
    )
    sink = ParquetSink(
        lake,
        place,
        f"by {'/'.join(target.partition_by) or 'no partition'} of the {target.partition_date} date, {target.fill}",
        partition_by=target.partition_by,
        rejected_by=keys if target.fill == "rebuild" else (),
        compression=target.compression,
        columns={column.name: column.ddl_type for column in feed.typed_columns().values()},
        catalog_table=(target.catalog.database, target.catalog.table) if target.catalog else None,
    )
    gate = gate_of(feed, place.name)
    rules = row_rules_of(gate)
    corrector = partial(open_corrector, feed, reader, corrections, rules)
    convert = partial(build, feed=feed, rules=rules)
    upkeep = Compaction(sink)
    return [TargetJob(feed, place, reader, convert, sink, gate=gate, corrector=corrector, upkeep=upkeep)]


def open_corrector(
    feed: CsvToParquetFeed, reader: ObjectReader[CsvObjects], corrections: CorrectionFolder, rules: RowRules
) -> "CsvCorrector":
    """Return what replays the feed's rejected rows."""
    from lakewright.replay.csv_objects import CsvCorrector

    return CsvCorrector(corrections, reader, feed.rules(), tuple(feed.typed_columns().values()), rules)


if __name__ == "__main__":
    run_as_script("csv_to_parquet")
