"""The reader of a scrub: the objects of the source, and which of them to scrub."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lakewright.errors import ConfigError
from lakewright.folders import OWN_ZONES
from lakewright.in_place.packing import is_again, planned
from lakewright.json.scrub_rules import ScrubRules, hides_fields, rules_of
from lakewright.log.log import Append, Plan
from lakewright.log.records import SourceObject
from lakewright.log.state import TableState
from lakewright.runs.job.batch import Batch, Choice, Survey
from lakewright.runs.job.request import Request
from lakewright.runs.job.target_job import FEED_CHANGED
from lakewright.sources.listing import NOT_UTF8, describe_empty
from lakewright.storage.lake import Lake, StoredObject
from lakewright.storage.uris import open_lake
from transforms.object_names import as_text


@dataclass(frozen=True)
class ObjectsToScrub:
    """The reader of a scrub: all objects below a folder, or only some by name.

    Attributes:
        project: The lake of the project; ``state/`` and ``quarantine/`` in it are never scrubbed.
        path: A folder in that lake, or a URI.
        names: Only these objects, relative to the path.
    """

    project: Lake
    path: str
    names: tuple[str, ...]
    rules: ScrubRules

    skips_refused = True

    @property
    def lake(self) -> Lake:
        """The lake of the objects."""
        return open_lake(self.path) if "://" in self.path else self.project

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:
        """See ``Reader.survey``. Chooses objects that the log does not contain; tags are read when objects are opened.

        Objects that were scrubbed by other rules are scrubbed again. After a batch that was dropped because the feed
        had changed, tags are not trusted: they may be from the former rules.
        """
        lake, folder = self.lake, self.folder
        self._check(lake, request)
        refused, ignored = {}, {}
        chosen: list[SourceObject] = []
        done = hiding = 0
        for path, stored in self._objects(lake):
            if stored is not None and stored.problem:
                ignored[as_text(path)] = stored.problem
            elif reason := _reason_to_refuse(lake, path, stored) or excluded.get(path):
                refused[as_text(path)] = reason
            elif stored is None or not stored.size:
                ignored[path] = "empty"
            elif self._is_own(lake, path):
                ignored[path] = "in state/ or quarantine/ of the project"
            elif (again := self._scrubs_again(state, request, path)) or self._is_new(state, stored):
                chosen.append(planned(stored, again=again))
            else:
                done, hiding = done + 1, hiding + hides_fields(state.objects[path])
        known = f"{hiding} objects hid fields in strings when they were last checked; {self.rules.advice()}"
        is_empty = not (chosen or refused or done)
        return Survey(
            Choice(chosen, Append()),
            refused=refused,
            ignored=ignored,
            config_changes=_by_other_rules(chosen) if not request.everything else [],
            warnings=[known] if hiding else [],
            nothing=describe_empty(folder or f"{lake.uri}/", ignored, expected="an object to scrub")
            if is_empty
            else "",
        )

    def changed(self, plan: Plan) -> list[str]:  # noqa: ARG002
        """See ``Reader.changed``. Always empty: the current version of each object is scrubbed."""
        return []

    def read(self, batch: Batch) -> Sequence[SourceObject]:
        """See ``Reader.read``. Workers read the contents."""
        return batch.plan.objects

    @property
    def folder(self) -> str:
        """The folder of the objects in their lake; empty for the root of the lake."""
        return "" if "://" in self.path else self.path.strip("/") + "/"

    def _check(self, lake: Lake, request: Request) -> None:
        if request.wanted:
            raise ConfigError("a scrub has no dates; select objects instead: --set 'source.objects=[a.json]'")
        if self._is_own(lake, self.folder):
            raise ConfigError(f"source.path {self.path}: state/ and quarantine/ of the project cannot be scrubbed")

    def _objects(self, lake: Lake) -> Iterator[tuple[str, StoredObject | None]]:
        if not self.names:
            yield from ((stored.path, stored) for stored in lake.list(self.folder))
        for path in (self.folder + name for name in dict.fromkeys(self.names)):
            yield path, lake.stat(path)

    def _is_own(self, lake: Lake, path: str) -> bool:
        own = tuple(f"{self.project.uri}/{zone}/" for zone in OWN_ZONES)
        return f"{lake.uri}/{path}".startswith(own)

    def _scrubs_again(self, state: TableState, request: Request, path: str) -> bool:
        """Return whether to scrub an object even if it is tagged."""
        feed_changed = state.last is not None and state.last.reason == FEED_CHANGED
        scrubbed = state.objects.get(path)
        by_others = scrubbed is not None and rules_of(scrubbed) != self.rules.name()
        return request.everything or feed_changed or by_others

    def _is_new(self, state: TableState, stored: StoredObject) -> bool:
        """Return whether the log lacks this version of an object, or notes hidden fields that the rules look for."""
        if not state.has(stored.path, stored.etag):
            return True
        return self.rules.looks and hides_fields(state.objects[stored.path])


def _reason_to_refuse(lake: Lake, path: str, stored: StoredObject | None) -> str:
    if stored is None:
        return "the object does not exist"
    if as_text(path) != path:
        return NOT_UTF8
    is_local = not lake.uri.startswith("s3://")
    return "it is not below source.path" if is_local and {"", ".", ".."} & set(path.split("/")) else ""


def _by_other_rules(chosen: Sequence[SourceObject]) -> list[str]:
    count = sum(map(is_again, chosen))
    return [f"{count} objects may have been scrubbed by other rules and are scrubbed again"] if count else []
