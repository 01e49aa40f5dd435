"""The options that the verbs and the script entry point share, and what they stand for."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from functools import wraps
from typing import Annotated, Any, TypeVar

import typer

from jobs.cli.registry import LoadedFeed, load_feed
from lakewright.config import Conf, lake_uri
from lakewright.errors import ConfigError
from lakewright.runs.job import AnyJob
from lakewright.storage.lake import Lake
from lakewright.storage.uris import open_lake

T = TypeVar("T")

DropOpen = Annotated[bool, typer.Option("--drop-open", help="Drop a batch that an earlier run left open.")]


@dataclass(frozen=True, kw_only=True)
class ConfigOptions:
    """Where feeds lie, and what is set over them."""

    conf: Annotated[str, typer.Option("--conf", help="Folder of the config, or s3://…")] = "conf"
    settings: Annotated[list[str], typer.Option("--set", help="key=value over the feed's own (repeatable).")] = field(
        default_factory=list
    )


@dataclass(frozen=True, kw_only=True)
class FeedOptions(ConfigOptions):
    """Which feed, in which lake, and which of its targets."""

    feed: Annotated[str, typer.Argument(metavar="FEED", help="Name of a feed: conf/feeds/FEED.yaml.")]
    lake: Annotated[str | None, typer.Option("--lake", help="The lake's root; else LAKEWRIGHT_LAKE, else ./lake.")] = (
        None
    )
    target: Annotated[list[str], typer.Option("--target", help="Only this table (repeatable).")] = field(
        default_factory=list
    )

    def load(self) -> LoadedFeed:
        """Read the feed."""
        return load_feed(Conf(self.conf), self.feed, self.settings)

    def open_lake(self) -> Lake:
        """Open the lake, which must be there."""
        lake = open_lake(lake_uri(self.lake))
        lake.check()
        return lake

    def for_each_target(self, view: Callable[[Lake, AnyJob], T]) -> list[T]:
        """Give a view of each target that is wanted."""
        lake = self.open_lake()
        return [view(lake, job) for job in self.load().targets(lake, self.target)]


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """Which partitions of the source."""

    date: Annotated[str | None, typer.Option("--date", help="Only the sources of this day: 2026-08-01.")] = None
    partition: Annotated[str | None, typer.Option("--partition", help="Only these: year=2026,month=08.")] = None

    def wanted(self) -> dict[str, str]:
        """Read ``--date 2026-08-01`` or ``--partition year=2026,month=08``.

        Raises:
            ConfigError: If it is neither.
        """
        wanted: dict[str, str] = {}
        if self.date:
            parts = self.date.split("-")
            if [len(part) for part in parts] != [4, 2, 2] or not all(part.isdigit() for part in parts):
                raise ConfigError(f"--date takes a day such as 2026-08-01, not {self.date!r}")
            wanted = dict(zip(("year", "month", "day"), parts, strict=True))
        for pair in self.partition.split(",") if self.partition else ():
            key, separator, value = pair.partition("=")
            if not separator or key not in ("year", "month", "day"):
                raise ConfigError(
                    f"--partition takes year=2026,month=08,day=01 or a part of it, not {self.partition!r}"
                )
            wanted[key] = value
        return wanted


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """How a verb answers."""

    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False
    verbose: Annotated[bool, typer.Option("--verbose", help="Show tracebacks and the log of the JVM.")] = False


def spread_options(function: Callable[..., T]) -> Callable[..., T]:
    """Replace each parameter that is a dataclass by one parameter a field, since typer knows no groups of options."""
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
