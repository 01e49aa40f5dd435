"""The keys of records seen so far, stored as ranges of offsets while there are no gaps.

Equal keys are necessary but not sufficient for records to be equal: a topic that was deleted and recreated starts at
offset 0 again.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

#: Scope, topic and Kafka partition, in which an offset identifies a record.
Stream = tuple[str, str, int]
#: The scope of offsets that records carry; for computed ones see ``transforms.events.sink_names.sink_scope``.
CARRIED: Final = ""


class _Span(NamedTuple):
    first: int
    last: int
    offsets: Collection[int]


class SeenRecords:
    """The keys seen so far."""

    def __init__(self) -> None:
        self._spans: dict[Stream, list[_Span]] = {}

    def add(self, stream: Stream, offsets: Sequence[int]) -> set[int]:
        """Add offsets, and return the positions of those seen before, including within the batch."""
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
    """Group positions by stream."""
    places: dict[Stream, list[int]] = {}
    for place, stream in enumerate(streams):
        places.setdefault(stream, []).append(place)
    return places
