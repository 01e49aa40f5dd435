"""Options shared by the verbs and the script entry point."""

import inspect
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Final, Self, TypeVar

import typer

from jobs.cli.registry import LoadedFeed, load_feed
from lakewright.buckets import use_lake_file
from lakewright.config import lake_uri
from lakewright.config_files import Conf
from lakewright.costs.prices import Prices, usable_prices
from lakewright.errors import ConfigError, StateError
from lakewright.runs.job.target_job import AnyJob
from lakewright.runs.progress import ProgressKind
from lakewright.storage.lake import Lake
from lakewright.storage.uris import open_lake
from lakewright.workers import EngineName

T = TypeVar("T")

_LONGEST_EXECUTION: Final = 80
_COMMA: Final = re.compile(r"(?<!\\),")

DropOpen = Annotated[bool, typer.Option("--drop-open", help="Drop the open batch of an earlier run.")]

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be merged; writes nothing.")]

EngineOption = Annotated[
    EngineName,
    typer.Option(
        "--engine",
        help="What processes the input: local (processes on this machine), spark, or auto: Spark on Glue, under "
        "spark-submit, for jobs that need it, and for input above local_up_to; otherwise local.",
    ),
]


def _execution_name(text: str) -> str:
    if len(text) > _LONGEST_EXECUTION:
        raise ConfigError(f"--execution needs at most {_LONGEST_EXECUTION} characters, not {len(text)}")
    return text


Execution = Annotated[
    str,
    typer.Option(
        "--execution",
        metavar="NAME",
        parser=_execution_name,
        help="What started this run, such as the name of a Step Functions execution; the receipt records it.",
    ),
]

ProgressOption = Annotated[
    ProgressKind,
    typer.Option(
        "--progress",
        help="How progress is shown on stderr: auto (live on a terminal, else a log line every 10 seconds), or json "
        "(one JSON object per line).",
    ),
]

ShowValues = Annotated[
    bool, typer.Option("--show-values", help="Allow errors, receipts and logs to quote values of the data.")
]

HtmlFile = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Also write an HTML page to this file, which is replaced.")
]


@dataclass(frozen=True, kw_only=True)
class ConfigOptions:
    """The config folder, and settings that override keys of feeds."""

    config: Annotated[
        str,
        typer.Option("--config", metavar="DIR", envvar="LAKEWRIGHT_CONFIG", help="Config folder, local or s3://…"),
    ] = "conf"
    settings: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="KEY=VALUE[,KEY=VALUE…]",
            help="Override keys of the feed. A comma ends a value only before KEY=; quote a value that contains that.",
        ),
    ] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class LakeOptions(ConfigOptions):
    """The lake."""

    lake: Annotated[
        str | None, typer.Option("--lake", help="Root of the lake. Default: LAKEWRIGHT_LAKE, else ./lake.")
    ] = None

    def open_lake(self) -> Lake:
        """Open the lake, which must exist."""
        use_lake_file(Conf(self.config))
        lake = open_lake(lake_uri(self.lake))
        if "://" not in lake.uri:  # the first request to a bucket fails if it is missing, but a write creates a folder
            lake.check()
        return lake


@dataclass(frozen=True, kw_only=True)
class FeedOptions(LakeOptions):
    """The feed, its lake, and the selected targets."""

    feed: Annotated[str, typer.Argument(metavar="FEED", help="Name of a feed: conf/feeds/FEED.yaml.")]
    target: Annotated[
        list[str],
        typer.Option("--target", metavar="NAME[,NAME…]", help="Only these targets; write a comma in a name as \\,."),
    ] = field(default_factory=list)

    def showing(self, *, values: bool) -> Self:
        """Return these options, with ``show_values`` set if ``values`` is true."""
        return replace(self, settings=[*self.settings, "show_values=true"]) if values else self

    def load(self) -> LoadedFeed:
        """Read the feed."""
        return load_feed(Conf(self.config), self.feed, self.settings)

    def wanted_targets(self) -> list[str]:
        """Return the names of the selected targets; empty for all."""
        return read_names(self.target)

    def prices(self) -> Prices | None:
        """Read the prices of runs, if there are any."""
        return usable_prices(Conf(self.config))

    def for_each_target(self, view: Callable[[Lake, AnyJob], dict[str, Any]]) -> list[dict[str, Any]]:
        """Return a view of each selected target; if the log of a target is damaged, an entry with its error."""
        lake = self.open_lake()
        return [_view_or_damage(view, lake, job) for job in self.load().targets(lake, self.wanted_targets())]


