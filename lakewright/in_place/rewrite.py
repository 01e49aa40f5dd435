"""Rewrite objects in place, one by one: in a worker, a Lambda or a test."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Final, Literal, NamedTuple, Protocol, cast

from lakewright.concurrency import ThreadPool
from lakewright.errors import AccountingError, ObjectRefusedError, OvertakenError, UnreachableError
from lakewright.log.actions.objects import ALREADY
from lakewright.log.records import Counts
from lakewright.measuring.work import Done, advance
from lakewright.storage.in_place import ObjectsInPlace, Opened, Replaced
from lakewright.storage.uris import open_in_place
from lakewright.unexpected import cause_of
from transforms.errors import DataError, LakewrightError

_TRIES_AT_A_MOVING_OBJECT: Final = 5
_IN_MEMORY: Final = 8 << 20
_SIDE_BY_SIDE: Final = 8


class ToRewrite(NamedTuple):
    """An object to rewrite, with its size as it was listed; ``again``: even if it is tagged."""

    path: str
    again: bool
    size: int = 0


@dataclass(frozen=True)
class Content:
    """The replacement of an object.

    Attributes:
        counts: Record counts of the input; they are compared with the output.
        is_same: Whether the content is unchanged.
        numbers: Further counts.
    """

    counts: Counts
    is_same: bool
    numbers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Rewritten:
    """A worker's report of one object.

    Attributes:
        status: rewritten, already (tagged), gone, or one of three failures that leave it unchanged.
        reason: Why it was left unchanged.
        etag: The current ETag of the object; likewise ``size`` and ``version``.
        counts: Record counts of the input.
        in_place: Record counts of the output.
        numbers: Counts for the receipt: records and records_out, bytes_in and bytes_out; in versioned buckets
            older_versions (remaining) and deleted_versions; ``{"already": 1}`` or ``{"gone": 1}``.
        notes: Notes for the log.
    """

    path: str
    status: Literal["rewritten", "already", "gone", "refused", "unreached", "miscounted"]
    reason: str = ""
    etag: str = ""
    size: int = 0
    version: str = ""
    counts: Counts = field(default_factory=Counts)
    in_place: int = 0
    numbers: dict[str, int] = field(default_factory=dict)
    notes: dict[str, str | int] = field(default_factory=dict)

    @property
    def is_done(self) -> bool:
        """Whether the object is done, by this run or an earlier one."""
        return self.status in ("rewritten", "already")

    @property
    def is_left(self) -> bool:
        """Whether the object was left unchanged for a reason."""
        return self.status in ("refused", "unreached", "miscounted")


class Work(Protocol):
    """The work on one object; picklable."""

    def __call__(self, objects: ObjectsInPlace, path: str, *, again: bool) -> Rewritten:
        """Rewrite an object; ``again`` is as in ``ToRewrite``.

        Raises:
            LakewrightError: If it was left unchanged.
        """


def rewrite_objects(
    uri: str, objects: Sequence[ToRewrite], *, work: Work, shows_values: bool = False
) -> list[Rewritten]:
    """Rewrite objects concurrently; failures are reported and do not stop the others."""
    in_place = open_in_place(uri)
    with ThreadPool(min(len(objects), _SIDE_BY_SIDE)) as pool:
        reports: list[Rewritten] = []
        for report in pool.map(lambda task: _report(in_place, task, work, shows_values=shows_values), objects):
            advance(Done(bytes=objects[len(reports)].size, rows=report.counts.read))
            reports.append(report)
        return reports


def _report(objects: ObjectsInPlace, task: ToRewrite, work: Work, *, shows_values: bool) -> Rewritten:
    try:
        return work(objects, task.path, again=task.again)
    except ObjectRefusedError as error:
        return Rewritten(task.path, "refused", error.reasons.get(task.path, str(error)))
    except AccountingError as error:
        return Rewritten(task.path, "miscounted", str(error))
    except LakewrightError as error:
        return Rewritten(task.path, "unreached", str(error))
    except MemoryError:  # concerns the worker, not the object
        raise
    except Exception as error:  # noqa: BLE001 - any error concerns only this object
        return Rewritten(task.path, "unreached", f"unexpected {cause_of(error, shows_values=shows_values)}")


def rewrite_object(
    objects: ObjectsInPlace,
    path: str,
    *,
    again: bool,
    write: Callable[[Opened, BinaryIO], Content],
    count: Callable[[BinaryIO], int],
) -> Rewritten:
    """Rewrite one object: it ends up either unchanged, or rewritten and tagged.

    ``write`` reads the whole object before it is replaced. ``count`` independently counts records in the output bytes:
    an object that would lose or gain a record is never replaced.

    Raises:
        ObjectRefusedError: If it cannot be rewritten.
        AccountingError: If a record would be lost or added.
        OvertakenError: If it was rewritten by others on every attempt.
        UnreachableError: If it cannot be read or written.
    """
    for _ in range(_TRIES_AT_A_MOVING_OBJECT):
        opened = objects.open(path)
        if opened is None:
            return Rewritten(path, "gone", numbers={"gone": 1})
        if opened.is_processed and not again:
            opened.pieces.close()
            numbers = {ALREADY: 1}
            return Rewritten(path, "already", "", opened.etag, opened.size, opened.version, numbers=numbers)
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spooled:
            body = cast(BinaryIO, spooled)
            try:
                content = write(opened, body)
            except OvertakenError:  # rewritten while it was read
                continue
            size = body.tell()
            in_place = _checked_count(body, content.counts, count)
            body.seek(0)
            replaced = objects.replace(path, opened, body, size, is_same=content.is_same)
        if replaced is not None:
            counted = {"records": content.counts.read, "records_out": in_place}
            return Rewritten(
                path,
                "rewritten",
                etag=replaced.etag,
                size=replaced.size,
                version=replaced.version,
                counts=content.counts,
                in_place=in_place,
                numbers={**counted, **content.numbers, "bytes_in": opened.size, "bytes_out": size},
            )
    raise OvertakenError(f"{path} was rewritten {_TRIES_AT_A_MOVING_OBJECT} times while it was read; run again")


def _checked_count(body: BinaryIO, counts: Counts, count: Callable[[BinaryIO], int]) -> int:
    body.seek(0)
    try:
        in_place = count(body)
    except DataError as error:
        raise AccountingError(f"its replacement cannot be read: {error}; it was left unchanged") from error
    if not counts.holds() or in_place != counts.written:
        removed = f", {counts.deleted} of them to remove" if counts.deleted else ""
        raise AccountingError(
            f"{counts.read} records read{removed}, but {in_place} in its replacement; it was left unchanged"
        )
    return in_place


def with_versions_seen_to(objects: ObjectsInPlace, done: Rewritten, *, delete: bool) -> Rewritten:
    """Count or delete the older versions of a rewritten object.

    Raises:
        UnreachableError: If one of them cannot be deleted.
    """
    older = objects.older_versions(done.path, done.version)
    if not older:
        return done
    if not delete:
        return replace(done, numbers=done.numbers | {"older_versions": len(older)})
    try:
        objects.delete_versions(done.path, Replaced(done.etag, done.size, done.version), older)
    except UnreachableError as error:
        raise UnreachableError(f"it is rewritten, but older versions remain: {error}") from error
    return replace(done, numbers=done.numbers | {"older_versions": 0, "deleted_versions": len(older)})
