"""The partitions of an execution in the Glue Data Catalog: raw as text, and refined as the job left it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lakewright.catalog.table import Catalog
from lakewright.csv.heads import read_heads
from lakewright.csv.options import CsvOptions
from lakewright.log.log import Log
from lakewright.pipeline.execution import Execution
from lakewright.runs.job.target_job import AnyJob
from lakewright.runs.registration import Registration
from lakewright.storage.compression.codecs import ZSTD, compression_of
from transforms.csv.dialects.dialect import NONE
from transforms.object_names import DATE_KEYS

_TEXT: Final = {
    "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
}
_SERDE: Final = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
_PARAMETERS: Final = {"classification": "csv"}
#: Glue's maximum length of a column name.
_LONGEST_NAME: Final = 255


@dataclass(frozen=True)
class RawTable:
    """The catalog entry of a feed's source folder: all columns of the header, as text.

    Attributes:
        declared: The columns of the feed, by their names in the header; used if no header can be read.
    """

    database: str
    feed: str
    source: str
    options: CsvOptions
    declared: Sequence[str]

    def register(self, execution: Execution) -> dict[str, Any]:
        """Register the partition of the execution's day; other partitions stay as they are.

        Raises:
            CatalogError: If the catalog refuses, or cannot be reached.
        """
        paths = [(execution.path_in(self.source, each), each.size) for each in execution.objects]
        readable = [(path, size) for path, size in paths if compression_of(path) is not ZSTD]
        heads = read_heads(execution.lake, readable[:1], self.options)
        head = next(iter(heads.headers.values()), None)
        lines = (head.preamble_lines if head else self.options.skip_lines) + self.options.header
        catalog = Catalog(
            self.database,
            self.source.strip("/").rpartition("/")[2],
            f"{execution.lake.uri}/{self.source}",
            DATE_KEYS,
            owner=f"raw of {self.feed} in {execution.lake.uri}",
            formats={**_TEXT, "SerdeInfo": self._serde()},
            parameters={**_PARAMETERS, "skip.header.line.count": str(lines)},
            keeps_others=True,
        )
        catalog.register_as(
            dict.fromkeys(column_names((head and head.names) or self.declared), "string"), [execution.partition]
        )
        return {"partitions": 1}

    def _serde(self) -> Mapping[str, Any]:
        quote = '"' if self.options.quote == NONE else self.options.quote
        parameters = {"separatorChar": self.options.delimiter, "quoteChar": quote, "escapeChar": "\\"}
        return {"SerializationLibrary": _SERDE, "Parameters": parameters}


def register_refined(execution: Execution, job: AnyJob) -> dict[str, Any]:
    """Register what the job committed, if its run could not; count the day's partitions in the table."""
    state, _ = Log(execution.lake, job.target.state_folder).read()
    registration = Registration(execution.lake, job)
    if registration.is_due(state):
        registration.register(state)
    day = execution.partition
    partitions = {file.partition for file in state.files.values()}
    return {"partitions": sum(f"{partition}/".startswith(f"{day}/") for partition in partitions)}


def column_names(header: Iterable[str]) -> list[str]:
    """Return the columns of a header as the catalog accepts them: lower case, not empty, and each once."""
    names: list[str] = []
    for number, name in enumerate(header, start=1):
        unique = plain = name.strip().lower()[:_LONGEST_NAME] or f"column_{number}"
        suffix = number
        while unique in names or unique in DATE_KEYS:
            unique = f"{plain[: _LONGEST_NAME - 6]}_{suffix}"
            suffix += 1
        names.append(unique)
    return names
