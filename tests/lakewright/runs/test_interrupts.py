"""Ctrl-C and SIGTERM: the first requests a stop, the second ends the process."""

import os
import signal
import threading

import pytest

from lakewright.errors import InterruptedRunError
from lakewright.runs.interrupts import interruptible


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_requests_a_stop_and_the_second_ends_the_process(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    exit_codes: list[int] = []
    monkeypatch.setattr(os, "_exit", exit_codes.append)
    before = signal.getsignal(number)
    cancelled = threading.Event()
    with interruptible(cancelled.set) as interrupt:
        interrupt.check()
        signal.raise_signal(number)
        assert (interrupt.is_wanted, exit_codes) == (True, [])
        with pytest.raises(InterruptedRunError, match="run again to process what was not committed"):
            interrupt.check()
        signal.raise_signal(number)
        assert exit_codes == [130]
        assert cancelled.wait(10)
    assert signal.getsignal(number) is before
