"""Bytes of state that a run leaves behind, per object."""

from pathlib import Path

import pytest

from bench.growth.subject import Subject
from bench.growth.subjects import event_objects, objects
from tests.conftest import command

#: Of plan, outcome and receipt together: the path appears in each, and its ETag twice.
MOST_BYTES_PER_OBJECT = 700
MOST_BYTES_OF_AN_IDLE_RUN = 2000


@pytest.mark.parametrize("subject", [objects.SUBJECT, event_objects.SUBJECT], ids=["CSV", "events"])
def test_state_grows_with_new_objects_alone(subject: Subject, tmp_path: Path) -> None:
    run = subject.steps[1].arguments
    left, left_by_idle = [], []
    for count in (50, 200):
        folder = tmp_path / str(count)
        folder.mkdir()
        subject.make(folder, count)
        where = ("--lake", str(folder / "lake"), "--config", str(folder / "conf"))
        assert command(*run, *where).exit_code == 0
        left.append(subject.numbers(folder)["state_bytes"])
        assert command(*run, *where).exit_code == 0
        left_by_idle.append(subject.numbers(folder)["state_bytes"] - left[-1])
    assert left[1] - left[0] < 150 * MOST_BYTES_PER_OBJECT
    assert max(left_by_idle) < MOST_BYTES_OF_AN_IDLE_RUN
