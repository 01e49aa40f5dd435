"""Change data of a whole schema, as delivered by AWS DMS, to Hudi tables that equal the source."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from jobs.cli.entrypoint import run_as_script
from jobs.feeds.cdc_to_hudi import CdcToHudiFeed, table_of_parameter
from lakewright.aws.parameters import read_parameter
from lakewright.concurrency import ThreadPool
from lakewright.dms.columns import TableColumns
from lakewright.dms.files import ChangeFiles
from lakewright.dms.reader import ChangeReader
from lakewright.dms.selection import ChangeSelection
from lakewright.dms.unusable import UnusableTable
from lakewright.engine.spark.changes.appended import AppendedChanges
from lakewright.engine.spark.changes.judged import change_session, find_rejected
from lakewright.engine.spark.changes.keyed import KeyedChanges
from lakewright.errors import ConfigError, EmptySourceError
from lakewright.hudi.config import HudiTableSpec
from lakewright.hudi.keyed_table import KeyedTable
from lakewright.hudi.sink import HudiSink
from lakewright.hudi.timeline import read_properties
from lakewright.parquet.sink import ParquetSink
from lakewright.quality.gate import SuiteGate, gate_of, row_rules_of
from lakewright.quality.row_rules import RowRules
from lakewright.replay.change_files import ChangeCorrector
from lakewright.runs.job.target import Target
from lakewright.runs.job.target_job import AnyJob, TargetJob
from lakewright.sources.listing import Source, describe_empty
from lakewright.storage.lake import Lake
from transforms.errors import LakewrightError
from transforms.spark.changes import ORDER

_CONCURRENT_LOOKUPS: Final = 8
_SKIPPED: Final = "its table is not configured, and the feed skips such tables"


def build(files: ChangeFiles, *, feed: CdcToHudiFeed, spec: HudiTableSpec, rules: RowRules) -> KeyedChanges:
    """Keep the last change of each key, unless it breaks ``rules``."""
    return KeyedChanges(files, feed.source, spec, rules)


def build_appended(files: ChangeFiles, *, feed: CdcToHudiFeed, spec: HudiTableSpec, rules: RowRules) -> AppendedChanges:
    """Keep every change of a table without a key, with its kind, unless it breaks ``rules``."""
    return AppendedChanges(files, feed.source, spec, rules)


def keyed_job(
    target: Target, feed: CdcToHudiFeed, lake: Lake, spec: HudiTableSpec, gate: SuiteGate | None = None
) -> AnyJob:
    """Compose the job of a table with a key."""
    columns = TableColumns(target.name, feed.source, spec, feed.target.keep_columns)
    reader = _reader(feed, lake, target, columns)
    sink = HudiSink(KeyedTable(lake, reader.source.lake, target, feed.target, spec), feed.target.catalog_database)
    keep = partial(build, feed=feed, spec=spec, rules=row_rules_of(gate))
    corrector = partial(_corrector, lake, reader, keep)
    return TargetJob(feed, target, reader, keep, sink, corrector=corrector, gate=gate)


def appended_job(
    target: Target, feed: CdcToHudiFeed, lake: Lake, spec: HudiTableSpec, gate: SuiteGate | None = None
) -> AnyJob:
    """Compose the job of a table without a key."""
    if read_properties(lake, target.path):
        raise ConfigError(f"{target.path} is a Hudi table, but the table has no key now; configure its key again")
    reserved, database = (feed.source.kind_column, ORDER), feed.target.catalog_database
    by_file = spec.order_by == "file"
    columns = TableColumns(target.name, feed.source, spec, feed.target.keep_columns, reserved)
    sink = ParquetSink(
        lake,
        target,
        f"by {'/'.join(spec.partition_by) or 'no partition'}, appended{', ordered by file' if by_file else ''}",
        partition_by=spec.partition_by,
        catalog_table=(database, target.name) if database else None,
    )
    reader = _reader(feed, lake, target, columns)
    keep = partial(build_appended, feed=feed, spec=spec, rules=row_rules_of(gate))
    corrector = partial(_corrector, lake, reader, keep)
    return TargetJob(feed, target, reader, keep, sink, corrector=corrector, gate=gate)


def open_targets(name: str, feed: CdcToHudiFeed, lake: Lake) -> list[AnyJob]:
    """Return the targets of a feed: its configured tables, and those at its source.

    Raises:
        EmptySourceError: If no table is configured, and the source has none that the feed does not skip.
    """
    source = Source(lake, feed.source.path, None)
    tables = sorted({*feed.tables, *source.folders()})
    with ThreadPool(_CONCURRENT_LOOKUPS) as pool:
        targets = (Target(name, table, f"{feed.target.path}{table}/") for table in tables)
        jobs = list(pool.map(lambda target: _open_target(target, feed, lake), targets))
    if all(isinstance(job.sink, UnusableTable) and job.sink.problem is None for job in jobs):
        listing = source.look()
        others = {
            file.path: _SKIPPED if "/" in file.path.removeprefix(source.where) else "not in a table's folder"
            for file in (*listing.objects, *listing.unreadable)
        }
        raise EmptySourceError(
            describe_empty(source.where, listing.ignored | others, expected="a file of a table of the feed")
        )
    # Once, and not by a table that fails or is skipped before its warnings are shown.
    first = next((place for place, job in enumerate(jobs) if not isinstance(job.sink, UnusableTable)), 0)
    jobs[first] = replace(jobs[first], warnings=feed.unknown_tables(tables))
    return jobs


def _open_target(target: Target, feed: CdcToHudiFeed, lake: Lake) -> AnyJob:
    folder = f"{feed.source.path}{target.name}/"
    try:
        spec = feed.tables.get(target.name) or _looked_up(feed, target.name)
        if spec is None and feed.unconfigured == "fail":
            raise ConfigError(
                f"table {target.name} in {folder} is not configured; name it under tables:, or set "
                "unconfigured: append or skip"
            )
        if spec is None and feed.unconfigured == "skip":
            return _unusable(target, feed, UnusableTable(folder, None))
        spec = feed.source.ordered(spec or HudiTableSpec())
        return (keyed_job if spec.key else appended_job)(target, feed, lake, spec, gate_of(feed, target.name, "spark"))
    except LakewrightError as error:
        return _unusable(target, feed, UnusableTable(folder, error))


def _unusable(target: Target, feed: CdcToHudiFeed, table: UnusableTable) -> AnyJob:
    return TargetJob(feed, target, table, lambda rows: rows, table)


def _reader(feed: CdcToHudiFeed, lake: Lake, target: Target, columns: TableColumns) -> ChangeReader:
    path, options = feed.source.path, feed.target
    source = Source(lake, f"{path}{columns.table}", None)
    selection = ChangeSelection(
        source.lake,
        feed.source.time_column,
        options.on_stale_load,
        allows_gone=options.on_missing_source == "rebuild",
        max_record_bytes=feed.source.max_record_bytes,
        by_file=columns.spec.order_by == "file",
    )
    folder = "" if "://" in path else f"{path}{columns.table}/"
    return ChangeReader(source, folder, selection, columns, target.corrections(lake))


def _corrector(
    lake: Lake, reader: ChangeReader, build_changes: Callable[[ChangeFiles], KeyedChanges | AppendedChanges]
) -> ChangeCorrector:
    """Return what replays rejected changes; they are judged as those of a batch."""

    def judge(files: ChangeFiles) -> dict[tuple[str, int], list[str]]:
        return find_rejected(change_session(lake, files.lake), build_changes(files).judged_alone())

    return ChangeCorrector(reader.corrections, reader, judge)


def _looked_up(feed: CdcToHudiFeed, table: str) -> HudiTableSpec | None:
    """Look up a table's config in the parameter store; None if there is none."""
    if not feed.parameters:
        return None
    name = f"{feed.parameters}{feed.schema_name}.{table}"
    text = read_parameter(name)
    return None if text is None else table_of_parameter(name, text)


if __name__ == "__main__":
    run_as_script("cdc_to_hudi")
