"""Metadata of a Hudi table: its properties, the commits on its timeline, its partitions."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Any, Final

from pyspark.sql import SparkSession

from lakewright.hudi.versions import hudi_version
from lakewright.hudi.writer import METADATA_PREFIX
from lakewright.storage.lake import Lake

PROPERTIES_FILE: Final = ".hoodie/hoodie.properties"
_BACKUP_SUFFIX: Final = ".backup"
_COMPLETED: Final = re.compile(r"(?P<instant>\d+)(?:_\d+)?\.(?P<action>commit|deltacommit|replacecommit)")
#: Commits of rows, by type of table: commits of a merge-on-read table are compactions.
_WRITES: Final = {
    "COPY_ON_WRITE": ("commit", "replacecommit"),
    "MERGE_ON_READ": ("deltacommit", "replacecommit"),
}
_FIRST_VERSION_WITH_FOLDER: Final = 8


@dataclass(frozen=True)
class Commit:
    """A completed write on the timeline, with our metadata and Hudi's counts."""

    instant: str
    action: str
    ours: Mapping[str, str]
    inserted: int
    updated: int
    deleted: int
    files: int
    bytes: int

    @property
    def number(self) -> int:
        """The number of its batch; 0 if it is not a batch."""
        return int(self.ours.get("number", "0"))

    def details(self) -> dict[str, str | int]:
        """Return Hudi's counts of the batch, for the receipt."""
        return {
            "instant": self.instant,
            "action": self.action,
            "inserted": self.inserted,
            "updated": self.updated,
            "deleted": self.deleted,
            "files": self.files,
            "bytes": self.bytes,
        }


def read_properties(lake: Lake, path: str) -> dict[str, str]:
    """Read a table's ``hoodie.properties``; empty if there is no table."""
    return _read_properties(lake, f"{path.rstrip('/')}/{PROPERTIES_FILE}")


def find_backup(lake: Lake, path: str) -> str:
    """Find a complete backup of ``hoodie.properties``, which Hudi keeps while replacing them; empty if none."""
    backup = f"{path.rstrip('/')}/{PROPERTIES_FILE}{_BACKUP_SUFFIX}"
    return backup if _read_properties(lake, backup) else ""


def _read_properties(lake: Lake, path: str) -> dict[str, str]:
    try:
        text = lake.read(path).decode(errors="replace")
    except FileNotFoundError:
        return {}
    lines = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip().replace("\\:", ":").replace("\\=", "=") for key, value in lines}


def has_changed_since(lake: Lake, path: str, properties: Mapping[str, str], instant: str) -> bool:
    """Return whether rows were written after a commit, or that commit is no longer on the timeline.

    The names of the timeline's files suffice. Opening the table would need Spark, and read the metadata of commits.

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
    # Names of other folders, such as that of archived instants, sort after digits.
    names = (file.path[len(folder) :] for file in lake.list(folder, after=folder + instant))
    completed = filter(None, map(_COMPLETED.fullmatch, takewhile(lambda name: name[:1].isdigit(), names)))
    return [match["instant"] for match in completed if match["action"] in writes] != [instant]


class Timeline:
    """A snapshot of one table's timeline."""

    def __init__(self, spark: SparkSession, uri: str) -> None:
        self._spark, self._uri = spark, uri
        self._jvm: Any = spark._jvm

    def commits(self) -> Iterator[Commit]:
        """Iterate over completed writes, latest first, including compactions and foreign writes."""
        timeline = self._client.getActiveTimeline().getWriteTimeline().filterCompletedInstants()
        utils = self._jvm.org.apache.hudi.common.table.timeline.TimelineUtils
        version = hudi_version(self._spark)
        for instant in reversed(list(timeline.getInstants())):
            metadata = utils.getCommitMetadata(instant, timeline)
            extra = dict(metadata.getExtraMetadata())
            yield Commit(
                instant=version.requested_time(instant),
                action=instant.getAction(),
                ours={k.removeprefix(METADATA_PREFIX): v for k, v in extra.items() if k.startswith(METADATA_PREFIX)},
                inserted=metadata.fetchTotalInsertRecordsWritten(),
                updated=metadata.fetchTotalUpdateRecordsWritten(),
                deleted=metadata.getTotalRecordsDeleted(),
                files=metadata.fetchTotalFilesInsert() + metadata.fetchTotalFilesUpdated(),
                bytes=metadata.fetchTotalBytesWritten(),
            )

    def last_batch(self) -> Commit | None:
        """Find the last write that is a batch; compactions and foreign writes are not."""
        return next((commit for commit in self.commits() if commit.number), None)

    def partitions(self) -> list[str]:
        """List the table's partitions, as paths below it."""
        return sorted(hudi_version(self._spark).partition_paths(self._spark, self._client, self._uri))

    def pending_compactions(self) -> list[str]:
        """List compactions that were scheduled or started, but not completed."""
        pending = self._client.getActiveTimeline().filterPendingCompactionTimeline()
        version = hudi_version(self._spark)
        return [version.requested_time(instant) for instant in pending.getInstants()]

    @cached_property
    def _client(self) -> Any:
        configuration = self._jvm.org.apache.hudi.hadoop.fs.HadoopFSUtils.getStorageConfWithCopy(
            self._spark._jsc.hadoopConfiguration()
        )
        builder = self._jvm.org.apache.hudi.common.table.HoodieTableMetaClient.builder()
        return builder.setConf(configuration).setBasePath(self._uri).build()
