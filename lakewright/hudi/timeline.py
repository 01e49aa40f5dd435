"""What a Hudi table says of itself: its properties, the commits on its timeline, its partitions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from pyspark.sql import SparkSession

from lakewright.hudi.writer import METADATA_PREFIX
from lakewright.storage.lake import Lake

PROPERTIES_FILE: Final = ".hoodie/hoodie.properties"
_BACKUP_SUFFIX: Final = ".backup"


@dataclass(frozen=True)
class Commit:
    """A completed write on the timeline, with what we wrote into its metadata, and what it did."""

    instant: str
    action: str
    ours: Mapping[str, str]
    inserted: int
    updated: int
    deleted: int

    @property
    def number(self) -> int:
        """The number of its batch; 0 if it carries none."""
        return int(self.ours.get("number", "0"))

    def told(self) -> dict[str, str | int]:
        """Give what the table made of the batch, for the receipt."""
        return {
            "instant": self.instant,
            "action": self.action,
            "inserted": self.inserted,
            "updated": self.updated,
            "deleted": self.deleted,
        }


def read_properties(lake: Lake, path: str) -> dict[str, str]:
    """Read a table's ``hoodie.properties``; empty where no table is."""
    return _read_properties(lake, f"{path.rstrip('/')}/{PROPERTIES_FILE}")


def find_backup(lake: Lake, path: str) -> str:
    """Find the copy of ``hoodie.properties`` that Hudi keeps while it replaces them; empty if there is no whole one."""
    backup = f"{path.rstrip('/')}/{PROPERTIES_FILE}{_BACKUP_SUFFIX}"
    return backup if _read_properties(lake, backup) else ""


def _read_properties(lake: Lake, path: str) -> dict[str, str]:
    try:
        text = lake.read(path).decode(errors="replace")
    except FileNotFoundError:
        return {}
    lines = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip().replace("\\:", ":").replace("\\=", "=") for key, value in lines}


class Timeline:
    """The timeline of one table, as it was when this was made."""

    def __init__(self, spark: SparkSession, uri: str) -> None:
        self._spark, self._uri = spark, uri
        self._jvm: Any = spark._jvm

    def commits(self) -> Iterator[Commit]:
        """Go through the completed writes, the last one first; compactions and foreign writes are among them."""
        timeline = self._client.getActiveTimeline().getWriteTimeline().filterCompletedInstants()
        utils = self._jvm.org.apache.hudi.common.table.timeline.TimelineUtils
        for instant in reversed(list(timeline.getInstants())):
            metadata = utils.getCommitMetadata(instant, timeline)
            extra = dict(metadata.getExtraMetadata())
            yield Commit(
                instant=instant.requestedTime(),
                action=instant.getAction(),
                ours={k.removeprefix(METADATA_PREFIX): v for k, v in extra.items() if k.startswith(METADATA_PREFIX)},
                inserted=metadata.fetchTotalInsertRecordsWritten(),
                updated=metadata.fetchTotalUpdateRecordsWritten(),
                deleted=metadata.getTotalRecordsDeleted(),
            )

    def last_batch(self) -> Commit | None:
        """Find the last write that carries a batch; compaction and others carry none, so that it is searched for."""
        return next((commit for commit in self.commits() if commit.number), None)

    def partitions(self) -> list[str]:
        """List the table's partitions, as paths below it."""
        context = self._jvm.org.apache.hudi.client.common.HoodieSparkEngineContext(self._spark._jsc)
        utils = self._jvm.org.apache.hudi.common.fs.FSUtils
        return sorted(utils.getAllPartitionPaths(context, self._client.getStorage(), self._uri, False))

    def pending_compactions(self) -> list[str]:
        """List the compactions that were scheduled, or begun, and not completed."""
        pending = self._client.getActiveTimeline().filterPendingCompactionTimeline()
        return [instant.requestedTime() for instant in pending.getInstants()]

    @cached_property
    def _client(self) -> Any:
        configuration = self._jvm.org.apache.hudi.hadoop.fs.HadoopFSUtils.getStorageConfWithCopy(
            self._spark._jsc.hadoopConfiguration()
        )
        builder = self._jvm.org.apache.hudi.common.table.HoodieTableMetaClient.builder()
        return builder.setConf(configuration).setBasePath(self._uri).build()
