"""Ctrl-C: the first requests a stop, the second ends the process."""

import os
import signal

import pytest

from lakewright.errors import InterruptedRunError
from lakewright.runs.interrupts import interruptible


def test_the_first_requests_a_stop_and_the_second_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    exit_codes: list[int] = []
    monkeypatch.setattr(os, "_exit", exit_codes.append)
    before = signal.getsignal(signal.SIGINT)
    with interruptible() as interrupt:
        interrupt.check()
        signal.raise_signal(signal.SIGINT)
        assert (interrupt.is_wanted, exit_codes) == (True, [])
        with pytest.raises(InterruptedRunError, match="run again to process what was not committed"):
            interrupt.check()
        signal.raise_signal(signal.SIGINT)
        assert exit_codes == [130]
    assert signal.getsignal(signal.SIGINT) is before
