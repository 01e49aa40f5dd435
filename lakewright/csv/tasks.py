"""The tasks of a batch: small objects are gathered, large ones are split into byte ranges."""

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from lakewright.csv.objects import CsvObject, CsvPart
from transforms.csv.text_layout import ByteRange

#: Of uncompressed text. A task writes at least one file per partition, of about a third of its text.
_TASK_BYTES: Final = 256 << 20
_SMALL_TASK_BYTES: Final = 32 << 20
_TASKS_PER_CORE: Final = 2
#: Cost of opening an object, in bytes that could be read in that time.
_OPEN_BYTES: Final = 256 << 10
_COMPRESSION_RATIO: Final = 5


def plan_tasks(objects: Sequence[CsvObject], at_once: int, *, can_split: bool) -> list[list[CsvPart]]:
    """Distribute objects over tasks of about the same size; each has objects of few partitions.

    A byte range is a task of its own, since its rows are only valid if the range begins at a record.

    Args:
        objects: The objects.
        at_once: The number of tasks that run concurrently.
        can_split: Whether the encoding allows reading from the middle of an object.
    """
    ordered = sorted(objects, key=lambda each: (tuple(each.values.values()), each.path))
    size = sum(_cost(each) for each in ordered)
    wanted = min(at_once * _TASKS_PER_CORE, math.ceil(size / _SMALL_TASK_BYTES))
    share, before = size / max(wanted, math.ceil(size / _TASK_BYTES), 1), 0
    ranges: list[list[CsvPart]] = []
    parts: list[tuple[int, CsvPart]] = []
    for each in ordered:
        count = round(each.size / share) if can_split and not each.is_packed else 1
        if count > 1:
            ranges += [[CsvPart(each, within)] for within in _byte_ranges(each.size, count)]
            continue
        parts.append((int((before + _cost(each) / 2) / share), CsvPart(each)))
        before += _cost(each)
    return ranges + [[part for _, part in group] for _, group in groupby(parts, key=lambda part: part[0])]


def _cost(each: CsvObject) -> int:
    return _OPEN_BYTES + each.size * (_COMPRESSION_RATIO if each.is_packed else 1)


def _byte_ranges(size: int, count: int) -> list[ByteRange]:
    bounds = [size * number // count for number in range(count)]
    ends: list[int | None] = [*bounds[1:], None]
    return [ByteRange(start, end, begins_at_record=not start) for start, end in zip(bounds, ends, strict=True)]
