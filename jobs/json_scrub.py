"""JSON-lines objects lose the content of some fields where they lie, under the same key."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Final

from jobs.cli.entrypoint import run_as_script
from jobs.feeds.json_scrub import JsonScrubFeed
from lakewright.aws.catalog import Catalog
from lakewright.engine.spark.session import get_session
from lakewright.engine.spark.spread import spread
from lakewright.errors import ConfigError
from lakewright.json.scrub import scrub_objects
from lakewright.runs.job import FEED_CHANGED, Request, Staged, Survey, Target
from lakewright.runs.log import Counts, Plan, SourceObject, TableState
from lakewright.runs.progress import Progress
from lakewright.sources.listing import describe_empty
from lakewright.sources.selection import Choice
from lakewright.storage.lake import Lake, StoredObject
from lakewright.storage.uris import open_lake

#: Smaller objects share a task, since a task costs as much as some of them.
_SMALL: Final = 8 << 20
_PACK_BYTES: Final = 32 << 20
_PACK_OBJECTS: Final = 200
_TASKS_PER_CORE: Final = 4
_NAMED_IN_A_WARNING: Final = 10


class JsonScrub:
    """The job for its one target, the objects themselves; see ``lakewright.runs.job.TargetJob``."""

    skips_refused = True

    def __init__(self, feed_name: str, feed: JsonScrubFeed, lake: Lake) -> None:
        self.feed = feed
        path = feed.source.path
        name = path.strip("/").rsplit("/", 1)[-1]
        if feed.source.objects:  # a log of their own, so that runs over some objects do not wait for one another
            name += "-" + sha256("\n".join(feed.source.objects).encode()).hexdigest()[:8]
        self.target = Target(feed_name, name, f"state/{feed_name}/{name}/")
        self._lake = open_lake(path) if "://" in path else lake
        self._folder = "" if "://" in path else path.strip("/") + "/"
        self._where = self._folder or f"{self._lake.uri}/"
        self._own = tuple(f"{lake.uri}/{zone}/" for zone in ("state", "quarantine"))

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:
        """See ``TargetJob.survey``: what the log does not hold; whether it is tagged shows when it is opened.

        What the log holds as scrubbed by other rules is scrubbed again. After a batch that was dropped because the feed
        changed, marks are not trusted either: they may stand for the rules of then.
        """
        if request.wanted:
            raise ConfigError("a scrub knows no dates; name objects instead: --set 'source.objects=[a.json]'")
        if f"{self._lake.uri}/{self._folder}".startswith(self._own):
            raise ConfigError(f"source.path {self.feed.source.path}: state/ and quarantine/ are the project's own")
        changed = state.last is not None and state.last.reason == FEED_CHANGED
        rules = self.feed.rules()
        refused, ignored, chosen = {}, {}, []
        hiding = done = 0
        for path, found in self._named() if self.feed.source.objects else self._listed():
            done_by = state.objects[path].done_by if path in state.objects else rules.name()
            again = request.everything or changed or done_by not in (rules.name(), rules.name(hides=True))
            if reason := self._reason_to_refuse(path, found) or excluded.get(path):
                refused[printable(path)] = reason
            elif found is None or not found.size:
                ignored[path] = "empty"
            elif f"{self._lake.uri}/{path}".startswith(self._own):
                ignored[path] = "the project's own"
            elif again or not state.has(path, found.etag) or (done_by == rules.name(hides=True) and rules.looks):
                chosen.append(SourceObject(path=path, size=found.size, etag=found.etag, again=again))
            else:
                done, hiding = done + 1, hiding + (done_by == rules.name(hides=True))
        other = sum(taken.again for taken in chosen) if not request.everything else 0
        changes = [f"{other} objects may have been scrubbed by other rules, and are scrubbed again"] if other else []
        known = f"{hiding} objects hid fields in strings when that was looked for; {rules.advice()}"
        is_empty = not (chosen or refused or done)
        return Survey(
            Choice(chosen, []),
            refused=refused,
            ignored=ignored,
            schema_changes=changes,
            warnings=[known] if hiding else [],
            nothing=describe_empty(self._where, ignored, whose="one to scrub") if is_empty else "",
        )

    def changed(self, plan: Plan) -> list[str]:  # noqa: ARG002
        """See ``TargetJob.changed``: whatever an object is by now, that is what is scrubbed."""
        return []

    def processing_date(self) -> str:
        """See ``TargetJob.processing_date``."""
        return datetime.now(UTC).date().isoformat()

    def stage(self, plan: Plan, folder: str, progress: Progress) -> Staged:  # noqa: ARG002 - nothing is staged
        """See ``TargetJob.stage``: each object is replaced as soon as it has been read to its end."""
        spark, rules = get_session(), self.feed.rules()
        packs = list(packed(plan.objects, cores=spark.sparkContext.defaultParallelism))
        answers = spread(spark, partial(scrub_objects, self._lake.uri, rules=rules), packs)
        results = [scrubbed for answer in answers for scrubbed in answer]
        self._lake.remove_abandoned(self._folder)
        done = [found for found in results if found.status in ("scrubbed", "already")]
        written = sum(found.numbers.get("records_out", 0) for found in done)
        return Staged(
            counts=Counts(read=sum(found.numbers.get("records", 0) for found in done), written=written),
            handed=written,
            taken=[
                SourceObject(
                    path=found.path, size=found.size, etag=found.etag, done_by=rules.name(hides=found.hidden > 0)
                )
                for found in done
            ],
            numbers={found.path: found.numbers for found in results if found.status in ("scrubbed", "already", "gone")},
            refused={found.path: found.reason for found in results if found.status == "refused"},
            unreached={found.path: found.reason for found in results if found.status == "unreached"},
            warnings=_warnings({found.path: found.hidden for found in done if found.hidden}, rules.advice()),
        )

    def layout(self) -> str:
        """See ``TargetJob.layout``: there is no table, and what each object has lost is in the log."""
        return "in place"

    def catalog(self) -> Catalog | None:
        """See ``TargetJob.catalog``."""
        return None

    def _listed(self) -> Iterator[tuple[str, StoredObject | None]]:
        return ((found.path, found) for found in self._lake.list(self._folder))

    def _named(self) -> Iterator[tuple[str, StoredObject | None]]:
        paths = (self._folder + name for name in dict.fromkeys(self.feed.source.objects))
        return ((path, self._lake.stat(path)) for path in paths)

    def _reason_to_refuse(self, path: str, found: StoredObject | None) -> str:
        if found is None:
            return "there is no such object"
        if printable(path) != path:
            return "its name is not UTF-8; rename it"
        is_local = not self._lake.uri.startswith("s3://")
        return "it does not lie below source.path" if is_local and {"", ".", ".."} & set(path.split("/")) else ""


def printable(path: str) -> str:
    """Give a path as text; bytes of a local name that are not UTF-8 become replacement characters."""
    return path.encode(errors="surrogateescape").decode(errors="replace")


def _warnings(hidden: Mapping[str, int], advice: str) -> list[str]:
    """Name the objects that hide fields in strings, each with how many such strings it has."""
    if not hidden:
        return []
    named = [f"{path} ({count})" for path, count in list(hidden.items())[:_NAMED_IN_A_WARNING]]
    more = f" and {len(hidden) - len(named)} more objects" if len(hidden) > len(named) else ""
    return [f"fields to scrub are still there, in JSON inside strings of {', '.join(named)}{more}; {advice}"]


def packed(objects: Sequence[SourceObject], *, cores: int) -> Iterator[list[tuple[str, bool]]]:
    """Spread objects over tasks, largest first: a large one has its own, small ones share one.

    Returns:
        For each task, paths and whether marks of the object are not to be trusted.
    """
    most = max(1, min(_PACK_OBJECTS, len(objects) // (_TASKS_PER_CORE * cores)))
    pack: list[tuple[str, bool]] = []
    pack_bytes = 0
    for found in sorted(objects, key=lambda found: -found.size):
        if pack and (len(pack) >= most or found.size >= _SMALL or pack_bytes + found.size > _PACK_BYTES):
            yield pack
            pack, pack_bytes = [], 0
        pack.append((found.path, found.again))
        pack_bytes += found.size
    if pack:
        yield pack


def open_targets(feed_name: str, feed: JsonScrubFeed, lake: Lake) -> list[JsonScrub]:
    """Give the targets of a feed: this job has one."""
    return [JsonScrub(feed_name, feed, lake)]


if __name__ == "__main__":
    sys.exit(run_as_script())
