"""A job module as a script: what Glue and spark-submit start, with the options of ``lakewright run``."""

import argparse
import json
import logging
import sys
from collections.abc import Sequence

from lakewright.config import Conf, lake_uri
from lakewright.errors import ConfigError, NoTargetsError, cause_of
from lakewright.runs.job import Request
from lakewright.runs.lifecycle import run_targets
from lakewright.runs.progress import LogProgress
from lakewright.runs.receipts import Receipt
from lakewright.storage.uris import open_lake
from transforms.errors import LakewrightError


def run_as_script(arguments: Sequence[str] | None = None) -> int:
    """Run a feed; arguments that Glue adds of its own are left alone.

    Returns:
        The exit code.
    """
    from jobs.cli.registry import load_feed

    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--feed", required=True)
    parser.add_argument("--lake")
    parser.add_argument("--conf", default="conf")
    parser.add_argument("--target", action="append", default=[])
    parser.add_argument("--date")
    parser.add_argument("--partition")
    parser.add_argument("--drop-open", action="store_true")
    parser.add_argument("--set", action="append", default=[], dest="settings")
    options, _ = parser.parse_known_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    try:
        feed = load_feed(Conf(options.conf), options.feed, options.settings)
        lake = open_lake(lake_uri(options.lake))
        lake.check()
        request = Request("run", wanted_partition(options.date, options.partition), options.drop_open)
        receipts = run_targets(lake, feed.targets(lake, options.target), request, LogProgress())
    except NoTargetsError as error:
        print(json.dumps(error.entry()))
        print(f"{'error' if error.refused else 'warning'}: {error}", file=sys.stderr)
        return error.exit_code
    except LakewrightError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except Exception as error:
        logging.getLogger("lakewright").debug("unexpected", exc_info=True)
        print(f"error: unexpected {cause_of(error)}", file=sys.stderr)
        return 1
    for receipt in receipts:
        print(receipt.json(), file=sys.stdout)
        for warning in receipt.warnings:
            print(f"warning: {receipt.target}: {warning}", file=sys.stderr)
        if receipt.error:
            print(f"error: {receipt.target}: {receipt.error}", file=sys.stderr)
    return worst_exit_code(receipts)


def wanted_partition(date: str | None, partition: str | None) -> dict[str, str]:
    """Read ``--date 2026-08-01`` or ``--partition year=2026,month=08``.

    Raises:
        ConfigError: If it is neither.
    """
    wanted: dict[str, str] = {}
    if date:
        parts = date.split("-")
        if [len(part) for part in parts] != [4, 2, 2] or not all(part.isdigit() for part in parts):
            raise ConfigError(f"--date takes a day such as 2026-08-01, not {date!r}")
        wanted = dict(zip(("year", "month", "day"), parts, strict=True))
    for pair in partition.split(",") if partition else ():
        key, separator, value = pair.partition("=")
        if not separator or key not in ("year", "month", "day"):
            raise ConfigError(f"--partition takes year=2026,month=08,day=01 or a part of it, not {partition!r}")
        wanted[key] = value
    return wanted


def worst_exit_code(receipts: Sequence[Receipt]) -> int:
    """Give the exit code of several targets: the worst counts."""
    return max((receipt.exit_code for receipt in receipts), default=0)
