"""``compact`` and the script ``jobs/compact.py``: all tables of a feed, or one by its name in the catalog."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from jobs.cli.arguments import ScriptCommand
from jobs.cli.entrypoint import print_entries, work_as_script
from jobs.cli.options import DryRun, EngineOption, FeedOptions, ProgressOption, SourceOptions, spread_options
from jobs.cli.registry import load_feed
from lakewright.config import Feed, suggest
from lakewright.config_files import Conf
from lakewright.costs.prices import Prices
from lakewright.dms.unusable import UnusableTable
from lakewright.engine.choice import EngineChoice
from lakewright.errors import ConfigError, NoTargetsError
from lakewright.parquet.compact_tables import compact_tables, plan_compactions
from lakewright.parquet.sink import ParquetSink
from lakewright.runs.job.target_job import AnyJob
from lakewright.runs.progress import Progress, ProgressKind, closing_progress, log_progress
from lakewright.storage.lake import Lake
from lakewright.workers import EngineName

if TYPE_CHECKING:
    from lakewright.hudi.compaction import MergeOnReadTable

_YES_OR_NO: Final = {"true": True, "false": False}

_Table = tuple[AnyJob, "MergeOnReadTable"]


def compact_jobs(
    lake: Lake,
    jobs: Sequence[AnyJob],
    wanted: Mapping[str, str],
    *,
    dry_run: bool,
    engine: EngineName,
    progress: Progress,
    prices: Prices | None,
) -> list[dict[str, Any]]:
    """Compact the tables of a feed, or show what that would do.

    Raises:
        ConfigError: If options do not apply to the tables, or no engine can run the feed.
    """
    parquet = [job for job in jobs if isinstance(job.sink, ParquetSink)]
    others = [job for job in jobs if job not in parquet]
    if others and (wanted or dry_run):
        raise ConfigError("--date, --partition and --dry-run apply to Parquet tables; omit them for this feed")
    if others and engine == "local":
        raise ConfigError("Hudi tables are compacted on Spark only; leave out --engine local")
    if dry_run:
        return plan_compactions(lake, parquet, wanted)
    entries: list[dict[str, Any]] = []
    if others:
        from lakewright.hudi.compaction import compact_targets  # Spark

        entries += compact_targets(lake, others, progress)
    if parquet:
        with EngineChoice(engine) as engines:
            entries += compact_tables(lake, parquet, wanted, progress, engines, prices)
    places = {job.target.name: place for place, job in enumerate(jobs)}
    return sorted(entries, key=lambda entry: places[entry["target"]])


@dataclass(frozen=True, kw_only=True)
class CompactOptions(FeedOptions):
    """The tables to compact: those of a feed, or a single one by its name in the catalog."""

    feed: Annotated[str, typer.Option("--feed", help="Name of a feed: conf/feeds/FEED.yaml.")] = ""
    database: Annotated[str, typer.Option("--DB_NAME", help="Catalog database of the table to compact.")] = ""
    table: Annotated[
        str, typer.Option("--TABLE_NAME", help="Catalog table to compact, with or without the suffix of its view.")
    ] = ""
    is_partitioned: Annotated[
        str,
        typer.Option("--IS_PARTITIONED", help="Refuse the table unless it is (true) or is not (false) partitioned."),
    ] = ""

    def jobs(self, lake: Lake) -> list[AnyJob]:
        """Return the selected targets.

        Raises:
            ConfigError: If the options contradict each other, or name no table or several.
        """
        if not (self.database or self.table or self.is_partitioned):
            if not self.feed:
                raise ConfigError("name a feed with --feed, or a table of the catalog with --DB_NAME and --TABLE_NAME")
            return self.load().targets(lake, self.wanted_targets())
        if not (self.database and self.table):
            raise ConfigError("a table of the catalog needs both --DB_NAME and --TABLE_NAME")
        if self.target:
            raise ConfigError("--TABLE_NAME and --target both select tables; omit one")
        if self.settings and not self.feed:
            raise ConfigError("--set overrides keys of one feed; name it with --feed")
        return [self._only_match(list(self._tables(lake)))]

    def _tables(self, lake: Lake) -> Iterator[_Table]:
        """Open the merge-on-read tables that all feeds, or the named one, register in the database."""
        from lakewright.hudi.compaction import CompactingSink, MergeOnReadTable  # Spark

        conf = Conf(self.config)
        feeds = [load_feed(conf, name, self.settings) for name in ([self.feed] if self.feed else conf.names())]
        for loaded in feeds:
            if not self._is_in_database(loaded.feed):
                continue
            with suppress(NoTargetsError):
                for job in loaded.targets(lake, ()):
                    table = MergeOnReadTable(self.database, job.target.name)
                    if isinstance(job.sink, CompactingSink) and (known := job.sink.merge_on_read()):
                        yield job, known
                    elif isinstance(job.sink, UnusableTable) and job.sink.problem and table.is_named(self.table):
                        raise job.sink.problem

    def _is_in_database(self, feed: Feed) -> bool:
        from lakewright.hudi.config import HudiOptions

        options = getattr(feed, "target", None)
        return isinstance(options, HudiOptions) and options.catalog_database.lower() == self.database.lower()

    def _only_match(self, tables: Sequence[_Table]) -> AnyJob:
        name = f"{self.database}.{self.table}"
        matching = [(job, table) for job, table in tables if table.is_named(self.table)]
        if not matching:
            known = suggest(name, [str(table) for _, table in tables])
            where = f"feed {self.feed} does not register" if self.feed else f"no feed in {self.config} registers"
            raise ConfigError(f"{where} a merge-on-read table {name}{known}")
        if len(matching) > 1:
            feeds = ", ".join(f"{job.target.feed_name} (target {job.target.name})" for job, _ in matching)
            raise ConfigError(f"several feeds register the table {name}: {feeds}; select one with --feed")
        ((job, table),) = matching
        self._check_partitioned(job, table.partition_by)
        return job

    def _check_partitioned(self, job: AnyJob, partition_by: Sequence[str]) -> None:
        if not self.is_partitioned:
            return
        wanted = _YES_OR_NO.get(self.is_partitioned.lower())
        if wanted is None:
            raise ConfigError(f"option --IS_PARTITIONED must be true or false, not {self.is_partitioned!r}")
        if wanted != bool(partition_by):
            actual = f"is partitioned by {'/'.join(partition_by)}" if partition_by else "has no partitions"
            raise ConfigError(
                f"--IS_PARTITIONED is {self.is_partitioned}, but table {job.target.name} of feed "
                f"{job.target.feed_name} {actual}"
            )


def compact_as_script(arguments: Sequence[str] | None = None) -> None:
    """Compact tables as ``lakewright compact`` does; see ``work_as_script``."""
    work_as_script(_command_line(), _compact, arguments)


def _command_line() -> typer.Typer:
    script = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

    @script.command(
        "jobs/compact.py",
        cls=ScriptCommand,
        help="Merge small files of Parquet tables, and log files of Hudi tables into base files.",
    )
    @spread_options
    def compact(
        options: CompactOptions,
        source: SourceOptions,
        dry_run: DryRun = False,
        engine: EngineOption = "auto",
        progress: ProgressOption = "auto",
    ) -> tuple[CompactOptions, dict[str, str], bool, EngineName, ProgressKind]:
        return options, source.wanted(), dry_run, engine, progress

    return script


def _compact(
    options: CompactOptions, wanted: Mapping[str, str], dry_run: bool, engine: EngineName, kind: ProgressKind
) -> None:
    lake = options.open_lake()
    with closing_progress(log_progress(kind)) as progress:
        jobs, prices = options.jobs(lake), options.prices()
        entries = compact_jobs(lake, jobs, wanted, dry_run=dry_run, engine=engine, progress=progress, prices=prices)
    print_entries(entries)
