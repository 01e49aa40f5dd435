"""Access logs of web servers to a Parquet table by day, with the number of requests so far."""

from dataclasses import dataclass, replace
from typing import Final

from jobs.cli.entrypoint import run_as_script
from jobs.feeds.access_logs import AccessLogsFeed
from lakewright.engine.spark.lines import LineFormat
from lakewright.engine.spark.rows import TextRows, TypedRows
from lakewright.log.actions.tables import SetProperties
from lakewright.parquet.place import TablePlace
from lakewright.parquet.sink import ParquetSink, WrittenRows
from lakewright.quarantine.place import QuarantinePlace
from lakewright.runs.job.batch import Batch
from lakewright.runs.job.target import Target
from lakewright.runs.job.target_job import TargetJob
from lakewright.sources.listing import Source
from lakewright.sources.reader import Filling, ObjectReader
from lakewright.storage.lake import Lake
from transforms.object_names import DATE_KEYS, compile_date_template
from transforms.spark.access_logs import with_request_fields
from transforms.spark.typed_rows import TypedColumn

COLUMNS: Final = (
    TypedColumn("host", "string"),
    TypedColumn("at", "timestamp", format="dd/MMM/yyyy:HH:mm:ss Z"),
    TypedColumn("request", "string"),
    TypedColumn("status", "int"),
    TypedColumn("bytes", "long", null_text=("-",)),
)


@dataclass(frozen=True)
class CountedRequests:
    """Rows whose count is added to a total in the table's log."""

    rows: TypedRows

    def write(self, batch: Batch, table: TablePlace, quarantine: QuarantinePlace) -> WrittenRows:
        written = self.rows.write(batch, table, quarantine)
        requests = batch.properties.get("requests", 0) + written.counts.written
        return replace(written, actions=[SetProperties({"requests": requests})])


def build(lines: TextRows) -> CountedRequests:
    """Split each line into typed fields; malformed lines are rejected."""
    return CountedRequests(lines.transform(with_request_fields).typed(COLUMNS))


def open_targets(name: str, feed: AccessLogsFeed, lake: Lake) -> list[TargetJob[TextRows, CountedRequests]]:
    """Return the single target of a feed."""
    target = Target(name, "requests", feed.target)
    reader = ObjectReader(
        Source(lake, feed.source.path, compile_date_template(feed.source.file_name)),
        LineFormat(),
        Filling("append", DATE_KEYS),
    )
    columns = {column.name: column.ddl_type for column in COLUMNS}
    sink = ParquetSink(lake, target, "by day", partition_by=DATE_KEYS, columns=columns)
    return [TargetJob(feed, target, reader, build, sink)]


if __name__ == "__main__":
    run_as_script("access_logs")
