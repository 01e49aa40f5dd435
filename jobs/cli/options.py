"""The options that the verbs and the script entry point share, and what they stand for."""

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass, replace
from functools import wraps
from typing import Annotated, Any, Final, Self, TypeVar

import typer

from jobs.cli.registry import LoadedFeed, load_feed
from lakewright.buckets import use_lake_file
from lakewright.config import Conf, lake_uri
from lakewright.errors import ConfigError
from lakewright.runs.job import AnyJob
from lakewright.storage.lake import Lake
from lakewright.storage.uris import open_lake

T = TypeVar("T")

_COMMA: Final = re.compile(r"(?<!\\),")

DropOpen = Annotated[bool, typer.Option("--drop-open", help="Drop a batch that an earlier run left open.")]

ShowValues = Annotated[bool, typer.Option("--show-values", help="Let errors, receipts and logs quote the data.")]


@dataclass(frozen=True, kw_only=True)
class ConfigOptions:
    """Where feeds lie, and what is set over them."""

    config: Annotated[
        str,
        typer.Option("--config", metavar="DIR", envvar="LAKEWRIGHT_CONFIG", help="Folder of the config, or s3://…"),
    ] = "conf"
    settings: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="KEY=VALUE[,KEY=VALUE…]",
            help="Over the feed's own. A comma ends a value only before a key and =; quote a value that holds such.",
        ),
    ] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class FeedOptions(ConfigOptions):
    """Which feed, in which lake, and which of its targets."""

    feed: Annotated[str, typer.Argument(metavar="FEED", help="Name of a feed: conf/feeds/FEED.yaml.")]
    lake: Annotated[str | None, typer.Option("--lake", help="The lake's root; else LAKEWRIGHT_LAKE, else ./lake.")] = (
        None
    )
    target: Annotated[
        list[str], typer.Option("--target", metavar="NAME[,NAME…]", help="Only these tables; a comma in a name is \\,.")
    ] = field(default_factory=list)

    def showing(self, *, values: bool) -> Self:
        """Give these options, with values of the data shown whatever the feed says, if that is asked for."""
        return replace(self, settings=[*self.settings, "show_values=true"]) if values else self

    def load(self) -> LoadedFeed:
        """Read the feed."""
        return load_feed(Conf(self.config), self.feed, self.settings)

    def wanted_targets(self) -> list[str]:
        """Name the targets that are wanted; none for all."""
        return read_names(self.target)

    def open_lake(self) -> Lake:
        """Open the lake, which must be there."""
        use_lake_file(Conf(self.config))
        lake = open_lake(lake_uri(self.lake))
        lake.check()
        return lake

    def for_each_target(self, view: Callable[[Lake, AnyJob], T]) -> list[T]:
        """Give a view of each target that is wanted."""
        lake = self.open_lake()
        return [view(lake, job) for job in self.load().targets(lake, self.wanted_targets())]


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
            if wanted.setdefault(key, value) != value:
                raise ConfigError(f"{key} is both {wanted[key]} and {value}; name it once, in --date or --partition")
        return wanted


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """How a verb answers."""

    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False
    verbose: Annotated[bool, typer.Option("--verbose", help="Show tracebacks and the log of the JVM.")] = False


def read_names(arguments: Sequence[str]) -> list[str]:
    r"""Read names between commas, in one argument or in several; a comma in a name is ``\,``.

    Raises:
        ConfigError: If a name is empty.
    """
    names: list[str] = []
    for argument in arguments:
        names += [name.strip().replace("\\,", ",") for name in _COMMA.split(argument)]
        if "" in names:
            raise ConfigError(f"--target takes NAME[,NAME…], and a name is empty in {argument!r}")
    return names


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
