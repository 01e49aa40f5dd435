"""Ctrl-C: the first asks a run to end, the second ends the process."""

import os
import signal

import pytest

from lakewright.errors import InterruptedRunError
from lakewright.runs.interrupts import interruptible


def test_the_first_asks_and_the_second_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    before = signal.getsignal(signal.SIGINT)
    with interruptible() as interrupt:
        interrupt.check()
        signal.raise_signal(signal.SIGINT)
        assert (interrupt.is_wanted, ended) == (True, [])
        with pytest.raises(InterruptedRunError, match="run again to process what was not committed"):
            interrupt.check()
        signal.raise_signal(signal.SIGINT)
        assert ended == [130]
    assert signal.getsignal(signal.SIGINT) is before
