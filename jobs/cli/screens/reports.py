"""The text of ``report``."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from jobs.cli.layout import print_record, print_table
from jobs.cli.screens.words import some
from lakewright.costs.money import money
from lakewright.report.words import ago, lasting
from lakewright.runs.progress import count_of
from transforms.object_names import one_line

#: What needs attention, and problems: the most that are shown; JSON and page have all.
_SHOWN: Final = 20
_UNKNOWN: Final = "-"
_DAY_DIGITS: Final = len("2026-")


def show_report(report: Mapping[str, Any]) -> None:
    """Print a report."""
    print_record(
        f"report of {report['lake']}",
        {
            "at": report["at"],
            "health": ", ".join(f"{count} {health}" for health, count in report["health"].items()) or "no feeds",
            f"last {count_of(len(report['days']), 'day')}": _sums(report["total"], report["currency"]),
            "cost": some(
                report["cost_notes"] if report["currency"] else ["unknown: no valid prices.yaml"], most=_SHOWN
            ),
            "not read": some(report["problems"], most=_SHOWN),
            "warnings": some(report["warnings"], most=_SHOWN),
        },
    )
    _show_needs(report["needs"])
    print_table(
        "targets",
        ["health", "feed → target", "last run", "data", "waiting", "quarantine", "rows", "cost"],
        [row for feed in report["feeds"] for row in _rows(feed, report["currency"])],
        texts=5,
        spare=[7, 6],
    )
    print_table(
        "per day (UTC)",
        ["day", "runs", "failed", "rows read", "rejected", "time", "cost"],
        [[day["day"], *_day_row(day, report["currency"])] for day in report["per_day"]],
        texts=1,
    )
    if report["total"]["cost"] is not None and report["currency"]:
        days = [day[_DAY_DIGITS:] for day in report["days"]]
        rows = [_cost_row(feed, report["currency"]) for feed in [*report["feeds"], {**report, "feed": "all"}]]
        print_table("cost per day", ["feed", *days, "all"], rows, texts=1, spare=range(1, len(days)))


def _show_needs(needs: Sequence[Mapping[str, Any]]) -> None:
    shown = {f"{number}. {need['what']}": _need(need) for number, need in enumerate(needs[:_SHOWN], start=1)}
    if len(needs) > _SHOWN:
        shown["…"] = f"and {len(needs) - _SHOWN} more"
    nothing = {"nothing": "all feeds are in order, or wait for their next run"}
    print_record("needs attention, most urgent first", shown or nothing)


def _need(need: Mapping[str, Any]) -> str:
    name = one_line(f"{_name(need['feed'], need['targets'])}{_since(need)}: {need['why']}")
    do = f"{need['do']}: {need['command']}" if need["command"] else need["do"]
    return f"{name}\n{one_line(do)}"


def _since(need: Mapping[str, Any]) -> str:
    return f" since {_minute(need['since'])}" if need["since"] else ""


def _rows(feed: Mapping[str, Any], currency: str) -> list[list[str]]:
    """Return a row per target of a feed, or one of a feed without any."""
    rows = [_target_row(feed, target, currency) for target in feed["targets"]]
    return rows or [[feed["health"], feed["feed"], *[""] * 6]]


def _target_row(feed: Mapping[str, Any], target: Mapping[str, Any], currency: str) -> list[str]:
    last, waiting, table = target["last_run"], target["waiting"], target["table"]
    seconds = target["committed_seconds_ago"]
    is_open = [f"batch {target['open_batch']['number']} open"] if target["open_batch"] else []
    waits = [count_of(waiting["objects"], "object")] if waiting and waiting["objects"] else []
    behind = ["catalog behind"] if target["catalog_is_behind"] else []
    rejected = target["quarantine"]["rows"] if target["quarantine"] else None
    return [
        target["health"],
        _name(feed["feed"], [target["target"]]),
        f"{last['status'].replace('_', ' ')} {ago(timedelta(seconds=last['seconds_ago']))}" if last else "never",
        _UNKNOWN if seconds is None else f"{lasting(timedelta(seconds=seconds))} old",
        ", ".join([*is_open, *waits, *behind]),
        _UNKNOWN if rejected is None else f"{rejected:,}" if rejected else "",
        f"{table['rows']:,}" if table and table["rows"] is not None else _UNKNOWN,
        _money(target["total"]["cost"], currency),
    ]


def _day_row(day: Mapping[str, Any], currency: str) -> list[str]:
    return [
        _runs(day),
        f"{day['failed']:,}" if day["failed"] else "",
        f"{day['read']:,}",
        _share(day["rejected_share"]),
        lasting(timedelta(seconds=day["seconds"])),
        _money(day["cost"], currency),
    ]


def _runs(day: Mapping[str, Any]) -> str:
    of_all = f" of {day['runs'] + day['runs_not_read']:,}" if day["runs_not_read"] else ""
    return f"{day['runs']:,}{of_all}"


def _cost_row(feed: Mapping[str, Any], currency: str) -> list[str]:
    return [feed["feed"], *(_money(day["cost"], currency) for day in [*feed["per_day"], feed["total"]])]


def _sums(total: Mapping[str, Any], currency: str) -> str:
    failed = f", {total['failed']:,} failed" if total["failed"] else ""
    rejected = f" ({_share(total['rejected_share'])} rejected)" if total["rejected"] else ""
    cost = f", {_money(total['cost'], currency)}" if total["cost"] is not None and currency else ""
    time = lasting(timedelta(seconds=total["seconds"]))
    return f"{count_of(total['runs'], 'run')}{failed}, {total['read']:,} rows read{rejected}, {time}{cost}"


def _money(amount: float | None, currency: str) -> str:
    if amount is None or not currency:
        return _UNKNOWN
    return money(amount, currency) if amount else ""


def _share(share: float | None) -> str:
    return "" if not share else f"{100 * share:.2f} %"


def _name(feed: str, targets: Sequence[str]) -> str:
    if not targets or targets == [feed]:
        return feed
    return f"{feed} → {targets[0]}" + (f" and {len(targets) - 1} more" if len(targets) > 1 else "")


def _minute(time: str) -> str:
    return f"{datetime.fromisoformat(time):%Y-%m-%d %H:%M}"
