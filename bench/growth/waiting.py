"""Runs of many small batches, whose files wait outside the source until it is their turn."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

FOLDER: Final = "waiting"
#: Seconds of each batch, as a JSON list.
SECONDS: Final = "seconds.json"

#: Runs the batches one after another in one process, since starting Python or Spark takes longer than a batch.
_RUN: Final = f"""
import contextlib, io, json, shutil, sys, time
from pathlib import Path
from jobs.cli.verbs import app
folder, feed, source = Path(sys.argv[1]), *sys.argv[2:]
where = ["--lake", f"{{folder}}/lake", "--config", f"{{folder}}/conf"]
seconds = []
for file in sorted(folder.glob("{FOLDER}/*")):
    shutil.move(file, folder / "lake" / source / file.name)
    began = time.monotonic()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = app(["run", feed, "--json", *where], standalone_mode=False)
    assert not code, code
    seconds.append(time.monotonic() - began)
(folder / "{SECONDS}").write_text(json.dumps(seconds))
"""


def run_waiting(feed: str, source: str) -> Callable[[Path], Sequence[str]]:
    """Return the function of a lake's folder that returns the command to run a feed for each waiting file."""
    return lambda folder: [sys.executable, "-c", _RUN, str(folder), feed, source]
