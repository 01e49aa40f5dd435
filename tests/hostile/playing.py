"""Scenarios are played in this process, once each, and cases are held against what they leave."""

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
from tests.e2e.conftest import BUCKET
from tests.hostile.cases import Case, Ending, Link, Row, Scenario, Stored, Words

#: Cases name objects ``x<newline>y.csv``.
_REST_OF_A_CUT_NAME: Final = ("y.csv", "y.json", "y.parquet")


@dataclass
class Played:
    """What a scenario's commands answered, and where it was played."""

    root: Path
    lake: str
    answers: list[Answer] = field(default_factory=list)
    delivered: dict[str, bytes] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)

    def entry(self, target: str) -> Mapping[str, Any] | None:
        """Give what the last command says of a target."""
        entries = _entries(self.answers[-1])
        return next((entry for entry in entries if not target or entry.get("target") == target), None)


def answer_of(*arguments: str) -> Answer:
    """Run a command in this process: a verb, or a job module as a script where the first word is ``script``."""
    if arguments[0] != "script":
        return command(*arguments)
    stdout, stderr, exit_code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        try:
            run_as_script(arguments[1], arguments[2:])
        except SystemExit as ended:
            exit_code = int(ended.code or 0)
    return Answer(exit_code, stdout.getvalue(), stderr.getvalue())


class Stage:
    """Plays scenarios."""

    def __init__(self, spark: SparkSession, root: Path) -> None:
        self.spark, self._root = spark, root
        self._played: dict[Scenario, Played] = {}

    def play(self, scenario: Scenario) -> Played:
        if scenario not in self._played:
            root = self._root / str(len(self._played))
            lake = f"s3://{BUCKET}/{root.name}" if scenario.is_on_s3 else str(root / "lake")
            played = self._played[scenario] = Played(root, lake)
            with pytest.MonkeyPatch.context() as patch:
                for name, value in scenario.environment.items():
                    patch.setenv(name, self._filled(value, played))
                self._play(scenario, played)
        return self._played[scenario]

    def _play(self, scenario: Scenario, played: Played) -> None:
        (played.root / "lake").mkdir(parents=True)
        feeds = played.root / "conf/feeds"
        feeds.mkdir(parents=True)
        for name, feed in scenario.feeds.items():
            text = feed if isinstance(feed, str) else yaml.safe_dump(dict(feed), sort_keys=False)
            (feeds / f"{name}.yaml").write_text(self._filled(text, played))
        for name, body in scenario.outside.items():
            (played.root / name).parent.mkdir(parents=True, exist_ok=True)
            (played.root / name).write_bytes(body)
        for step in scenario.steps:
            for path, body in step.files.items():
                (self._put_object if scenario.is_on_s3 else self._put_file)(path, body, played)
            arguments = (self._filled(argument, played) for argument in (*step.arguments, *scenario.where))
            played.answers.append(answer_of(*arguments))
        played.objects = _objects_of(played) if scenario.is_on_s3 else _files_of(played)

    @staticmethod
    def _filled(argument: str, played: Played) -> str:
        names = {"{lake}": played.lake, "{conf}": str(played.root / "conf"), "{root}": str(played.root)}
        for name, value in names.items():
            argument = argument.replace(name, value)
        return argument

    def _put_file(self, path: str, body: bytes | Link | Stored | None, played: Played) -> None:
        file = Path(played.lake) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if body is None:
            file.unlink()
            played.delivered.pop(path, None)
        elif isinstance(body, Link):
            file.symlink_to(self._filled(body.to, played))
            played.delivered[path] = b"link"
        else:
            assert isinstance(body, bytes)
            file.write_bytes(body)
            played.delivered[path] = body

    @staticmethod
    def _put_object(path: str, body: bytes | Link | Stored | None, played: Played) -> None:
        assert not isinstance(body, Link)
        s3, key = boto3.client("s3"), f"{played.root.name}/{path}"
        if body is None:
            s3.delete_object(Bucket=BUCKET, Key=key)
            played.delivered.pop(path, None)
            return
        stored = body if isinstance(body, Stored) else Stored(body)
        s3.put_object(Bucket=BUCKET, Key=key, Body=stored.body, StorageClass=stored.storage_class)
        if stored.is_restored:
            s3.restore_object(Bucket=BUCKET, Key=key, RestoreRequest={"Days": 1})
        played.delivered[path] = stored.body

    def rows(self, case: Case, played: Played) -> list[Row]:
        """Read a table as anybody would: Parquet files by their paths, Hudi tables through Hudi."""
        if any(path.startswith(f"{case.table}.hoodie/") for path in played.objects):
            frame = self.spark.read.format("hudi").load(f"{played.lake}/{case.table}")
            own = [name for name in frame.columns if not name.startswith(("_hoodie_", "_change_order"))]
            found = [{name: row[name] for name in own} for row in frame.collect()]
        else:
            found = [
                row | {key: value for key, _, value in folders}
                for path, body in played.objects.items()
                if path.startswith(case.table) and path.endswith(".parquet")
                for folders in [[part.partition("=") for part in path.split("/") if "=" in part]]
                for row in pq.ParquetFile(pa.BufferReader(body)).read().to_pylist()
            ]
        if case.columns:
            return [tuple(_plain(row.get(name, "no such column")) for name in case.columns) for row in found]
        return [tuple(sorted((_plain(value) for value in row.values()), key=str)) for row in found]


