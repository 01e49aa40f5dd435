"""The entry of a target in a report."""

from datetime import datetime
from typing import Any

from lakewright.report.health import Verdict
from lakewright.report.history import PastRun, RunHistory, time_of_run
from lakewright.report.targets import TargetFacts


def target_entry(facts: TargetFacts, history: RunHistory, verdict: Verdict, now: datetime) -> dict[str, Any]:
    """Describe a target as JSON-compatible data."""
    last = history.runs[-1] if history.runs else None
    committed = _last_commit(facts, history)
    job, holder, waiting = facts.target.job, facts.holder, facts.waiting
    return {
        "target": facts.target.name,
        "health": verdict.health,
        "why": verdict.reason,
        "since": verdict.since.isoformat() if verdict.since else None,
        "runs_since": verdict.runs,
        "is_overdue": verdict.is_overdue,
        "last_run": _run_entry(last, now) if last else None,
        "running": {"run": holder.run, "host": holder.host} if holder and facts.runs_now else None,
        "committed": committed.isoformat() if committed else None,
        "committed_seconds_ago": round((now - committed).total_seconds()) if committed else None,
        "newest_day": facts.newest_day.isoformat() if facts.newest_day else None,
        "open_batch": facts.open_batch,
        "waiting": {
            "objects": waiting.objects,
            "bytes": waiting.bytes,
            "corrections": waiting.corrections,
            "refused": waiting.refused,
        }
        if waiting
        else None,
        "quarantine": facts.quarantine,
        "table": {"path": job.target.path if job else "", **facts.table} if facts.table else None,
        "catalog_is_behind": facts.catalog_is_behind,
    }


def _run_entry(run: PastRun, now: datetime) -> dict[str, Any]:
    return {
        "run": run.run,
        "job": run.job,
        "verb": run.verb,
        "status": run.status,
        "exit_code": run.exit_code,
        "error": " ".join(run.error.splitlines()),
        "warnings": run.warnings,
        "started": run.started,
        "finished": run.finished,
        "seconds_ago": round((now - run.ended).total_seconds()),
        "seconds": round(run.lasted, 3),
    }


def _last_commit(facts: TargetFacts, history: RunHistory) -> datetime | None:
    """Return when rows were last committed; None if neither receipts nor the log tell."""
    for run in reversed(history.runs):
        if run.status == "committed" and run.counts.read:
            return run.ended
    return time_of_run(facts.last_commit)
