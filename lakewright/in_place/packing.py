"""Distribute the objects of a plan over tasks."""

from collections.abc import Iterator, Sequence
from typing import Final

from lakewright.in_place.rewrite import ToRewrite
from lakewright.log.records import SourceObject
from lakewright.storage.lake import StoredObject

#: Smaller objects share a task, since a task has a fixed cost.
_SMALL: Final = 8 << 20
_PACK_BYTES: Final = 32 << 20
_PACK_OBJECTS: Final = 200
_TASKS_PER_CORE: Final = 4

_AGAIN: Final = "again"


def planned(found: StoredObject, *, again: bool) -> SourceObject:
    """Return the plan's entry of an object; ``again`` is as in ``ToRewrite``."""
    return SourceObject(path=found.path, size=found.size, etag=found.etag, notes={_AGAIN: 1} if again else {})


def is_again(source: SourceObject) -> bool:
    """Return whether an object is rewritten even if it is tagged."""
    return _AGAIN in source.notes


def packed(objects: Sequence[SourceObject], *, cores: int) -> Iterator[list[ToRewrite]]:
    """Distribute objects over tasks, largest first: a large one gets its own, small ones share one."""
    most = max(1, min(_PACK_OBJECTS, len(objects) // (_TASKS_PER_CORE * cores)))
    pack: list[ToRewrite] = []
    pack_bytes = 0
    for source in sorted(objects, key=lambda source: -source.size):
        if pack and (len(pack) >= most or source.size >= _SMALL or pack_bytes + source.size > _PACK_BYTES):
            yield pack
            pack, pack_bytes = [], 0
        pack.append(ToRewrite(source.path, is_again(source), source.size))
        pack_bytes += source.size
    if pack:
        yield pack
