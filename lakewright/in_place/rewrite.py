"""The rewriting of objects in place, one by one: in a Spark task, a Lambda or a test."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Final, Literal, NamedTuple, Protocol, cast

from lakewright.errors import AccountingError, ObjectRefusedError, OvertakenError, UnreachableError
from lakewright.log.records import Counts
from lakewright.storage.in_place import ObjectsInPlace, Opened, Replaced
from lakewright.storage.uris import open_in_place
from lakewright.unexpected import cause_of
from transforms.errors import DataError, LakewrightError

_TRIES_AT_A_MOVING_OBJECT: Final = 5
_IN_MEMORY: Final = 8 << 20
_SIDE_BY_SIDE: Final = 8


class ToRewrite(NamedTuple):
    """An object to rewrite; ``again``: even if its tag says that this was done."""

    path: str
    again: bool


@dataclass(frozen=True)
class Content:
    """What was written to take an object's place.

    Attributes:
        counts: Its records, as they were read and judged; what is written is held against them.
        is_same: Whether nothing has changed.
        numbers: What else was counted.
    """

    counts: Counts
    is_same: bool
    numbers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Rewritten:
    """What became of one object: a worker's report.

    Attributes:
        status: rewritten, already (its tag said so), gone, or one of three that say why it was left as it was.
        reason: Why it was left.
        etag: The object as it is now, with ``size`` and ``version``.
        counts: Its records, as they were read and judged.
        in_place: Its records, as they were counted in what took its place.
        numbers: What a receipt says of it: records and records_out, bytes_in and bytes_out; where the bucket keeps
            versions, older_versions (that are still there) and deleted_versions; ``{"already": 1}`` or ``{"gone": 1}``.
        notes: What the log remembers of it.
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
        """Tell whether the object is as it should be, by this work or by some before."""
        return self.status in ("rewritten", "already")

    @property
    def is_left(self) -> bool:
        """Tell whether the object was left as it was, for a reason."""
        return self.status in ("refused", "unreached", "miscounted")


class Work(Protocol):
    """What a worker does with one object; it can be pickled."""

    def __call__(self, objects: ObjectsInPlace, path: str, *, again: bool) -> Rewritten:
        """Rewrite an object; ``again`` is as in ``ToRewrite``.

        Raises:
            LakewrightError: If it was left as it was.
        """


def rewrite_objects(
    uri: str, objects: Sequence[ToRewrite], *, work: Work, shows_values: bool = False
) -> list[Rewritten]:
    """Rewrite some objects, several side by side; one that cannot be rewritten is reported, and stops no other."""
    in_place = open_in_place(uri)
    with ThreadPoolExecutor(min(len(objects), _SIDE_BY_SIDE)) as pool:
        return list(pool.map(lambda task: _report(in_place, task, work, shows_values=shows_values), objects))


def _report(objects: ObjectsInPlace, task: ToRewrite, work: Work, *, shows_values: bool) -> Rewritten:
    try:
        return work(objects, task.path, again=task.again)
    except ObjectRefusedError as error:
        return Rewritten(task.path, "refused", error.reasons.get(task.path, str(error)))
    except AccountingError as error:
        return Rewritten(task.path, "miscounted", str(error))
    except LakewrightError as error:
        return Rewritten(task.path, "unreached", str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this object's, and no other's
        return Rewritten(task.path, "unreached", f"unexpected {cause_of(error, shows_values=shows_values)}")


def rewrite_object(
    objects: ObjectsInPlace,
    path: str,
    *,
    again: bool,
    write: Callable[[Opened, BinaryIO], Content],
    count: Callable[[BinaryIO], int],
) -> Rewritten:
    """Rewrite one object: afterwards it is as it was, or rewritten and tagged, and nothing in between.

    ``write`` reads it to its end before anything is replaced. ``count`` counts the records of what was written anew,
    from its bytes alone: an object that would lose or gain a record is never put in place.

    Raises:
        ObjectRefusedError: If it cannot be rewritten.
        AccountingError: If a record was lost or added on the way.
        OvertakenError: If it was written again each time that it was read.
        UnreachableError: If it cannot be read or written.
    """
    for _ in range(_TRIES_AT_A_MOVING_OBJECT):
        opened = objects.open(path)
        if opened is None:
            return Rewritten(path, "gone", numbers={"gone": 1})
        if opened.is_processed and not again:
            opened.pieces.close()
            numbers = {"already": 1}
            return Rewritten(path, "already", "", opened.etag, opened.size, opened.version, numbers=numbers)
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spooled:
            body = cast(BinaryIO, spooled)
            try:
                content = write(opened, body)
            except OvertakenError:  # written again while it was read
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
    raise OvertakenError(f"{path} was written again {_TRIES_AT_A_MOVING_OBJECT} times while it was read; run again")


def _checked_count(body: BinaryIO, counts: Counts, count: Callable[[BinaryIO], int]) -> int:
    body.seek(0)
    try:
        in_place = count(body)
    except DataError as error:
        raise AccountingError(f"what would take its place cannot be read: {error}; it was left as it was") from error
    if not counts.holds() or in_place != counts.written:
        removed = f", {counts.deleted} of them to remove" if counts.deleted else ""
        raise AccountingError(
            f"{counts.read} records read{removed}, but {in_place} in what would take its place; it was left as it was"
        )
    return in_place


def with_versions_seen_to(objects: ObjectsInPlace, done: Rewritten, *, delete: bool) -> Rewritten:
    """Count the older versions of an object that is done, or delete them.

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
        raise UnreachableError(f"it is rewritten, but older versions are still there: {error}") from error
    return replace(done, numbers=done.numbers | {"older_versions": 0, "deleted_versions": len(older)})
