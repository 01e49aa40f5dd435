"""Runs scenarios in this process, once each, and compares their results with cases."""

import contextlib
import gzip
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pyspark.sql import SparkSession

from jobs.cli.entrypoint import run_as_script
from tests.conftest import Answer, command
from tests.hostile.cases import Case, Link, Outcome, Row, Scenario, StoredObject, Words
from tests.s3_server import BUCKET

#: Cases name objects ``x<newline>y.csv``.
_REST_OF_A_SPLIT_NAME: Final = ("y.csv", "y.json", "y.parquet")


@dataclass
class ScenarioRun:
    """The outputs of a scenario's commands, and its lake."""

    root: Path
    lake: str
    answers: list[Answer] = field(default_factory=list)
    delivered: dict[str, bytes] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)

    def entry(self, target: str) -> Mapping[str, Any] | None:
        """Return the entry of a target in the last command's output."""
        entries = _entries(self.answers[-1])
        return next((entry for entry in entries if not target or entry.get("target") == target), None)


def run_command(*arguments: str) -> Answer:
    """Run a command in this process: a verb, or a job module as a script if the first word is ``script``."""
    if arguments[0] != "script":
        return command(*arguments)
    stdout, stderr, exit_code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        try:
            run_as_script(arguments[1], arguments[2:])
        except SystemExit as ended:
            exit_code = int(ended.code or 0)
    return Answer(exit_code, stdout.getvalue(), stderr.getvalue())


class ScenarioRunner:
    """Runs scenarios."""

    def __init__(self, spark: SparkSession, root: Path) -> None:
        self.spark, self._root = spark, root
        self._runs: dict[Scenario, ScenarioRun] = {}

    def run(self, scenario: Scenario) -> ScenarioRun:
        if scenario not in self._runs:
            root = self._root / str(len(self._runs))
            lake = f"s3://{BUCKET}/{root.name}" if scenario.is_on_s3 else str(root / "lake")
            run = self._runs[scenario] = ScenarioRun(root, lake)
            with pytest.MonkeyPatch.context() as patch:
                for name, value in scenario.environment.items():
                    patch.setenv(name, self._filled(value, run))
                self._run(scenario, run)
        return self._runs[scenario]

    def _run(self, scenario: Scenario, run: ScenarioRun) -> None:
        (run.root / "lake").mkdir(parents=True)
        feeds = run.root / "conf/feeds"
        feeds.mkdir(parents=True)
        for name, feed in scenario.feeds.items():
            text = feed if isinstance(feed, str) else yaml.safe_dump(dict(feed), sort_keys=False)
            (feeds / f"{name}.yaml").write_text(self._filled(text, run))
        for name, body in scenario.outside.items():
            (run.root / name).parent.mkdir(parents=True, exist_ok=True)
            (run.root / name).write_bytes(body)
        for step in scenario.steps:
            for path, body in step.files.items():
                (self._put_object if scenario.is_on_s3 else self._put_file)(path, body, run)
            arguments = (self._filled(argument, run) for argument in (*step.arguments, *scenario.where))
            run.answers.append(run_command(*arguments))
        run.objects = _objects_of(run) if scenario.is_on_s3 else _files_of(run)

    @staticmethod
    def _filled(argument: str, run: ScenarioRun) -> str:
        names = {"{lake}": run.lake, "{conf}": str(run.root / "conf"), "{root}": str(run.root)}
        for name, value in names.items():
            argument = argument.replace(name, value)
        return argument

    def _put_file(self, path: str, body: bytes | Link | StoredObject | None, run: ScenarioRun) -> None:
        file = Path(run.lake) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if body is None:
            file.unlink()
            run.delivered.pop(path, None)
        elif isinstance(body, Link):
            file.symlink_to(self._filled(body.to, run))
            run.delivered[path] = b"link"
        else:
            assert isinstance(body, bytes)
            file.write_bytes(body)
            run.delivered[path] = body

    @staticmethod
    def _put_object(path: str, body: bytes | Link | StoredObject | None, run: ScenarioRun) -> None:
        assert not isinstance(body, Link)
        s3, key = boto3.client("s3"), f"{run.root.name}/{path}"
        if body is None:
            s3.delete_object(Bucket=BUCKET, Key=key)
            run.delivered.pop(path, None)
            return
        stored = body if isinstance(body, StoredObject) else StoredObject(body)
        s3.put_object(Bucket=BUCKET, Key=key, Body=stored.body, StorageClass=stored.storage_class)
        if stored.is_restored:
            s3.restore_object(Bucket=BUCKET, Key=key, RestoreRequest={"Days": 1})
        run.delivered[path] = stored.body

    def rows(self, case: Case, run: ScenarioRun) -> list[Row]:
        """Read a table: Parquet files by path, Hudi tables through Hudi."""
        if any(path.startswith(f"{case.table}.hoodie/") for path in run.objects):
            frame = self.spark.read.format("hudi").load(f"{run.lake}/{case.table}")
            own = [name for name in frame.columns if not name.startswith(("_hoodie_", "_change_order"))]
            rows = [{name: row[name] for name in own} for row in frame.collect()]
        else:
            rows = [
                row | {key: value for key, _, value in folders}
                for path, body in run.objects.items()
                if path.startswith(case.table) and path.endswith(".parquet")
                for folders in [[part.partition("=") for part in path.split("/") if "=" in part]]
                for row in pq.ParquetFile(pa.BufferReader(body)).read().to_pylist()
            ]
        if case.columns:
            return [tuple(_plain(row.get(name, "no such column")) for name in case.columns) for row in rows]
        return [tuple(sorted((_plain(value) for value in row.values()), key=str)) for row in rows]