def _view_or_damage(view: Callable[[Lake, AnyJob], dict[str, Any]], lake: Lake, job: AnyJob) -> dict[str, Any]:
    try:
        return view(lake, job)
    except StateError as error:
        names = {"feed": job.target.feed_name, "target": job.target.name}
        return names | {"exit_code": error.exit_code, "error": str(error), "is_damaged": True}


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """The selected partitions of the source."""

    date: Annotated[str | None, typer.Option("--date", help="Only source objects of this day, such as 2026-08-01.")] = (
        None
    )
    partition: Annotated[
        str | None,
        typer.Option("--partition", help="Only source objects of this partition, such as year=2026,month=08."),
    ] = None

    def wanted(self, date_parts: Mapping[str, str] | None = None) -> dict[str, str]:
        """Parse ``--date 2026-08-01`` and ``--partition year=2026,month=08``.

        Args:
            date_parts: Year, month and day from elsewhere.

        Raises:
            ConfigError: If a value is invalid, or values contradict each other.
        """
        wanted: dict[str, str] = {}
        if self.date:
            parts = self.date.split("-")
            if [len(part) for part in parts] != [4, 2, 2] or not all(part.isdigit() for part in parts):
                raise ConfigError(f"--date needs a day such as 2026-08-01, not {self.date!r}")
            wanted = dict(zip(("year", "month", "day"), parts, strict=True))
        for pair in self.partition.split(",") if self.partition else ():
            key, separator, value = pair.partition("=")
            if not separator or key not in ("year", "month", "day"):
                raise ConfigError(
                    f"--partition needs year=2026,month=08,day=01 or a part of it, not {self.partition!r}"
                )
            _set_once(wanted, key, value)
        for key, value in (date_parts or {}).items():
            _set_once(wanted, key, value)
        return wanted


def _set_once(wanted: dict[str, str], key: str, value: str) -> None:
    """Set a part of the day, unless it is set; ``8`` and ``08`` are equal."""
    if wanted.setdefault(key, value).lstrip("0") != value.lstrip("0"):
        raise ConfigError(f"{key} is both {wanted[key]} and {value}; name it once, in --date or --partition")


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """The output of a verb."""

    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False
    verbose: Annotated[bool, typer.Option("--verbose", help="Show tracebacks and the log of the JVM.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only warnings and errors on stderr.")] = False

    @property
    def log_level(self) -> int:
        """The level of the log."""
        if self.quiet:
            return logging.WARNING
        return logging.DEBUG if self.verbose else logging.INFO

    @property
    def problem(self) -> str:
        """How the options contradict each other; empty if they do not."""
        return "--quiet and --verbose exclude each other" if self.quiet and self.verbose else ""


def read_names(arguments: Sequence[str]) -> list[str]:
    r"""Parse comma-separated names in one or more arguments; a comma in a name is written ``\,``.

    Raises:
        ConfigError: If a name is empty.
    """
    names: list[str] = []
    for argument in arguments:
        names += [name.strip().replace("\\,", ",") for name in _COMMA.split(argument)]
        if "" in names:
            raise ConfigError(f"--target needs NAME[,NAME…], and {argument!r} has an empty name")
    return names


def spread_options(function: Callable[..., T]) -> Callable[..., T]:
    """Replace each dataclass parameter by one parameter per field, since typer does not support option groups."""
    parameters = inspect.signature(function).parameters.values()
    groups: dict[str, type[Any]] = {
        each.name: each.annotation
        for each in parameters
        if isinstance(each.annotation, type) and is_dataclass(each.annotation)
    }

    @wraps(function)
    def spread(**values: Any) -> T:
        for name, group in groups.items():
            values[name] = group(**{option.name: values.pop(option.name) for option in fields(group)})
        return function(**values)

    options: list[inspect.Parameter] = []
    for each in parameters:
        if each.name in groups:
            options += [_parameter(option) for option in fields(groups[each.name])]
        else:
            options.append(each.replace(kind=inspect.Parameter.KEYWORD_ONLY))
    spread.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    spread.__annotations__ = {option.name: option.annotation for option in options}
    return spread


def _parameter(option: Field[Any]) -> inspect.Parameter:
    default = inspect.Parameter.empty if option.default is MISSING else option.default
    if option.default_factory is not MISSING:
        default = option.default_factory()
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=option.type)