def _plain(value: Any) -> Any:
    """Give a value without its time zone, as bytes and plain containers."""
    if hasattr(value, "tzinfo") and hasattr(value, "date"):
        return value.replace(tzinfo=None)
    if hasattr(value, "asDict"):
        return value.asDict(recursive=True)
    return bytes(value) if isinstance(value, bytearray) else value


def _files_of(played: Played) -> dict[str, bytes]:
    lake = Path(played.lake)
    return {
        os.fsdecode(os.fsencode(path.relative_to(lake).as_posix())): path.read_bytes()
        for path in lake.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def _objects_of(played: Played) -> dict[str, bytes]:
    bucket, prefix = boto3.resource("s3").Bucket(BUCKET), f"{played.root.name}/"
    return {
        found.key.removeprefix(prefix): b""
        if found.storage_class not in (None, "STANDARD")
        else found.get()["Body"].read()
        for found in bucket.objects.filter(Prefix=prefix)
    }


def _entries(answer: Answer) -> list[Mapping[str, Any]]:
    try:
        data = json.loads(answer.stdout)
    except ValueError:
        return []
    return [entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []


def problems_of(case: Case, ending: Ending, played: Played, stage: Stage) -> list[str]:
    """Name what is not as this ending wants it."""
    last = played.answers[-1]
    entry = played.entry(case.target)
    code = entry["exit_code"] if case.target and entry else last.exit_code
    found = []
    if not _is_any(code, ending.exit_code):
        found.append(f"exit code {code}, not {ending.exit_code}")
    for answer, expected in zip(played.answers, ending.before, strict=False):
        if not _is_any(answer.exit_code, expected):
            found.append(f"an earlier exit code {answer.exit_code}, not {expected}: {answer.last_line[:200]}")
    said = json.dumps(entry, ensure_ascii=False) if case.target and entry else last.stdout + "\n" + last.stderr
    said = said.casefold()
    found += [f"does not say {words!r}" for words in ending.says if not _is_said(words, said)]
    found += [f"says {word!r}" for word in ending.never_says if word.casefold() in said]
    if ending.rows is not None:
        rows = stage.rows(case, played)
        if sorted(rows, key=repr) != sorted(ending.rows, key=repr) and not _are_equal(rows, ending.rows):
            found.append(f"rows {sorted(rows, key=repr)!r}, not {sorted(ending.rows, key=repr)!r}")
    if ending.rejected is not None and (entry or {}).get("counts", {}).get("rejected") != ending.rejected:
        found.append(f"rejected {(entry or {}).get('counts', {}).get('rejected')} rows, not {ending.rejected}")
    for path, body in ending.files.items():
        if _unpacked(path, played.objects.get(path)) != _unpacked(path, body):
            found.append(f"{path} holds {(played.objects.get(path) or b'nothing')[:200]!r}, not {body!r}")
    return found


def _unpacked(path: str, body: bytes | None) -> bytes | None:
    """Give what gzip holds: a scrub may pack otherwise than the test does."""
    if not path.endswith(".gz") or not body:
        return body
    try:
        return gzip.decompress(body)
    except (EOFError, OSError):
        return body


def _is_any(code: int, expected: int | tuple[int, ...]) -> bool:
    return code in expected if isinstance(expected, tuple) else code == expected


def _is_said(words: Words, said: str) -> bool:
    return any(word.casefold() in said for word in ((words,) if isinstance(words, str) else words))


def _are_equal(rows: list[Row], expected: Any) -> bool:
    left = list(expected)
    for row in rows:
        if row not in left:
            return False
        left.remove(row)
    return not left


def broken_laws(case: Case, played: Played) -> list[str]:
    """Name the laws that hold for every case, and do not for this one."""
    found = []
    for number, answer in enumerate(played.answers, 1):
        if "Traceback" in answer.stderr or ": unexpected " in answer.stderr or answer.exit_code == 1:
            found.append(f"command {number} ended unexpectedly: {answer.last_line[:300]}")
        if answer.exit_code and "error" not in answer.stderr.casefold():
            found.append(f"command {number} ended with {answer.exit_code} without a word on stderr")
        cut = [line for line in answer.stderr.splitlines() if line.startswith(_REST_OF_A_CUT_NAME)]
        found += [f"command {number}: a message is cut in two: {line[:100]!r}" for line in cut]
        for entry in _entries(answer):
            counts = entry.get("counts") or {}
            outcomes = sum(counts.get(name, 0) for name in ("written", "deleted", "superseded", "rejected"))
            if counts and not counts.get("rekeyed") and not counts.get("withheld") and counts["read"] != outcomes:
                found.append(f"command {number}: the sum of rows does not hold: {counts}")
    state = "".join(body.decode(errors="replace") for path, body in played.objects.items() if path.startswith("state/"))
    said = "".join(answer.stdout + answer.stderr for answer in played.answers)
    found += [f"{word!r} is shown" for word in case.never if word in state + said]
    if played.answers[-1].exit_code == 0 and not case.target:
        unknown = (path for path, body in played.delivered.items() if body and not _is_known(path, state + said))
        found += [f"{path!r} is neither read nor named" for path in unknown if path not in case.may_skip]
    return found


def _is_known(path: str, texts: str) -> bool:
    """Tell whether the state or an answer names an object."""
    name = path.rsplit("/", 1)[-1]
    return any(written in texts for written in (name, json.dumps(name, ensure_ascii=False)[1:-1]))
