"""What lies at the source of a scrub, and what of it is to be scrubbed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lakewright.errors import ConfigError
from lakewright.folders import OWN_ZONES
from lakewright.in_place.packing import is_again, planned
from lakewright.json.scrub_rules import ScrubRules, hides_fields, rules_of
from lakewright.log.actions import TableState
from lakewright.log.log import Append, Plan
from lakewright.log.records import SourceObject
from lakewright.runs.job import FEED_CHANGED, Batch, Choice, Request, Survey
from lakewright.sources.listing import NOT_UTF8, describe_empty
from lakewright.storage.lake import Lake, StoredObject
from lakewright.storage.uris import open_lake
from transforms.object_names import as_text


@dataclass(frozen=True)
class ObjectsToScrub:
    """The reader of a scrub: all objects below a folder, or some of them by name.

    Attributes:
        project: The lake of the project; its own zones are never scrubbed.
        path: Where the objects lie: a folder in that lake, or a URI.
        names: Only these, by their names below the path.
    """

    project: Lake
    path: str
    names: tuple[str, ...]
    rules: ScrubRules

    skips_refused = True

    @property
    def lake(self) -> Lake:
        """Give the lake that the objects lie in."""
        return open_lake(self.path) if "://" in self.path else self.project

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:
        """See ``Reader.survey``: what the log does not hold; whether it is tagged shows when it is opened.

        What the log holds as scrubbed by other rules is scrubbed again. After a batch that was dropped because the feed
        changed, tags are not trusted either: they may stand for the rules of then.
        """
        lake, folder = self.lake, self.folder
        self._check(lake, request)
        refused, ignored = {}, {}
        chosen: list[SourceObject] = []
        done = hiding = 0
        for path, found in self._objects(lake):
            if found is not None and found.problem:
                ignored[as_text(path)] = found.problem
            elif reason := _reason_to_refuse(lake, path, found) or excluded.get(path):
                refused[as_text(path)] = reason
            elif found is None or not found.size:
                ignored[path] = "empty"
            elif self._is_own(lake, path):
                ignored[path] = "the project's own"
            elif (again := self._scrubs_again(state, request, path)) or self._is_news(state, found):
                chosen.append(planned(found, again=again))
            else:
                done, hiding = done + 1, hiding + hides_fields(state.objects[path])
        known = f"{hiding} objects hid fields in strings when that was looked for; {self.rules.advice()}"
        is_empty = not (chosen or refused or done)
        return Survey(
            Choice(chosen, Append()),
            refused=refused,
            ignored=ignored,
            schema_changes=_by_other_rules(chosen) if not request.everything else [],
            warnings=[known] if hiding else [],
            nothing=describe_empty(folder or f"{lake.uri}/", ignored, expected="an object to scrub")
            if is_empty
            else "",
        )

    def changed(self, plan: Plan) -> list[str]:  # noqa: ARG002
        """See ``Reader.changed``: whatever an object is by now, that is what is scrubbed."""
        return []

    def read(self, batch: Batch) -> Sequence[SourceObject]:
        """See ``Reader.read``: the workers read."""
        return batch.plan.objects

    @property
    def folder(self) -> str:
        """The folder of the objects in their lake; empty where it is the lake's root."""
        return "" if "://" in self.path else self.path.strip("/") + "/"

    def _check(self, lake: Lake, request: Request) -> None:
        if request.wanted:
            raise ConfigError("a scrub knows no dates; name objects instead: --set 'source.objects=[a.json]'")
        if self._is_own(lake, self.folder):
            raise ConfigError(f"source.path {self.path}: state/ and quarantine/ are the project's own")

    def _objects(self, lake: Lake) -> Iterator[tuple[str, StoredObject | None]]:
        if not self.names:
            yield from ((found.path, found) for found in lake.list(self.folder))
        for path in (self.folder + name for name in dict.fromkeys(self.names)):
            yield path, lake.stat(path)

    def _is_own(self, lake: Lake, path: str) -> bool:
        own = tuple(f"{self.project.uri}/{zone}/" for zone in OWN_ZONES)
        return f"{lake.uri}/{path}".startswith(own)

    def _scrubs_again(self, state: TableState, request: Request, path: str) -> bool:
        """Tell whether an object is scrubbed whatever its tag says."""
        feed_changed = state.last is not None and state.last.reason == FEED_CHANGED
        scrubbed = state.objects.get(path)
        by_others = scrubbed is not None and rules_of(scrubbed) != self.rules.name()
        return request.everything or feed_changed or by_others

    def _is_news(self, state: TableState, found: StoredObject) -> bool:
        """Tell whether the log lacks an object as it is, or holds that it hides fields, which are looked for."""
        if not state.has(found.path, found.etag):
            return True
        return self.rules.looks and hides_fields(state.objects[found.path])


def _reason_to_refuse(lake: Lake, path: str, found: StoredObject | None) -> str:
    if found is None:
        return "there is no such object"
    if as_text(path) != path:
        return NOT_UTF8
    is_local = not lake.uri.startswith("s3://")
    return "it does not lie below source.path" if is_local and {"", ".", ".."} & set(path.split("/")) else ""


def _by_other_rules(chosen: Sequence[SourceObject]) -> list[str]:
    count = sum(map(is_again, chosen))
    return [f"{count} objects may have been scrubbed by other rules, and are scrubbed again"] if count else []
