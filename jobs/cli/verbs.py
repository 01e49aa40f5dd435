"""The command line: ``python -m jobs VERB FEED``, or ``lakewright VERB FEED`` once installed."""

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from jobs.cli.answers import Answer, answer_views, give_answer, name_jvm_log, print_error, worst_exit_code, write_page
from jobs.cli.arguments import VerbCommand
from jobs.cli.conflicts import conflicts
from jobs.cli.options import (
    ConfigOptions,
    DropOpen,
    DryRun,
    EngineOption,
    Execution,
    FeedOptions,
    HtmlFile,
    LakeOptions,
    OutputOptions,
    ProgressOption,
    ShowValues,
    SourceOptions,
    spread_options,
)
from jobs.cli.registry import LoadedFeed, check_gates, feed_model, job_names, load_feed
from jobs.cli.screens.checks import show_check, show_jars
from jobs.cli.screens.compactions import show_compactions
from jobs.cli.screens.costs import bill_line
from jobs.cli.screens.gates import show_gates
from jobs.cli.screens.plans import show_plans
from jobs.cli.screens.quarantine import show_quarantine, show_sheets
from jobs.cli.screens.receipts import show_receipts
from jobs.cli.screens.states import show_schemas, show_status
from lakewright.aws.outages import bounded_outages
from lakewright.buckets import use_lake_file
from lakewright.config_files import Conf
from lakewright.costs.prices import Prices
from lakewright.costs.pricing import price_process
from lakewright.errors import ConfigError
from lakewright.runs.job.request import Replay, Request
from lakewright.runs.job.target_job import AnyJob
from lakewright.runs.progress import Progress, ProgressKind, closing_progress, make_progress
from lakewright.runs.progress.stderr import open_closed_streams, print_on_stderr
from lakewright.workers import EngineName
from transforms.errors import LakewrightError
from transforms.object_names import one_line

_ROWS_SHOWN: Final = 20

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    # Typer's tracebacks show variables, and therefore data.
    pretty_exceptions_enable=False,
    help="Load data into a lake: exactly once, every row accounted for.",
)

RunId = Annotated[str | None, typer.Option("--run", help="ID of a run. Default: the last run.")]
FeedNames = Annotated[list[str] | None, typer.Argument(metavar="[FEED]...", help="Names of feeds. Default: all feeds.")]
DocsFolder = Annotated[
    Path | None,
    typer.Option(
        "--docs", help="Also judge the whole table with Great Expectations, and write its Data Docs to this folder."
    ),
]
SchemaFolder = Annotated[
    Path | None, typer.Option("--schema", help="Also write JSON schemas for editors to this folder.")
]

Days = Annotated[
    int, typer.Option("--days", min=1, max=366, help="Days whose runs are reported, today included (UTC). Default: 7.")
]

RuleName = Annotated[
    str, typer.Option("--rule", help="Only rows that break this rule, such as type or id: type, as in receipts.")
]
RowLimit = Annotated[
    int | None,
    typer.Option("--limit", min=0, help=f"Maximum number of rows. Default: {_ROWS_SHOWN} per target; all with --csv."),
]
EditedFile = Annotated[
    Path | None, typer.Option("--csv", metavar="FILE", help="Only the rows of a file of `quarantine --csv`, edited.")
]
SheetFile = Annotated[
    Path | None, typer.Option("--csv", metavar="FILE", help="Write the rows of one target to a new CSV file.")
]


def verb(work: Callable[..., Answer]) -> Callable[..., Answer]:
    """Register a function as a command; its parameters are the options, and it returns an answer."""

    @wraps(work)
    def command(*, output: OutputOptions, **options: Any) -> None:
        give_answer(lambda: work(**options), output)

    parameters = inspect.signature(work).parameters.values()
    output = inspect.Parameter("output", inspect.Parameter.KEYWORD_ONLY, annotation=OutputOptions)
    command.__signature__ = inspect.Signature([*parameters, output])  # type: ignore[attr-defined]
    app.command(cls=VerbCommand)(spread_options(command))
    return work


@verb
def run(
    options: FeedOptions,
    source: SourceOptions,
    engine: EngineOption = "auto",
    drop_open: DropOpen = False,
    show_values: ShowValues = False,
    execution: Execution = "",
    progress: ProgressOption = "auto",
) -> Answer:
    """Process all new source objects and commit the result."""
    request = Request("run", source.wanted(), drop_open, execution)
    return _run(options.showing(values=show_values), request, engine, progress)


@verb
def rebuild(
    options: FeedOptions, source: SourceOptions, engine: EngineOption = "auto", progress: ProgressOption = "auto"
) -> Answer:
    """Rebuild the table from all sources."""
    return _run(options, Request("rebuild", source.wanted()), engine, progress)


