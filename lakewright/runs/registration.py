"""The last commit registered in the catalog; a run registers what an earlier one could not."""

import contextlib
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from lakewright.errors import CatalogError
from lakewright.log.state import TableState
from lakewright.runs.job.target_job import AnyJob
from lakewright.runs.progress import TRACEBACKS
from lakewright.storage.lake import Lake, StoredObject
from lakewright.unexpected import cause_of, trace_of


class Registered(BaseModel):
    """The last registration: batch, feed fingerprint and lake; ``entry`` names the tables."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    batch: int
    config_hash: str
    lake: str
    entry: str


class Registration:
    """The catalog entry of one target, and ``state/<feed>/<target>/catalog``, its last registration."""

    def __init__(self, lake: Lake, job: AnyJob) -> None:
        self._lake, self._job = lake, job
        self._path = f"{job.target.state_folder}catalog"
        self._noted: Registered | None = None

    def is_due(self, state: TableState) -> bool:
        """Return whether the catalog may be behind the last commit.

        A table whose layout differs from the feed's is left unchanged until `rebuild`.
        """
        if not state.committed or state.other_layout(self._job.sink.layout()) or self._job.sink.catalog() is None:
            return False
        last = self._last()
        return last is None or last != self._now(state, last.entry)

    def register(self, state: TableState) -> tuple[str, list[str]]:
        """Register a state.

        Returns:
            The name of the entry, and warnings.

        Raises:
            CatalogError: If that failed for any reason.
        """
        noted, last = self._lake.stat(self._path), self._last()
        try:
            catalog = self._job.sink.catalog()
            entry = catalog.register(state) if catalog else ""
        except CatalogError as error:
            raise CatalogError(
                f"{error}; the data is committed, and the next run tries to register it again"
            ) from error
        except Exception as error:
            shows = self._job.feed.show_values
            TRACEBACKS.error("%s: unexpected\n%s", self._job.target.name, trace_of(error, shows_values=shows))
            raise CatalogError(
                "the table could not be registered in the catalog: unexpected "
                f"{cause_of(error, shows_values=shows)}; the data is committed, and the next run tries to register it "
                "again"
            ) from error
        self._note(self._now(state, entry), instead_of=noted)
        if last is None or last.entry == entry:
            return entry, []
        return entry, [f"{last.entry} in the catalog is no longer updated: the table is now {entry}"]

    def _now(self, state: TableState, entry: str) -> Registered:
        config_hash = self._job.feed.fingerprint()
        return Registered(batch=state.committed, config_hash=config_hash, lake=self._lake.uri, entry=entry)

    def _last(self) -> Registered | None:
        """Return the last registration: that of this run, or of an earlier one, which is read once."""
        if self._noted is None:
            with contextlib.suppress(FileNotFoundError, ValidationError):
                self._noted = Registered.model_validate_json(self._lake.read(self._path))
        return self._noted

    def _note(self, registered: Registered, *, instead_of: StoredObject | None) -> None:
        self._noted, body, path = registered, registered.model_dump_json().encode(), self._path
        etag = instead_of.etag if instead_of else ""
        if not (self._lake.replace(path, body, etag=etag) if etag else self._lake.create(path, body)):
            # Another run registered a later batch at the same time: either may have reached the catalog last.
            self._lake.delete(path)
            self._noted = None
