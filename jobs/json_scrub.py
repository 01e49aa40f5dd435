"""JSON-lines objects lose the content of some fields where they lie, under the same key."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

from jobs.entrypoint import run_as_script
from jobs.json_scrub_feed import JsonScrubFeed
from lakewright.catalog import Catalog
from lakewright.errors import ConfigError
from lakewright.lake import Lake, StoredObject, open_lake
from lakewright.log import Counts, Plan, SourceObject, TableState
from lakewright.progress import Progress
from lakewright.runs import Request, Staged, Survey, Target
from lakewright.scrub import Scrubbed, scrub_objects
from lakewright.session import get_session
from lakewright.sources import Choice

#: Smaller objects share a task, since a task costs as much as some of them.
_SMALL: Final = 8 << 20
_PACK_BYTES: Final = 32 << 20
_PACK_OBJECTS: Final = 200
_TASKS_PER_CORE: Final = 4


class JsonScrub:
    """The job for its one target, the objects themselves; see ``lakewright.runs.TargetJob``."""

    skips_refused = True

    def __init__(self, feed_name: str, feed: JsonScrubFeed, lake: Lake) -> None:
        self.feed = feed
        path = feed.source.path
        name = path.strip("/").rsplit("/", 1)[-1]
        self.target = Target(feed_name, name, f"state/{feed_name}/{name}/")
        self._lake = open_lake(path) if "://" in path else lake
        self._folder = "" if "://" in path else path.strip("/") + "/"

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:
        """See ``TargetJob.survey``: what the log does not hold; whether it is tagged shows when it is opened."""
        if request.wanted:
            raise ConfigError("a scrub knows no dates; name objects instead: --set 'source.objects=[a.json]'")
        if request.everything and self.feed.source.objects:
            raise ConfigError("rebuild scrubs all objects again: leave source.objects out")
        if state.layout and state.layout != self.layout() and not request.everything:
            raise ConfigError(
                f"objects were scrubbed of {state.layout}, and the feed says {self.layout()}; run `rebuild` to scrub "
                "all of them again"
            )
        refused: dict[str, str] = {}
        ignored: dict[str, str] = {}
        chosen = []
        for path, found in self._named() if self.feed.source.objects else self._listed():
            if found is None:
                refused[path] = "there is no such object"
            elif path in excluded:
                refused[path] = excluded[path]
            elif not found.size:
                ignored[path] = "empty"
            elif request.everything or not state.has(path, found.etag):
                chosen.append(SourceObject(path=path, size=found.size, etag=found.etag))
        return Survey(Choice(chosen, None if request.everything else []), refused=refused, ignored=ignored)

    def changed(self, plan: Plan) -> list[str]:  # noqa: ARG002
        """See ``TargetJob.changed``: whatever an object is by now, that is what is scrubbed."""
        return []

    def processing_date(self) -> str:
        """See ``TargetJob.processing_date``."""
        return datetime.now(UTC).date().isoformat()

    def stage(self, plan: Plan, folder: str, progress: Progress) -> Staged:  # noqa: ARG002 - nothing is staged
        """See ``TargetJob.stage``: each object is replaced as soon as it has been read to its end."""
        spark = get_session().sparkContext
        packs = list(packed(plan.objects, cores=spark.defaultParallelism))
        scrub = partial(scrub_objects, self._lake.uri, rules=self.feed.rules(), again=plan.replaces is None)
        results: list[Scrubbed] = spark.parallelize(packs, len(packs)).flatMap(scrub).collect()
        done = {found.path: found for found in results if found.status in ("scrubbed", "already")}
        records = sum(found.numbers.get("records", 0) for found in done.values())
        return Staged(
            counts=Counts(read=records, written=records),
            handed=records,
            taken=[SourceObject(path=found.path, size=found.size, etag=found.etag) for found in done.values()],
            numbers={path: found.numbers for path, found in done.items()},
            refused={found.path: found.reason for found in results if found.status == "refused"},
            unreached={found.path: found.reason for found in results if found.status == "unreached"},
        )

    def layout(self) -> str:
        """See ``TargetJob.layout``: what the objects of the log have lost."""
        said = self.feed.scrub
        return f"{', '.join(sorted(said.fields))} ({said.depth}, for {self.feed.rules().replacement.decode()})"

    def catalog(self) -> Catalog | None:
        """See ``TargetJob.catalog``."""
        return None

    def _listed(self) -> Iterator[tuple[str, StoredObject | None]]:
        return ((found.path, found) for found in self._lake.list(self._folder) if not found.path.endswith("/"))

    def _named(self) -> Iterator[tuple[str, StoredObject | None]]:
        paths = (self._folder + name for name in dict.fromkeys(self.feed.source.objects))
        return ((path, self._lake.stat(path)) for path in paths)


def packed(objects: Sequence[SourceObject], *, cores: int) -> Iterator[list[str]]:
    """Spread objects over tasks, largest first: a large one has its own, small ones share one."""
    most = max(1, min(_PACK_OBJECTS, len(objects) // (_TASKS_PER_CORE * cores)))
    pack: list[str] = []
    pack_bytes = 0
    for found in sorted(objects, key=lambda found: -found.size):
        if pack and (len(pack) >= most or found.size >= _SMALL or pack_bytes + found.size > _PACK_BYTES):
            yield pack
            pack, pack_bytes = [], 0
        pack.append(found.path)
        pack_bytes += found.size
    if pack:
        yield pack


def open_targets(feed_name: str, feed: JsonScrubFeed, lake: Lake) -> list[JsonScrub]:
    """Give the targets of a feed: this job has one."""
    return [JsonScrub(feed_name, feed, lake)]


if __name__ == "__main__":
    sys.exit(run_as_script())