@verb
def replay(
    options: FeedOptions,
    rule: RuleName = "",
    csv_file: EditedFile = None,
    engine: EngineOption = "auto",
    progress: ProgressOption = "auto",
) -> Answer:
    """Process rejected rows with the current config, and commit those that pass."""
    if rule and csv_file is not None:
        raise ConfigError("--rule and --csv exclude each other; delete lines from the file to leave rows in quarantine")
    return _run(options, Request("replay", replay=Replay(rule, csv_file)), engine, progress)


@verb
def plan(
    options: FeedOptions, source: SourceOptions, engine: EngineOption = "auto", show_values: ShowValues = False
) -> Answer:
    """Show what run would do, without writing anything."""
    from lakewright.engine.choice import EngineChoice
    from lakewright.runs.planning.overview import plan_overview

    request = Request("run", source.wanted(), prices=options.prices())
    with EngineChoice(engine) as engines:
        plans = options.showing(values=show_values).for_each_target(
            lambda lake, job: plan_overview(lake, job, request, engines)
        )
    return answer_views(plans, show_plans)


@verb
def status(options: FeedOptions) -> Answer:
    """Show the last commit, an open batch, waiting objects and the quarantine."""
    from lakewright.runs.views import status_overview

    return answer_views(options.for_each_target(status_overview), show_status)


@verb
def quarantine(options: FeedOptions, rule: RuleName = "", limit: RowLimit = None, csv_file: SheetFile = None) -> Answer:
    """Show rejected rows with their values, or write them to a CSV file for correction."""
    from lakewright.runs.views import quarantine_overview, write_quarantine

    if csv_file is None:
        shown = _ROWS_SHOWN if limit is None else limit
        entries = options.for_each_target(lambda lake, job: quarantine_overview(lake, job, rule=rule, limit=shown))
        return answer_views(entries, show_quarantine)
    lake = options.open_lake()
    jobs = options.load().targets(lake, options.wanted_targets())
    if len(jobs) != 1:
        names = ", ".join(job.target.name for job in jobs)
        raise ConfigError(f"--csv writes the rows of one target; choose it with --target: {names}")
    return Answer([write_quarantine(lake, jobs[0], csv_file, rule=rule, limit=limit)], show_sheets)


@verb
def receipt(options: FeedOptions, run_id: RunId = None, html: HtmlFile = None) -> Answer:
    """Show the receipt of the last run, or of the run that --run names."""
    from lakewright.runs.receipts import read_receipts, recent_receipts

    lake = options.open_lake()
    targets = [job.target for job in options.load().targets(lake, options.wanted_targets())]
    receipts, missing = read_receipts(lake, {target.name: target.state_folder for target in targets}, run_id)
    for target, problem in missing.items():
        print_on_stderr(f"warning: {one_line(target)}: {problem}")
    if html is not None:
        from lakewright.pages.receipt import RECENT_RUNS, receipt_page

        folders = [target.state_folder for target in targets if target.name in receipts]
        recent = [recent_receipts(lake, folder, RECENT_RUNS, skips_damaged=True) for folder in folders]
        write_page(html, receipt_page(zip(receipts.values(), recent, strict=True)))
    return Answer(list(receipts.values()), show_receipts)


@verb
def gates(options: FeedOptions, docs: DocsFolder = None) -> Answer:
    """Show the gate results of the last judged batch; --docs also judges the whole table and writes Data Docs."""
    from lakewright.runs.views import gates_overview

    lake = options.open_lake()
    jobs = options.load().targets(lake, options.wanted_targets())
    overviews = [gates_overview(lake, job) for job in jobs]
    if docs is not None:
        from lakewright.quality.data_docs import write_data_docs

        index = write_data_docs(lake, jobs, docs)
        overviews = [overview | {"docs": index} for overview in overviews]
    return Answer(overviews, show_gates)


@verb
def report(options: LakeOptions, feed: FeedNames = None, days: Days = 7, html: HtmlFile = None) -> Answer:
    """Show the health of all feeds, what needs attention, and runs and cost per day."""
    from datetime import UTC, datetime

    from jobs.cli.reported_feeds import reported_feeds
    from jobs.cli.screens.reports import show_report
    from lakewright.report.lake_report import report_lake

    conf, lake = Conf(options.config), options.open_lake()
    feeds = reported_feeds(lake, conf, feed or (), options.settings)
    data = report_lake(lake, feeds, conf, days=days, now=datetime.now(UTC))
    if html is not None:
        from lakewright.pages.report import report_page

        write_page(html, report_page(data))
    return Answer(data, show_report, data["exit_code"])


