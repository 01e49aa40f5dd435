"""Objects of an execution leave the landing zone: copied to the archive, compared, then deleted."""

import logging
from typing import Any, Final

from lakewright.errors import CopyDiffersError
from lakewright.pipeline.execution import Execution, LandedObject
from lakewright.pipeline.pages import HasTime, concurrently, work_on_page
from lakewright.pipeline.s3_copies import S3Copies
from transforms.object_names import one_line

LOGGER: Final = logging.getLogger("lakewright")


def archive_objects(execution: Execution, archive: str, *, page: int, has_time: HasTime) -> dict[str, Any]:
    """Move a page of objects from landing to ``archive/2019-08-21/``; a newer upload under the same key stays.

    Nothing in the archive is overwritten: if the name is taken by other content, the ETag is added to it.
    """
    copies = S3Copies(execution.lake.bucket)

    def move(landed: LandedObject) -> bool:
        is_archived = _copy(copies, execution, archive, landed)
        if not is_archived:
            LOGGER.warning("%s was deleted or overwritten before it was archived", one_line(landed.key))
        elif not copies.delete(landed.key, landed.etag):
            LOGGER.info("%s was uploaded again, and stays in landing", one_line(landed.key))
        return is_archived

    return work_on_page(move, execution.objects, page=page, has_time=has_time)


def check_landing(execution: Execution) -> dict[str, Any]:
    """Check that landing has none of the execution's objects; others, and newer uploads, may be there."""
    copies = S3Copies(execution.lake.bucket)

    def is_left(landed: LandedObject) -> bool:
        current = copies.stat(landed.key)
        return current is not None and current.etag == landed.etag

    left = sum(concurrently(is_left, execution.objects))
    return {"clear": not left, "left": left}


def _copy(copies: S3Copies, execution: Execution, archive: str, landed: LandedObject) -> bool:
    """Copy an object to the archive; False if it was deleted or overwritten, and the archive does not have it."""
    stem, dot, extension = landed.name.rpartition(".")
    with_etag = f"{stem}-{landed.etag}.{extension}" if dot else f"{landed.name}-{landed.etag}"
    outcome = ""
    for name in (landed.name, with_etag):
        key = execution.key_of(f"{archive}{execution.date}/{name}")
        outcome = copies.copy(landed.key, landed.etag, key, overwrites=False)
        if outcome in ("copied", "exists"):
            return True
    if outcome == "occupied":
        raise CopyDiffersError(
            f"{one_line(key)} has other content than {one_line(landed.key)}, whose ETag it names; nothing was deleted"
        )
    return False
