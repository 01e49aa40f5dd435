"""The plan of a target: what its next run would do, and what that rests on."""

from dataclasses import dataclass, replace
from typing import Any, Final

from lakewright.costs.estimates import Estimate, estimate
from lakewright.errors import DamagedReceiptError
from lakewright.log.log import Append, Log, LogContent
from lakewright.log.state import TableState
from lakewright.runs.job.batch import Choice, Survey
from lakewright.runs.job.request import Request
from lakewright.runs.job.sampling import Sample
from lakewright.runs.job.target_job import AnyJob
from lakewright.runs.lifecycle.publishing import has_staged_files
from lakewright.runs.planning.comparison import config_report, refused_changes, schema_report
from lakewright.runs.planning.effects import effects, expired_rows
from lakewright.runs.planning.incoming import incoming
from lakewright.runs.planning.open_batch import OpenBatch, open_batch
from lakewright.runs.progress import count_of
from lakewright.runs.receipts import recent_receipts
from lakewright.runs.registration import Registration
from lakewright.runs.views import empty_source, new_corrections
from lakewright.storage.lake import Lake
from lakewright.workers import Engines
from transforms.errors import DataError, LakewrightError
from transforms.object_names import partition_path

#: Earlier runs that an estimate follows from, at most.
_RECENT_RUNS: Final = 20


def plan_overview(lake: Lake, job: AnyJob, request: Request, engines: Engines) -> dict[str, Any]:
    """Describe what a run would do for a target, and what that will probably take and cost.

    Raises:
        ConfigError: If no engine can run the feed, or its gate is invalid.
    """
    engines.check(job.feed)
    job.check_gate()
    return _Planning(lake, job, request, engines).overview()


@dataclass(frozen=True)
class _Planning:
    """The plan of one target."""

    lake: Lake
    job: AnyJob
    request: Request
    engines: Engines

    def overview(self) -> dict[str, Any]:
        """Describe the next run."""
        job, log = self.job, Log(self.lake, self.job.target.state_folder)
        content = log.content()
        state = content.state
        overview: dict[str, Any] = {"feed": job.target.feed_name, "target": job.target.name, "exit_code": 0}
        overview |= {"error": "", "does": "nothing", "unfinished": self._unfinished(content)}
        try:
            batch = open_batch(job, content.open_plan) if content.open_plan else None
            if batch is not None:
                overview |= {"does": "batch", "open_batch": batch.report(self.lake, job.target.state_folder)}
            survey = self._survey(state, batch)
        except LakewrightError as error:
            return overview | {
                "does": "refused",
                "exit_code": error.exit_code,
                "error": str(error),
                "schema": schema_report(state, refused_changes(error), None, None),
                "config": config_report(log, job, state, None, error),
            }
        sample = self._sample(survey, state)
        changes = [*survey.schema_changes, *(sample.changes if sample else ())]
        expired = expired_rows(job, state, self.request)
        if not survey.is_idle:
            overview["does"] = "batch"
        elif overview["does"] == "nothing" and (overview["unfinished"] or expired):
            overview["does"] = "upkeep"
        return (
            overview
            | self._contents(state, survey)
            | {
                "schema_changes": [*map(str, changes), *survey.config_changes],
                "source": incoming(state, survey),
                "table": effects(job, state, survey) | {"expired_rows": expired},
                "schema": schema_report(state, changes, survey, sample),
                "config": config_report(log, job, state, survey, None),
                "estimate": self._estimate(batch, survey),
            }
            | self._problems(state, survey)
        )

    def _survey(self, state: TableState, batch: OpenBatch | None) -> Survey:
        """Survey the source; if refused objects stop the run, no object is read."""
        job, request = self.job, self.request
        survey = batch.survey_after(job, state, request) if batch else job.survey(state, request, excluded={})
        if survey.refused and not job.reader.skips_refused:
            why = f"a refused object stops the run: {min(survey.refused)}"
            blocked = {source.path: why for source in survey.choice.objects} | survey.blocked
            survey = replace(survey, choice=Choice([], Append()), blocked=blocked, without_objects=False)
        return survey

    def _sample(self, survey: Survey, state: TableState) -> Sample | None:
        """Sample the records of a batch, if they determine its columns."""
        if self.job.sampler is None or not survey.choice.objects:
            return None
        return self.job.sampler().sample(survey.choice.objects, state)

    def _contents(self, state: TableState, survey: Survey) -> dict[str, Any]:
        objects = survey.choice.objects
        size = sum(source.size for source in objects)
        return {
            "objects": [{"path": source.path, "size": source.size} for source in objects],
            "corrections": new_corrections(state, survey),
            "bytes": size,
            "engine": self.engines.choose(self.job.feed, size).report() if objects else {},
            "partitions": sorted({partition_path(source.values) for source in objects if source.values}),
            "refused": survey.refused,
            "blocked": survey.blocked,
            "ignored": survey.ignored,
            "extra_columns": survey.extra_columns,
            "dropped_columns": survey.dropped_columns,
            "warnings": survey.warnings,
        }

    def _problems(self, state: TableState, survey: Survey) -> dict[str, Any]:
        """Return the error of the run, if it is known before data is read."""
        problems = empty_source(self.job, state, survey)
        if survey.refused and "error" not in problems:
            path, reason = next(iter(survey.refused.items()))
            error = f"{count_of(len(survey.refused), 'object')} would be refused, first {path}: {reason}"
            problems |= {"exit_code": DataError.exit_code, "error": error}
        if problems.get("error") and survey.is_idle:
            problems |= {"does": "refused"}
        return problems

    def _estimate(self, batch: OpenBatch | None, survey: Survey) -> dict[str, Any] | None:
        """Estimate what the run takes, with the open batch that it finishes."""
        finished = batch.plan.objects if batch is not None and batch.end == "finished" else []
        objects = [*finished, *survey.choice.objects]
        if not objects:
            return None
        size = sum(source.size for source in objects)
        try:
            recent = recent_receipts(self.lake, self.job.target.state_folder, _RECENT_RUNS)
        except (DamagedReceiptError, FileNotFoundError) as error:  # the run itself needs no receipts
            return Estimate(why_none=f"a receipt cannot be read: {error}").report()
        return estimate(
            recent,
            verb=self.request.verb,
            engine=self.engines.choose(self.job.feed, size).name,
            size=size,
            objects=len(objects),
            prices=self.request.prices,
        ).report()

    def _unfinished(self, content: LogContent) -> list[str]:
        """Return what of the last committed batch is left to do, and what the run does first."""
        state, unfinished = content.state, []
        if state.number and not content.is_settled and has_staged_files(self.lake, self.job.target, state.number):
            unfinished.append(f"publish the staged files of batch {state.number}")
        if Registration(self.lake, self.job).is_due(state):
            unfinished.append(f"register batch {state.committed} in the catalog")
        return unfinished
