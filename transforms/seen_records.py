"""Which records have been seen, by topic, Kafka partition and offset: as ranges for as long as they have no gaps."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

#: Topic and Kafka partition.
Stream = tuple[str, int]


class _Span(NamedTuple):
    first: int
    last: int
    offsets: Collection[int]


class SeenRecords:
    """The records that were there before."""

    def __init__(self) -> None:
        self._spans: dict[Stream, list[_Span]] = {}

    def add(self, stream: Stream, offsets: Sequence[int]) -> set[int]:
        """Add records, and give the places of those that were there before, be it among themselves."""
        if not offsets:
            return set()
        first, last = min(offsets), max(offsets)
        spans = self._spans.setdefault(stream, [])
        rivals = [span.offsets for span in spans if span.first <= last and span.last >= first]
        is_run = last - first + 1 == len(offsets) and all(map(int.__lt__, offsets, offsets[1:]))
        if is_run and not rivals:
            if spans and spans[-1].last == first - 1 and isinstance(spans[-1].offsets, range):
                first = spans.pop().first
            spans.append(_Span(first, last, range(first, last + 1)))
            return set()
        repeats: set[int] = set()
        here: set[int] = set()
        for place, offset in enumerate(offsets):
            if offset in here or any(offset in rival for rival in rivals):
                repeats.add(place)
            here.add(offset)
        spans.append(_Span(first, last, frozenset(here)))
        return repeats


def places_by_stream(streams: Sequence[Stream]) -> Mapping[Stream, list[int]]:
    """Gather the places of each stream."""
    places: dict[Stream, list[int]] = {}
    for place, stream in enumerate(streams):
        places.setdefault(stream, []).append(place)
    return places
