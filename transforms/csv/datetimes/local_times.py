"""Convert columns of local times to UTC."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

_HOUR: Final = 3_600_000_000
_DAY: Final = 24 * _HOUR
_FIRST_DAY: Final = 719_528 * _DAY  # from year 0 to the epoch: Arrow's division rounds towards zero
_PROBES: Final = 4
_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1)


def to_utc(local: pa.Array, zone: str) -> pa.Array:
    """Return instants in microseconds for local times in microseconds, null around a change of the clocks.

    Days without a change have one offset; of other days, hours without a change do.
    """
    if zone == "UTC":
        return local
    instants = pc.subtract(local, _offsets(local, zone, _DAY))
    unsettled = pc.and_(pc.is_null(instants), pc.is_valid(local))
    if not pc.any(unsettled).as_py():
        return instants
    rest = local.filter(unsettled)
    return pc.replace_with_mask(instants, unsettled, pc.subtract(rest, _offsets(rest, zone, _HOUR)))


def _offsets(local: pa.Array, zone: str, span: int) -> pa.Array:
    spans = pc.divide(pc.add(local, _FIRST_DAY), span).dictionary_encode()
    offsets = [None if number is None else _offset(zone, number, span) for number in spans.dictionary.to_pylist()]
    return pa.array(offsets, pa.int64()).take(spans.indices)


@lru_cache(maxsize=1 << 16)
def _offset(zone: str, number: int, span: int) -> int | None:
    """Return the offset during a day or an hour in microseconds; None if it changes or a time does not exist."""
    start, zone_info = number * span - _FIRST_DAY, ZoneInfo(zone)
    probes = [start + probe * span // _PROBES for probe in range(_PROBES)] + [start + span - 1]
    offsets = {_offset_at(micros, zone_info) for micros in probes}
    return offsets.pop() if len(offsets) == 1 else None


def _offset_at(micros: int, zone: ZoneInfo) -> int | None:
    try:
        local = (_EPOCH + timedelta(microseconds=micros)).replace(tzinfo=zone)
        exists = local.astimezone(UTC).astimezone(zone) == local
    except OverflowError:
        return None
    offset = local.utcoffset()
    return offset // _MICROSECOND if exists and offset is not None else None