def _plain(value: Any) -> Any:
    """Return a value without its time zone, as bytes and plain containers."""
    if hasattr(value, "tzinfo") and hasattr(value, "date"):
        return value.replace(tzinfo=None)
    if hasattr(value, "asDict"):
        return value.asDict(recursive=True)
    return bytes(value) if isinstance(value, bytearray) else value


def _files_of(run: ScenarioRun) -> dict[str, bytes]:
    lake = Path(run.lake)
    return {
        os.fsdecode(os.fsencode(path.relative_to(lake).as_posix())): path.read_bytes()
        for path in lake.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def _objects_of(run: ScenarioRun) -> dict[str, bytes]:
    bucket, prefix = boto3.resource("s3").Bucket(BUCKET), f"{run.root.name}/"
    return {
        stored.key.removeprefix(prefix): b""
        if stored.storage_class not in (None, "STANDARD")
        else stored.get()["Body"].read()
        for stored in bucket.objects.filter(Prefix=prefix)
    }


def _entries(answer: Answer) -> list[Mapping[str, Any]]:
    try:
        data = json.loads(answer.stdout)
    except ValueError:
        return []
    return [entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []


def mismatches(case: Case, outcome: Outcome, run: ScenarioRun, runner: ScenarioRunner) -> list[str]:
    """Return the differences from an outcome."""
    last = run.answers[-1]
    entry = run.entry(case.target)
    code = entry["exit_code"] if case.target and entry else last.exit_code
    problems = []
    if not _is_one_of(code, outcome.exit_code):
        problems.append(f"exit code {code}, not {outcome.exit_code}")
    for answer, expected in zip(run.answers, outcome.earlier_exit_codes, strict=False):
        if not _is_one_of(answer.exit_code, expected):
            problems.append(f"an earlier exit code {answer.exit_code}, not {expected}: {answer.last_line[:200]}")
    answer = json.dumps(entry, ensure_ascii=False) if case.target and entry else last.stdout + "\n" + last.stderr
    output = answer.casefold()
    problems += [f"does not mention {words!r}" for words in outcome.mentions if not _is_mentioned(words, output)]
    problems += [f"mentions {word!r}" for word in outcome.omits if word.casefold() in output]
    if outcome.rows is not None:
        rows = runner.rows(case, run)
        if sorted(rows, key=repr) != sorted(outcome.rows, key=repr) and not _are_equal(rows, outcome.rows):
            problems.append(f"rows {sorted(rows, key=repr)!r}, not {sorted(outcome.rows, key=repr)!r}")
    if outcome.rejected is not None and (entry or {}).get("counts", {}).get("rejected") != outcome.rejected:
        problems.append(f"rejected {(entry or {}).get('counts', {}).get('rejected')} rows, not {outcome.rejected}")
    for path, body in outcome.files.items():
        if _unpacked(path, run.objects.get(path)) != _unpacked(path, body):
            problems.append(f"{path} contains {(run.objects.get(path) or b'nothing')[:200]!r}, not {body!r}")
    return problems


def _unpacked(path: str, body: bytes | None) -> bytes | None:
    """Decompress gzip: a scrub may compress differently."""
    if not path.endswith(".gz") or not body:
        return body
    try:
        return gzip.decompress(body)
    except (EOFError, OSError):
        return body


def _is_one_of(code: int, expected: int | tuple[int, ...]) -> bool:
    return code in expected if isinstance(expected, tuple) else code == expected


def _is_mentioned(words: Words, output: str) -> bool:
    return any(word.casefold() in output for word in ((words,) if isinstance(words, str) else words))


def _are_equal(rows: list[Row], expected: Any) -> bool:
    left = list(expected)
    for row in rows:
        if row not in left:
            return False
        left.remove(row)
    return not left


def violations(case: Case, run: ScenarioRun) -> list[str]:
    """Return violations of the rules that hold for every case."""
    problems = []
    for number, answer in enumerate(run.answers, 1):
        if "Traceback" in answer.stderr or ": unexpected " in answer.stderr or answer.exit_code == 1:
            problems.append(f"command {number} failed unexpectedly: {answer.last_line[:300]}")
        if answer.exit_code and "error" not in answer.stderr.casefold():
            problems.append(f"command {number} exited with {answer.exit_code} without an error on stderr")
        split = [line for line in answer.stderr.splitlines() if line.startswith(_REST_OF_A_SPLIT_NAME)]
        problems += [f"command {number}: a message is split: {line[:100]!r}" for line in split]
        for entry in _entries(answer):
            counts = entry.get("counts") or {}
            outcomes = sum(counts.get(name, 0) for name in ("written", "deleted", "superseded", "rejected", "skipped"))
            if counts and not counts.get("rekeyed") and not counts.get("withheld") and counts["read"] != outcomes:
                problems.append(f"command {number}: row counts do not add up: {counts}")
    state = "".join(body.decode(errors="replace") for path, body in run.objects.items() if path.startswith("state/"))
    output = "".join(answer.stdout + answer.stderr for answer in run.answers)
    problems += [f"{word!r} is shown" for word in case.never if word in state + output]
    if run.answers[-1].exit_code == 0 and not case.target:
        unknown = (path for path, body in run.delivered.items() if body and not _is_known(path, state + output))
        problems += [f"{path!r} is neither read nor mentioned" for path in unknown if path not in case.may_skip]
    return problems


def _is_known(path: str, texts: str) -> bool:
    """Whether the state or an output mentions an object."""
    name = path.rsplit("/", 1)[-1]
    return any(written in texts for written in (name, json.dumps(name, ensure_ascii=False)[1:-1]))
