"""Standard streams, which may be closed or broken: a run goes on without stderr."""

import logging
import os
import sys
from pathlib import Path
from typing import TextIO

_STDOUT, _STDERR = 1, 2


def open_closed_streams() -> None:
    """Open standard streams that were closed (``2>&-``), so that no other file gets their descriptors.

    Processes write to these descriptors, even if they are now other files.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # POSIX returns the lowest one that is free
            setattr(sys, name, os.fdopen(descriptor, "r" if name == "stdin" else "w", closefd=False, encoding="utf-8"))


def mute_stderr() -> None:
    """Direct stderr to nowhere after a failed write: what is still buffered would fail the process when it exits."""
    _mute(_STDERR)


def mute_stdout() -> None:
    """Direct stdout to nowhere; see ``mute_stderr``."""
    _mute(_STDOUT)


def print_on_stderr(text: str) -> None:
    """Print a line on stderr, if it can be written."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        mute_stderr()


def _mute(descriptor: int) -> None:
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), descriptor)


class StderrHandler(logging.StreamHandler[TextIO]):
    """A handler that asks for stderr at each line: while a run is shown live, rich prints above it."""

    def emit(self, record: logging.LogRecord) -> None:
        """See ``logging.Handler.emit``."""
        self.stream = sys.stderr  # setStream would flush the former one, which may be closed
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """See ``logging.Handler.handleError``; a broken stderr is no error of the run."""
        if isinstance(sys.exception(), OSError):
            mute_stderr()
        else:
            super().handleError(record)
