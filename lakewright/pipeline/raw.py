"""The raw copies of an execution's objects: made, and checked, before the job reads them."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from lakewright.pipeline.execution import Execution, LandedObject
from lakewright.pipeline.pages import HasTime, concurrently, work_on_page
from lakewright.pipeline.s3_copies import S3Copies, StoredVersion
from transforms.object_names import one_line

LOGGER: Final = logging.getLogger("lakewright")

CopyStatus = Literal["complete", "missing", "replaced"]


@dataclass(frozen=True)
class RawCopy:
    """What raw has of an object: ``replaced`` if a newer upload under the same key has overwritten the object."""

    landed: LandedObject
    status: CopyStatus
    version: StoredVersion | None


def copy_objects(execution: Execution, source: str, *, page: int, has_time: HasTime) -> dict[str, Any]:
    """Copy a page of objects from landing to the feed's source folder; a copy that is there is not made again.

    An object of raw with the same name is overwritten: its rows are replaced by the next run.
    """
    copies = S3Copies(execution.lake.bucket)

    def copy(landed: LandedObject) -> bool:
        key = execution.key_of(execution.path_in(source, landed))
        copied = copies.copy(landed.key, landed.etag, key, overwrites=True)
        if copied == "gone":
            LOGGER.warning("%s was deleted or overwritten before it was copied", one_line(landed.key))
        return copied in ("copied", "exists")

    return work_on_page(copy, execution.objects, page=page, has_time=has_time)


def check_copy(execution: Execution, source: str) -> dict[str, Any]:
    """Compare the copies in raw with the objects of the execution, and with no others."""
    copies = raw_copies(execution, source)
    complete = [copy.landed.size for copy in copies if copy.status == "complete"]
    return {
        "complete": len(complete) == len(copies),
        "objects": len(complete),
        "bytes": sum(complete),
        "missing": sum(copy.status == "missing" for copy in copies),
        "replaced": sum(copy.status == "replaced" for copy in copies),
    }


def raw_copies(execution: Execution, source: str, objects: Iterable[LandedObject] | None = None) -> list[RawCopy]:
    """Look up the copies of an execution's objects, or of some of them."""
    copies = S3Copies(execution.lake.bucket)

    def look(landed: LandedObject) -> RawCopy:
        raw = copies.stat(execution.key_of(execution.path_in(source, landed)))
        if raw is not None and raw.is_copy_of(landed.etag) and raw.size == landed.size:
            return RawCopy(landed, "complete", raw)
        current = copies.stat(landed.key)
        # The newer upload may have left landing already. Then its copy was made after this object landed.
        is_later = raw is not None and execution.landed_at is not None and raw.modified > execution.landed_at
        is_overwritten = current.etag != landed.etag if current is not None else is_later
        return RawCopy(landed, "replaced" if is_overwritten else "missing", raw)

    return concurrently(look, execution.objects if objects is None else objects)