@verb
def schema(options: FeedOptions) -> Answer:
    """Show the columns of a table, and when they changed."""
    from lakewright.runs.views import schema_overview

    return answer_views(options.for_each_target(schema_overview), show_schemas)


@verb
def compact(
    options: FeedOptions,
    source: SourceOptions,
    dry_run: DryRun = False,
    engine: EngineOption = "auto",
    progress: ProgressOption = "auto",
) -> Answer:
    """Merge small files of Parquet tables, and log files of Hudi tables into base files."""
    from jobs.cli.compaction import compact_jobs

    wanted, lake = source.wanted(), options.open_lake()
    with (
        closing_progress(make_progress(progress)) as shown,
        bounded_outages(partial(_leave_at_once, progress=shown)),
    ):
        jobs = options.load().targets(lake, options.wanted_targets())
        entries = compact_jobs(
            lake, jobs, wanted, dry_run=dry_run, engine=engine, progress=shown, prices=options.prices()
        )
    return Answer(entries, show_compactions, worst_exit_code(entries))


@verb
def jars() -> Answer:
    """Download and verify the jars that local Spark needs for S3 and Hudi."""
    from lakewright.engine.spark.jars import JarList, fetch_jars, jar_folder

    own, folder = JarList.own(), jar_folder()
    downloaded = fetch_jars(own, folder)
    return Answer({"folder": str(folder), "jars": list(own.sums), "downloaded": downloaded}, show_jars)


@verb
def check(options: ConfigOptions, feed: FeedNames = None, schema: SchemaFolder = None) -> Answer:
    """Validate the prices and the feeds, individually and against each other, without starting Spark."""
    folder = Conf(options.config)
    names = list(dict.fromkeys(feed or folder.names()))
    feeds: list[LoadedFeed] = []
    problems: list[str] = []
    for read in (use_lake_file, Prices.load):
        try:
            read(folder)
        except ConfigError as error:
            problems += str(error).splitlines()
    for name in names:
        try:
            feeds.append(load_feed(folder, name, options.settings))
            check_gates(feeds[-1].feed)
        except ConfigError as error:
            problems += str(error).splitlines()
    problems += conflicts(feeds)
    if schema is not None:
        _write_schemas(schema)
    renamed = {loaded.name: columns for loaded in feeds if (columns := loaded.feed.renamed_columns())}
    data = {"feeds": names, "problems": problems, "renamed_columns": renamed}
    return Answer(data, show_check, ConfigError.exit_code if problems else 0)


def _run(options: FeedOptions, request: Request, engine: EngineName, kind: ProgressKind) -> Answer:
    from lakewright.engine.choice import EngineChoice
    from lakewright.runs.lifecycle.targets import run_targets

    feed, lake, prices = options.load(), options.open_lake(), options.prices()
    with (
        closing_progress(make_progress(kind)) as progress,
        bounded_outages(partial(_leave_at_once, progress=progress)),
        EngineChoice(engine) as engines,
    ):
        targets = feed.targets(lake, options.wanted_targets())
        if request.replay is not None:
            _check_replay(targets, request.replay)
        receipts = run_targets(lake, targets, replace(request, prices=prices), progress, engines)
    entries = [each.dump() for each in receipts]
    bill = price_process(receipts, prices) if prices is not None and len(receipts) > 1 else None

    def show(entries: Sequence[Mapping[str, Any]]) -> None:
        show_receipts(entries)
        if bill is not None:
            typer.echo(bill_line(bill, len(receipts)))

    return Answer(entries, show, worst_exit_code(entries))


def _check_replay(jobs: Sequence[AnyJob], chosen: Replay) -> None:
    if not any(job.corrector for job in jobs):
        raise ConfigError(f"the job {jobs[0].feed.job} cannot replay rejected rows")
    if chosen.edited is not None and len(jobs) > 1:
        names = ", ".join(job.target.name for job in jobs)
        raise ConfigError(f"--csv has the rows of one target; choose it with --target: {names}")


def _leave_at_once(error: LakewrightError, *, progress: Progress | None = None) -> None:
    """Exit the process although Spark still waits for S3."""
    from lakewright.engine.choice import kill_spark

    if progress is not None:
        progress.close()
    kill_spark()
    name_jvm_log(error.exit_code)
    print_error(str(error))
    os._exit(error.exit_code)


def _write_schemas(folder: Path) -> None:
    from lakewright.config import write_schema

    folder.mkdir(parents=True, exist_ok=True)
    write_schema(Prices, folder / "prices.schema.json")
    for job in job_names():
        write_schema(feed_model(job), folder / f"{job}.schema.json")


def main() -> None:
    """Run the command line."""
    open_closed_streams()
    app(prog_name="lakewright")
