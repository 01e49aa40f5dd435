"""Objects to rewrite, as a plan names them, spread over tasks."""

from collections.abc import Iterator, Sequence
from typing import Final

from lakewright.in_place.rewrite import ToRewrite
from lakewright.log.records import SourceObject
from lakewright.storage.lake import StoredObject

#: Smaller objects share a task, since a task costs as much as some of them.
_SMALL: Final = 8 << 20
_PACK_BYTES: Final = 32 << 20
_PACK_OBJECTS: Final = 200
_TASKS_PER_CORE: Final = 4

_AGAIN: Final = "again"


def planned(found: StoredObject, *, again: bool) -> SourceObject:
    """Name an object in a plan; ``again`` is as in ``ToRewrite``."""
    return SourceObject(path=found.path, size=found.size, etag=found.etag, notes={_AGAIN: 1} if again else {})


def is_again(taken: SourceObject) -> bool:
    """Tell whether an object is rewritten even if its tag says that this was done."""
    return _AGAIN in taken.notes


def packed(objects: Sequence[SourceObject], *, cores: int) -> Iterator[list[ToRewrite]]:
    """Spread objects over tasks, largest first: a large one has its own, small ones share one."""
    most = max(1, min(_PACK_OBJECTS, len(objects) // (_TASKS_PER_CORE * cores)))
    pack: list[ToRewrite] = []
    pack_bytes = 0
    for taken in sorted(objects, key=lambda taken: -taken.size):
        if pack and (len(pack) >= most or taken.size >= _SMALL or pack_bytes + taken.size > _PACK_BYTES):
            yield pack
            pack, pack_bytes = [], 0
        pack.append(ToRewrite(taken.path, is_again(taken)))
        pack_bytes += taken.size
    if pack:
        yield pack
