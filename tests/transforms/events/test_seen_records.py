from hypothesis import given
from hypothesis import strategies as st

from transforms.events.seen_records import SeenRecords

OFFSETS = st.lists(st.integers(0, 12), max_size=8) | st.builds(range, st.integers(0, 9), st.integers(0, 12)).map(list)


@given(st.lists(st.tuples(st.sampled_from(["t", "u"]), OFFSETS)))
def test_every_record_is_new_exactly_once(parts: list[tuple[str, list[int]]]) -> None:
    seen, known = SeenRecords(), set()
    for topic, offsets in parts:
        expected = set()
        for index, offset in enumerate(offsets):
            if (topic, offset) in known:
                expected.add(index)
            known.add((topic, offset))
        assert seen.add(("", topic, 0), offsets) == expected
