"""The log file of this process's JVM, which keeps its output off stdout and the terminal."""

import atexit
import os
import tempfile
from pathlib import Path
from typing import IO, Final


class JvmLog:
    """A temporary file, deleted when the process ends unless it is kept."""

    def __init__(self) -> None:
        self._path: Path | None = None

    def open(self) -> IO[bytes]:
        """Create the file, for a JVM that is about to start."""
        handle, name = tempfile.mkstemp(prefix="lakewright-jvm-", suffix=".log")
        self._path = Path(name)
        atexit.register(self._path.unlink, missing_ok=True)
        return os.fdopen(handle, "wb")

    def read(self) -> str:
        """Return the JVM's output so far."""
        return self._path.read_text(errors="replace") if self._path else ""

    def keep(self) -> Path | None:
        """Keep the file and return its path; None if no JVM logs to a file, or if it has printed nothing."""
        if self._path is None or not self._path.stat().st_size:
            return None
        atexit.unregister(self._path.unlink)
        return self._path


#: A process has one JVM.
JVM_LOG: Final = JvmLog()
