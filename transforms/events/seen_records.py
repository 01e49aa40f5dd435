"""Which keys of records have been seen: as ranges of offsets for as long as they have no gaps.

That two records have one key is necessary for them to be the same, and not sufficient: a topic that was deleted and
created again begins at offset 0 again.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

#: Scope, topic and Kafka partition: that within which an offset identifies a record.
Stream = tuple[str, str, int]
#: The scope of offsets that records carry; that of a computed one is ``transforms.events.sink_names.sink_scope``.
CARRIED: Final = ""


class _Span(NamedTuple):
    first: int
    last: int
    offsets: Collection[int]


class SeenRecords:
    """The keys that were there before."""

    def __init__(self) -> None:
        self._spans: dict[Stream, list[_Span]] = {}

    def add(self, stream: Stream, offsets: Sequence[int]) -> set[int]:
        """Add offsets, and give the places of those that were there before, be it among themselves."""
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
