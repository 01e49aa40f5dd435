"""CSV objects to a typed Parquet table."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from jobs.cli.entrypoint import run_as_script
from jobs.feeds.csv_to_parquet import CsvToParquetFeed
from lakewright.aws.catalog import Catalog
from lakewright.csv.objects import (
    Finding,
    Header,
    bind_columns,
    look_through,
    misread_among,
    read_heads,
    refused_among,
)
from lakewright.engine.spark import observations
from lakewright.engine.spark.csv import DOUBT, CsvBatch
from lakewright.engine.spark.parquet import broken_rules, plan_reading, schema_changes, stage_parquet, staged_files
from lakewright.engine.spark.session import own_session, quiet_failures
from lakewright.errors import ConfigError
from lakewright.runs.job import Request, Staged, Survey, Target
from lakewright.runs.log import Counts, Log, Plan, SourceObject, TableState
from lakewright.runs.progress import Progress
from lakewright.sources.listing import Listed, Source, describe_empty
from lakewright.sources.selection import Choice, choose_append, choose_rebuild, choose_whole, narrowed
from lakewright.storage.lake import Lake
from transforms.errors import HeaderError
from transforms.object_names import DATE_KEYS, compile_date_template, is_day, partition_path
from transforms.spark.typed_rows import (
    OBJECT,
    REJECTED,
    TypedColumn,
    keep_good,
    keep_rejected,
    with_typed_values,
)

_NO_NAME: Final = "Spark cannot open an object of this name; rename it"
_LEFT_BEHIND: Final = "the former table, laid out as {}, is not kept up to date any more; delete it if nobody reads it"


def build(rows: DataFrame, *, columns: Sequence[TypedColumn], observed: Observation) -> DataFrame:
    """Judge text rows by the declared types, counting them on the way.

    Columns in:  every declared column (string), and those of ``readers.csv.CsvBatch.read``
    Columns out: those of ``transforms.spark.typed_rows.with_typed_values``
    Rows:        unchanged; observed are read, rejected, dirty (objects with rejected rows, a line each) and doubted
                 (objects with rows of which it is in doubt what they are, a line each)
    """
    return rows.transform(with_typed_values, columns=columns).observe(
        observed,
        F.count(F.lit(1)).alias("read"),
        F.count_if(REJECTED).alias("rejected"),
        F.array_join(F.collect_set(F.when(F.col(REJECTED), F.col(OBJECT))), "\n").alias("dirty"),
        F.array_join(F.collect_set(F.when(F.col(DOUBT), F.col(OBJECT))), "\n").alias("doubted"),
    )


class CsvToParquet:
    """The job for its one target; see ``lakewright.runs.job.TargetJob``."""

    def __init__(self, feed_name: str, feed: CsvToParquetFeed, lake: Lake) -> None:
        self.feed, self._lake = feed, lake
        self.target = Target(feed_name, feed.target.path.strip("/").rsplit("/", 1)[-1], feed.target.path)
        self.skips_refused = feed.source.on_refused_file == "skip"
        pattern = compile_date_template(feed.source.file_name) if feed.source.file_name else None
        takes_underscores = feed.source.hidden == "take"
        self._source = Source(lake, feed.source.path, pattern, takes_underscores=takes_underscores)
        self._heads: dict[tuple[str, str], Header | None] = {}
        self._misread: set[tuple[str, str]] = set()

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:
        """See ``TargetJob.survey``."""
        is_whole = request.everything and not request.wanted
        changes, broken = schema_changes(state.columns, state.published, self._published_columns())
        former = self._former_table(state)
        if problem := (former or state).other_layout(self.layout()):
            broken.insert(0, problem)
        if broken and not is_whole:
            raise ConfigError(f"{broken[0]}; run `rebuild` to make the whole table anew")
        listing = self._source.look()
        asked = narrowed(listing.objects, request.wanted)
        unreadable = narrowed(listing.unreadable, request.wanted)
        if request.wanted and not asked and not unreadable:
            raise ConfigError(f"no source object matches {partition_path(request.wanted)}")
        fresh = [found for found in asked if request.everything or not state.has(found.path, found.etag)]
        refused = self._refused(fresh) | {found.path: _NO_NAME for found in unreadable}
        refused |= {path: reason for path, reason in excluded.items() if path in _paths(asked)}
        if self.feed.target.fill == "append" and not request.everything:
            refused |= self._damaged([found for found in fresh if found.path in state.objects.keys() - refused.keys()])
        return Survey(
            choice=self._choose(listing.objects, _paths(asked), refused, former or state, request),
            refused=refused,
            ignored=listing.ignored,
            extra_columns=self._extra_columns(fresh),
            schema_changes=changes + broken,
            warnings=[_LEFT_BEHIND.format(former.layout)] if former else [],
            nothing=""
            if listing.objects or listing.unreadable
            else describe_empty(self._source.where, listing.ignored, whose="one of the feed's"),
        )

    def changed(self, plan: Plan) -> list[str]:
        """See ``TargetJob.changed``."""
        return self._source.changed(plan.objects)

    def processing_date(self) -> str:
        """See ``TargetJob.processing_date``."""
        return datetime.now(UTC).date().isoformat()

    def stage(self, plan: Plan, folder: str, progress: Progress) -> Staged:
        """See ``TargetJob.stage``."""
        refused = self._refused(plan.objects)
        known = {taken.path: self._heads.get((taken.path, taken.etag)) for taken in plan.objects}
        headers = {path: header for path, header in known.items() if header is not None}
        if refused:
            return Staged(refused=refused)
        with_rows = [taken for taken in plan.objects if taken.path in headers]
        if not with_rows:
            return Staged(columns=self._published_columns())
        return self._stage_rows(plan, with_rows, headers, folder, progress)

    def layout(self) -> str:
        """See ``TargetJob.layout``."""
        target = self.feed.target
        by = "/".join(target.partition_by) or "no partition"
        return f"{target.path} by {by} of the {target.partition_date} date, {target.fill}"

    def catalog(self) -> Catalog | None:
        """See ``TargetJob.catalog``; a folder on a person's own machine is nothing that the catalog could point to."""
        target = self.feed.target
        if target.catalog is None or not self._lake.uri.startswith("s3://"):
            return None
        location, owner = f"{self._lake.uri}/{target.path}", f"{self.target.feed_name} in {self._lake.uri}"
        database, table = target.catalog.database, target.catalog.table
        return Catalog(database, table, location, target.partition_by, owner=owner)

    def _stage_rows(
        self,
        plan: Plan,
        objects: Sequence[SourceObject],
        headers: Mapping[str, Header],
        folder: str,
        progress: Progress,
    ) -> Staged:
        """Read once, write the good rows; then read the objects with rejected rows again, to write those rows.

        If Spark's reader has misread objects, all is read once more, and those in Python workers.
        """
        csv, lake = self.feed.source.csv, self._source.lake
        spark = own_session(lake_uris=(self._lake.uri, lake.uri))
        columns = list(self.feed.typed_columns().values())
        batch = CsvBatch(spark, lake, objects, headers, csv, self.feed.header_names())
        in_python = batch.hidden_paths() | {
            taken.path for taken in objects if (taken.path, taken.etag) in self._misread
        }
        doubted = {taken.path for taken in objects if csv.multiline and headers[taken.path].is_suspect}
        findings = batch.look_through(batch.hidden_paths() | doubted)
        counted: dict[str, Any] = {}
        while not counted:
            if refused := refused_among(findings):
                return Staged(refused=refused)
            in_python |= misread_among(findings)
            self._lake.delete_folder(folder + "table/")
            counted, findings = self._stage_good(batch, in_python, findings, columns, folder)
            misread = misread_among(findings)
            self._misread |= {(taken.path, taken.etag) for taken in objects if taken.path in misread}
        if counted["rejected"]:
            progress.stage(self.target.name, "quarantine", f"{counted['rejected']} rows")
            dirty = set(counted["dirty"].split("\n"))
            self._stage_rejected(batch.read(in_python=in_python, only=dirty), columns, folder)
        prefix = f"{plan.number:06d}-"
        table = staged_files(spark, self._lake, folder + "table/", self.target.path, prefix=prefix)
        quarantine = staged_files(
            spark, self._lake, folder + "quarantine/", self.target.quarantine_folder, prefix=prefix
        )
        return Staged(
            counts=Counts(
                read=counted["read"], written=counted["read"] - counted["rejected"], rejected=counted["rejected"]
            ),
            rules=broken_rules(spark, self._lake.spark_uri(folder + "quarantine")) if quarantine else {},
            columns=self._published_columns(),
            table=table,
            quarantine=quarantine,
        )

    def _stage_good(
        self,
        batch: CsvBatch,
        in_python: Collection[str],
        known: Mapping[str, Finding],
        columns: Sequence[TypedColumn],
        folder: str,
    ) -> tuple[dict[str, Any], dict[str, Finding]]:
        """Write the good rows, and give the counts, or none if these rows are not to be used; and all findings."""
        target, is_by_line = self.feed.target, not batch.options.multiline
        gather = plan_reading(batch.spark, batch.objects)
        observed, observed_headers = Observation(folder), Observation() if is_by_line else None
        rows = batch.read(in_python=in_python, observed_headers=observed_headers)
        judged = build(rows, columns=columns, observed=observed)
        try:
            with quiet_failures(batch.spark):
                stage_parquet(
                    judged.transform(keep_good, columns=columns, also=self.feed.date_keys()),
                    self._lake.spark_uri(folder + "table"),
                    partition_by=target.partition_by,
                    compression=target.compression,
                    record_bytes=max(batch.headers[taken.path].record_bytes for taken in batch.objects),
                    gather=gather,
                )
        except (Py4JJavaError, PySparkException):
            findings = batch.look_through(taken.path for taken in batch.objects)
            if not refused_among(findings) and misread_among(findings) <= set(in_python):
                raise
            return {}, findings
        counted = observations.counted(observed)
        doubted = set(filter(None, counted["doubted"].split("\n")))
        findings = {**known, **batch.look_through(doubted - known.keys())}
        if observed_headers is not None:
            headers = Counter(observations.counted(observed_headers)["headers"].split("\n"))
            by_spark = (taken.path for taken in batch.objects if taken.path not in in_python)
            repeated = {path: Finding(is_misread=True) for path in by_spark if headers[path] != 1}
            findings |= {path: found for path, found in repeated.items() if path not in refused_among(findings)}
        is_final = not refused_among(findings) and misread_among(findings) <= set(in_python)
        return counted if is_final else {}, findings

    def _stage_rejected(self, rows: DataFrame, columns: Sequence[TypedColumn], folder: str) -> None:
        keys = self.feed.date_keys() if self.feed.target.fill == "rebuild" else []
        rejected = build(rows, columns=columns, observed=Observation()).transform(
            keep_rejected, columns=columns, also=keys
        )
        stage_parquet(rejected, self._lake.spark_uri(folder + "quarantine"), partition_by=keys)

    def _choose(
        self,
        listed: Sequence[Listed],
        asked: Collection[str],
        refused: Mapping[str, str],
        state: TableState,
        request: Request,
    ) -> Choice:
        target, keys = self.feed.target, self.feed.date_keys()
        allow_gone = target.on_missing_source == "rebuild"
        is_append = target.fill == "append"
        if is_append and request.everything and request.wanted:
            raise ConfigError("an appended table is rebuilt whole: leave --date and --partition out")
        # What would lose rows because an object of it is refused now stays as it is.
        withheld = {self._partition(found) for found in listed if found.path in refused and found.path in state.objects}
        if withheld and request.everything and (is_append or not request.wanted):
            return Choice([], [])
        dated = [found for found in listed if not self._undated(found)]
        kept = [found for found in dated if found.path not in refused and self._partition(found) not in withheld]
        if is_append:
            today = dict(zip(DATE_KEYS, self.processing_date().split("-"), strict=True))
            is_source = target.partition_date == "source"
            return choose_append(
                [found for found in kept if found.path in asked],
                state,
                values=lambda found: {key: (found.date if is_source else today)[key] for key in keys},
                everything=request.everything,
                allow_gone=allow_gone,
            )
        if request.everything and not request.wanted:
            return choose_whole(kept, state, keys=keys, allow_gone=allow_gone)
        return choose_rebuild(kept, state, asked=asked, keys=keys, everything=request.everything, allow_gone=allow_gone)

    def _refused(self, objects: Iterable[Listed | SourceObject]) -> dict[str, str]:
        """Look at the heads of objects, and say why some cannot be read as declared."""
        refused = {}
        new = [found for found in objects if (found.path, found.etag) not in self._heads]
        heads = read_heads(self._source.lake, [(found.path, found.size) for found in new], self.feed.source.csv)
        refused.update(heads.refused)
        for found in new:
            if found.path not in refused:
                self._heads[found.path, found.etag] = heads.headers.get(found.path)
        for found in objects:
            if isinstance(found, Listed) and (problem := self._undated(found)):
                refused[found.path] = problem
            elif reason := self._reason_to_refuse(self._heads.get((found.path, found.etag))):
                refused[found.path] = reason
        return refused

    def _damaged(self, rewritten: Iterable[Listed]) -> dict[str, str]:
        """Read appended objects through that were written again: damage is to be told from news that need a rebuild."""
        lake, csv = self._source.lake, self.feed.source.csv
        headers = {found.path: self._heads.get((found.path, found.etag)) for found in rewritten}
        return refused_among({path: look_through(lake, path, head, csv) for path, head in headers.items() if head})

    def _reason_to_refuse(self, header: Header | None) -> str:
        if header is None:
            return ""
        try:
            _, extra = bind_columns(header, self.feed.header_names())
        except HeaderError as error:
            return str(error)
        if extra and self.feed.source.on_extra_column == "refuse":
            return f"the header has columns that are not declared: {', '.join(map(repr, extra))}"
        return ""

    def _extra_columns(self, objects: Iterable[Listed]) -> dict[str, int]:
        """Count the objects that have each column that is not declared."""
        counts: Counter[str] = Counter()
        for found in objects:
            header = self._heads.get((found.path, found.etag))
            if header is not None and not self._reason_to_refuse(header):
                counts.update(bind_columns(header, self.feed.header_names())[1])
        return dict(counts)

    def _undated(self, found: Listed) -> str:
        """Say what the name of an object lacks for its place in the table; empty if nothing."""
        keys = self.feed.date_keys() if self.feed.target.partition_date == "source" else []
        if missing := [key for key in keys if key not in found.date]:
            return f"its name does not say the {missing[0]}"
        values = {key: found.date[key] for key in keys}
        return "" if is_day(values) else f"its name says {partition_path(values)}, which is no day"

    def _partition(self, found: Listed) -> str:
        """Name the partition that is made again with an object; an appended one is nobody's but its own."""
        if self.feed.target.fill == "append":
            return found.path
        return partition_path({key: found.date.get(key, "") for key in self.feed.date_keys()})

    def _former_table(self, state: TableState) -> TableState | None:
        """Find the feed's table under another name, if this one has nothing yet: its path was changed."""
        if state.committed:
            return None
        folder = f"state/{self.target.feed_name}/"
        names = (name for name in self._lake.folders(folder) if name != self.target.name)
        states = (Log(self._lake, f"{folder}{name}/").read()[0] for name in names)
        return next((former for former in states if former.committed), None)

    def _published_columns(self) -> dict[str, str]:
        return {name: column.ddl_type for name, column in self.feed.typed_columns().items()}


def _paths(objects: Iterable[Listed]) -> set[str]:
    return {found.path for found in objects}


def open_targets(feed_name: str, feed: CsvToParquetFeed, lake: Lake) -> list[CsvToParquet]:
    """Give the targets of a feed: this job has one."""
    return [CsvToParquet(feed_name, feed, lake)]


if __name__ == "__main__":
    run_as_script("csv_to_parquet")
