"""The timeline of a table by the names of its files: enough to know that a table is as the last batch left it.

Opening a table with Hudi takes Spark and reads the metadata of commits; a list of names costs the same for any table.
"""

import re
from collections.abc import Mapping
from itertools import takewhile
from typing import Final

from lakewright.storage.lake import Lake

_COMPLETED: Final = re.compile(r"(?P<instant>\d+)(?:_\d+)?\.(?P<action>commit|deltacommit|replacecommit)")
#: Commits of rows, by type of table: commits of a merge-on-read table are compactions.
_WRITES: Final = {
    "COPY_ON_WRITE": ("commit", "replacecommit"),
    "MERGE_ON_READ": ("deltacommit", "replacecommit"),
}
_FIRST_VERSION_WITH_FOLDER: Final = 8


def has_changed_since(lake: Lake, path: str, properties: Mapping[str, str], instant: str) -> bool:
    """Return whether rows were written after a commit, or that commit is no longer on the timeline.

    Args:
        lake: The lake of the table.
        path: The folder of the table.
        properties: Its ``hoodie.properties``.
        instant: The commit of the last batch; empty if unknown, then the table counts as changed.
    """
    if not instant:
        return True
    writes = _WRITES.get(properties.get("hoodie.table.type", ""), ())
    folder = f"{path.rstrip('/')}/.hoodie/"
    if int(properties.get("hoodie.table.version", "0")) >= _FIRST_VERSION_WITH_FOLDER:
        folder += f"{properties.get('hoodie.timeline.path', 'timeline')}/"
    # Folders beside the instants, such as those of archived ones, have names that sort after digits.
    names = (file.path[len(folder) :] for file in lake.list(folder, after=folder + instant))
    completed = filter(None, map(_COMPLETED.fullmatch, takewhile(lambda name: name[:1].isdigit(), names)))
    return [match["instant"] for match in completed if match["action"] in writes] != [instant]
