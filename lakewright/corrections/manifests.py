"""Corrections in the lake: what each one replaces, and how they are stored.

A correction object is a source object of its feed, in the source's format. A manifest names, for each of its records,
the record that it replaces: a position in one version of another object, the original.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from lakewright.concurrency import ThreadPool
from lakewright.errors import StateError
from lakewright.log.log import Plan
from lakewright.log.records import Record, SourceObject
from lakewright.storage.lake import Lake

#: Notes of a correction object in the log: path and ETag of its original.
CORRECTS: Final = "corrects"
CORRECTED_ETAG: Final = "corrected_etag"

_FORMAT: Final = 1
_MANIFEST: Final = "manifest.json"
_OBJECTS: Final = "objects"
_READ_AT_ONCE: Final = 8
_ID_DIGITS: Final = 16
#: A correction object, after the folder of its replay; a feed or target may itself be named ``objects``.
_BELOW_OBJECTS: Final = re.compile(rf"(/[0-9a-f]{{{_ID_DIGITS}}}/){_OBJECTS}/.*", re.DOTALL)


class CorrectionObject(Record, frozen=True):
    """A correction object, as its manifest describes it.

    Attributes:
        path: Its path in the lake.
        original: The path of its original.
        etag: The version of the original.
        name: The path of the original below the source's folder, which determines date and topic of the records.
        positions: The position in the original of the record that each of its records replaces.
        offsets: Of events, the offset of each record, unless the record carries one.
    """

    path: str
    original: str
    etag: str
    name: str
    positions: list[int]
    offsets: tuple[int, ...] = ()


class _Manifest(Record, frozen=True):
    format: int
    objects: list[CorrectionObject]


#: Built on import; see ``lakewright.log.entries``.
_DECODER: Final = msgspec.json.Decoder(_Manifest)


@dataclass(frozen=True)
class Correction:
    """A correction object that exists."""

    described: CorrectionObject
    size: int
    etag: str
    modified: datetime

    @property
    def path(self) -> str:
        """Its path in the lake."""
        return self.described.path

    @property
    def original(self) -> tuple[str, str]:
        """Path and ETag of its original."""
        return self.described.original, self.described.etag


@dataclass(frozen=True)
class NewCorrection:
    """The content of a correction object that is to be written; see ``CorrectionObject``."""

    original: str
    etag: str
    name: str
    positions: Sequence[int]
    body: bytes
    offsets: Sequence[int] = ()


class CorrectionFolder:
    """The corrections of a target.

    Attributes:
        lake: The lake; corrections are always in it, even if the source is not.
    """

    def __init__(self, lake: Lake, folder: str, *, read_folder: str = "") -> None:
        """Open the folder; corrections are also read from other folders below ``read_folder``, if it is given."""
        self.lake = lake
        self._folder, self._read_folder = folder, read_folder or folder

    def look(self) -> list[Correction]:
        """List all corrections, in the order of their paths."""
        stored = {entry.path: entry for entry in self.lake.list(self._read_folder)}
        manifests = [path for path in stored if path.endswith(f"/{_MANIFEST}") and not _BELOW_OBJECTS.search(path)]
        found = ((each, stored[each.path]) for each in self._described(manifests) if each.path in stored)
        return [Correction(each, entry.size, entry.etag, entry.modified) for each, entry in found]

    def describe(self, objects: Iterable[SourceObject]) -> dict[str, CorrectionObject]:
        """Return the descriptions of those of a batch's objects that are corrections, by path."""
        paths = {source.path for source in objects if CORRECTS in source.notes}
        manifests = sorted({_BELOW_OBJECTS.sub(rf"\1{_MANIFEST}", path) for path in paths})
        return {each.path: each for each in self._described(manifests) if each.path in paths}

    def superseded(self, objects: Iterable[SourceObject]) -> dict[tuple[str, str], list[int]]:
        """Return the positions that the corrections among a batch's objects replace, by path and ETag of the original.

        The rows of an original that was read in an earlier batch are not affected: they left quarantine.
        """
        superseded: dict[tuple[str, str], list[int]] = {}
        for each in self.describe(objects).values():
            superseded.setdefault((each.original, each.etag), []).extend(each.positions)
        return superseded

    def write(self, corrections: Sequence[NewCorrection]) -> list[str]:
        """Store corrections, and return their paths; they count once the manifest is written, which is last.

        The folder is named by a hash of the content, so that a killed replay is repeated without harm.
        """
        folder = f"{self._folder}{_hash(corrections)}/"
        objects = []
        for each in corrections:
            path = f"{folder}{_OBJECTS}/{each.name}"
            self.lake.create(path, each.body)
            positions, offsets = list(each.positions), tuple(each.offsets)
            objects.append(CorrectionObject(path, each.original, each.etag, each.name, positions, offsets))
        self.lake.create(f"{folder}{_MANIFEST}", msgspec.json.encode(_Manifest(_FORMAT, objects)))
        return [each.path for each in objects]

    def _described(self, manifests: Iterable[str]) -> list[CorrectionObject]:
        with ThreadPool(_READ_AT_ONCE) as pool:
            return [each for objects in pool.map(self._read, manifests) for each in objects]

    def _read(self, path: str) -> list[CorrectionObject]:
        try:
            manifest = _DECODER.decode(self.lake.read(path))
        except msgspec.MsgspecError as error:
            raise StateError(f"{path} is not a valid manifest of corrections: {error}; restore it") from error
        if manifest.format > _FORMAT:
            raise StateError(
                f"{path} was written by a newer version (format {manifest.format}; this one reads up to {_FORMAT}): "
                "run that version"
            )
        return manifest.objects


def withdraw(lake: Lake, paths: Iterable[str]) -> None:
    """Delete correction objects that no batch has committed: they no longer count, and their rows stay in quarantine.

    Objects without a manifest and manifests without objects do not count, so a killed withdrawal does no harm.
    """
    lake.delete_all(sorted(paths))


def has_corrections(plan: Plan) -> bool:
    """Return whether a batch reads corrections."""
    return any(CORRECTS in source.notes for source in plan.objects)


def _hash(corrections: Sequence[NewCorrection]) -> str:
    digest = hashlib.sha256()
    for each in corrections:
        head = msgspec.json.encode((each.original, each.etag, each.name, list(each.positions), len(each.body)))
        digest.update(head + each.body)
    return digest.hexdigest()[:_ID_DIGITS]
