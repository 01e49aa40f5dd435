"""The table that a job writes, and its folders."""

from dataclasses import dataclass

from lakewright.corrections.manifests import CorrectionFolder
from lakewright.storage.lake import Lake


@dataclass(frozen=True)
class Target:
    """One table that a feed writes.

    ``is_only``: the feed has no other, so any other table of the feed is a former one.
    """

    feed_name: str
    name: str
    path: str
    is_only: bool = False

    @property
    def state_folder(self) -> str:
        """Folder of its log, lease and receipts."""
        return f"state/{self.feed_name}/{self.name}/"

    @property
    def quarantine_folder(self) -> str:
        """Folder of its rejected rows."""
        return f"quarantine/{self.feed_name}/target={self.name}/"

    def corrections(self, lake: Lake) -> CorrectionFolder:
        """Open the corrections of its source objects; if it is the only target, also those of its former names."""
        of_feed = f"corrections/{self.feed_name}/"
        folder = f"{of_feed}{self.name}/"
        return CorrectionFolder(lake, folder, read_folder=of_feed if self.is_only else folder)

    @property
    def staging_folder(self) -> str:
        """Staging folder: beside the table, where its readers do not look."""
        zone, _, table = self.path.strip("/").rpartition("/")
        return f"{zone}/_staging/{self.feed_name}/{table}/".lstrip("/")
