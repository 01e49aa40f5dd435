"""The feeds and targets of a report: those of the config folder, and those of which only the state exists."""

import re
from collections.abc import Container, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from jobs.cli.registry import load_feed
from lakewright.concurrency import map_in_threads
from lakewright.config import suggest
from lakewright.config_files import Conf
from lakewright.errors import ConfigError, NoTargetsError, SparkMissingError
from lakewright.report.lake_report import ReportedFeed
from lakewright.report.problems import problem_of
from lakewright.report.targets import ReportedTarget
from lakewright.storage.lake import Lake

_OPENED_AT_ONCE: Final = 8
_SELECTION: Final = re.compile(r"(.+)-[0-9a-f]{8}", re.DOTALL)
_SPARK: Final = ("pyspark", "py4j")


def reported_feeds(lake: Lake, conf: Conf, wanted: Sequence[str], settings: Sequence[str] = ()) -> list[ReportedFeed]:
    """Return the wanted feeds, or all of them, with their targets.

    Raises:
        ConfigError: If a wanted feed has neither a file nor state.
    """
    configured, with_state = conf.names(), lake.folders("state/")
    known = sorted({*configured, *with_state})
    if unknown := [name for name in wanted if name not in known]:
        raise ConfigError(f"unknown feed {unknown[0]!r} in {conf.uri}{suggest(unknown[0], known)}")
    names = list(dict.fromkeys(wanted)) or known
    read = partial(_read_feed, lake, conf, settings, frozenset(configured))
    return list(map_in_threads(read, names, threads=_OPENED_AT_ONCE))


def _read_feed(lake: Lake, conf: Conf, settings: Sequence[str], configured: frozenset[str], name: str) -> ReportedFeed:
    """Read a feed and open its targets; if that fails, its targets are those that have state."""
    try:
        with_state = lake.folders(f"state/{name}/")
    except Exception as error:  # noqa: BLE001 - other feeds can still be read
        return ReportedFeed(name, problem=problem_of(error, f"state/{name}/"))
    if name not in configured:
        why = f"{conf.uri} has no feed of this name"
        targets = [ReportedTarget(name, target, orphaned=why) for target in with_state]
        return ReportedFeed(name, targets=targets, is_orphaned=True)
    feed = ReportedFeed(name, targets=[ReportedTarget(name, target) for target in with_state])
    try:
        loaded = load_feed(conf, name, settings)
        feed = ReportedFeed(name, loaded.feed.job, loaded.feed.description, feed.targets)
        jobs = loaded.targets(lake, [])
    except NoTargetsError as error:
        return replace(feed, nothing=error.found)
    except ModuleNotFoundError as error:
        missing = SparkMissingError() if error.name in _SPARK else error
        return replace(feed, problem=problem_of(missing, f"feed {name}"))
    except Exception as error:  # noqa: BLE001 - other feeds can still be read
        return replace(feed, problem=problem_of(error, f"feed {name}"))
    opened = {job.target.name: ReportedTarget(name, job.target.name, job) for job in jobs}
    others = [_without_job(name, target, opened) for target in with_state if target not in opened]
    return replace(feed, targets=[*opened.values(), *others])


def _without_job(feed: str, target: str, opened: Container[str]) -> ReportedTarget:
    """Describe state without a target; selected objects of a target (``source.objects``) have a log of their own."""
    if (selection := _SELECTION.fullmatch(target)) and selection[1] in opened:
        return ReportedTarget(feed, target, is_selection=True)
    why = "the feed has no such target now: it was renamed, or its source no longer has any object of it"
    return ReportedTarget(feed, target, orphaned=why)
