"""The jobs and their feeds; a job's module is imported only if a feed needs it."""

import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass

import jobs.feeds
from lakewright.config import Feed, suggest
from lakewright.config_files import Conf, FeedDocument
from lakewright.errors import ConfigError, EmptySourceError, NoTargetsError
from lakewright.log.log import Log
from lakewright.quality.config import GatedFeed
from lakewright.quality.validation import check_suites
from lakewright.runs.job.target_job import AnyJob
from lakewright.storage.lake import Lake


@dataclass(frozen=True)
class LoadedFeed:
    """A feed that has been read and validated."""

    name: str
    feed: Feed
    document: FeedDocument

    def targets(self, lake: Lake, wanted: Sequence[str]) -> list[AnyJob]:
        """Return the feed's targets, or the wanted ones.

        Raises:
            ConfigError: If the feed has no target of a wanted name.
            NoTargetsError: If targets follow from source objects, and there are none.
        """
        module = importlib.import_module(f"jobs.{self.feed.job}")
        try:
            targets: list[AnyJob] = module.open_targets(self.name, self.feed, lake)
        except EmptySourceError as error:
            refused = self.feed.refuses_empty_source(committed=self._has_committed(lake))
            if wanted and not refused:
                raise ConfigError(f"feed {self.name} has no target {wanted[0]!r} now: {error}") from None
            raise NoTargetsError(self.name, self.feed.job, str(error), refused=refused) from None
        names = [job.target.name for job in targets]
        if unknown := [name for name in wanted if name not in names]:
            raise ConfigError(f"feed {self.name} has no target {unknown[0]!r}{suggest(unknown[0], names)}")
        return [job for job in targets if not wanted or job.target.name in wanted]

    def _has_committed(self, lake: Lake) -> bool:
        folder = f"state/{self.name}/"
        return any(Log(lake, f"{folder}{target}/").read()[0].committed for target in lake.folders(folder))


def load_feed(conf: Conf, name: str, settings: Sequence[str] = ()) -> LoadedFeed:
    """Read a feed.

    Raises:
        ConfigError: If the feed or its job does not exist, or the feed is invalid.
    """
    document = FeedDocument(conf, name, settings)
    known = job_names()
    if document.job not in known:
        raise ConfigError(f"{document.path}: unknown job {document.job!r}{suggest(document.job, known)}")
    feed = document.parse(feed_model(document.job))
    if isinstance(feed, GatedFeed):
        feed.read_suites(conf)
    return LoadedFeed(name, feed, document)


def check_gates(feed: Feed) -> None:
    """Validate what only Great Expectations knows of a feed's suites.

    Raises:
        ConfigError: If a suite is invalid, or needs the library and it is not installed.
    """
    if isinstance(feed, GatedFeed) and feed.gates:
        check_suites(feed.all_suites(), feed.gates.gate_engine)


def job_names() -> list[str]:
    """Return the names of all jobs: those of the modules in ``jobs.feeds``, which contain the feed models."""
    return sorted(module.name for module in pkgutil.iter_modules(jobs.feeds.__path__) if not module.ispkg)


def feed_model(job: str) -> type[Feed]:
    """Return the model of a job's feeds, such as ``CsvToParquetFeed`` for csv_to_parquet."""
    name = "".join(word.capitalize() for word in job.split("_")) + "Feed"
    model: type[Feed] = getattr(importlib.import_module(f"jobs.feeds.{job}"), name)
    return model
