"""The law of replay for CSV: rows corrected and replayed at any time, with anything between, equal one clean run."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.replay.lakes import QuarantineRow, ReplayLake

SEEDS = int(os.environ.get("LAKEWRIGHT_LAW_SEEDS", "1"))
STEPS = 9
MARKER = "NA"


@dataclass
class Record:
    """A record at the source: its values, or its text if that is torn."""

    name: str
    values: list[str]
    torn: str = ""

    def text(self) -> str:
        return self.torn or ",".join(self.values)


@dataclass
class Sources:
    """The objects of a source, records of deleted ones, and the records that replays corrected in the current version."""

    objects: dict[str, list[Record]] = field(default_factory=dict)
    gone: list[Record] = field(default_factory=list)
    corrected: dict[str, Record] = field(default_factory=dict)
    places: dict[str, Path] = field(default_factory=dict)

    def forget_withdrawn(self) -> None:
        """Forget corrections that were withdrawn because their batch was refused."""
        self.corrected = {name: each for name, each in self.corrected.items() if self.places[name].exists()}

    def write(self, lake: ReplayLake, path: str, *, clean: bool = False) -> None:
        records = [self.corrected.get(each.name, each) if clean else each for each in self.objects[path]]
        lake.put(path, "id,extra,name,city\n" + "".join(f"{each.text()}\n" for each in records))


def feed(fill: str) -> dict[str, Any]:
    columns = {"id": "long", "name": "string", "city": "string"}
    by = ["year", "month", "day"] if fill == "rebuild" else ["day", "city"]
    return {
        "job": "csv_to_parquet",
        "source": {"path": "raw/people/", "columns": columns},
        "target": {"path": "refined/people/", "fill": fill, "partition_by": by, "on_missing_source": "rebuild"},
        "max_rejected": 1.0,
        "lease_seconds": 2,
    }


class History:
    """A random history of one lake."""

    def __init__(self, root: Path, fill: str, seed: int) -> None:
        self.random, self.fill, self.count = Random(f"{fill} {seed}"), fill, 0
        self.lake, self.sources = ReplayLake(root / "replayed", feed(fill)), Sources()

    def record(self) -> Record:
        self.count += 1
        name, random = f"r{self.count}", self.random
        identity = random.choice([str(self.count)] * 3 + ["x", MARKER])
        values = [identity, random.choice(["", "e"]), name, random.choice(["Rome", "Oslo"])]
        return Record(name, values, f"{identity},e,{name}" if random.random() < 0.15 else "")

    def put(self, path: str = "") -> None:
        day = self.random.randint(1, 2)
        path = path or f"raw/people/year=2026/month=08/day=0{day}/{len(self.sources.objects)}.csv"
        for each in self.sources.objects.get(path, ()):
            self.sources.corrected.pop(each.name, None)
        self.sources.objects[path] = [self.record() for _ in range(self.random.randint(1, 5))]
        self.sources.write(self.lake, path)

    def upload_again(self) -> None:
        if self.sources.objects:
            self.put(self.random.choice(list(self.sources.objects)))
            self.lake.run("rebuild" if self.fill == "append" else "run")

    def delete(self) -> None:
        if len(self.sources.objects) > 1:
            objects, corrected = self.sources.objects, self.sources.corrected.keys()
            of_corrected = [path for path, records in objects.items() if corrected & {each.name for each in records}]
            path = self.random.choice(of_corrected or list(objects))
            records = objects.pop(path)
            (self.lake.lake / path).unlink()
            if self.fill == "append":
                self.sources.gone.extend(records)
                self.run_twice()
            if self.fill == "rebuild" or self.random.random() < 0.3:
                self.lake.run("rebuild")

    def run_twice(self) -> None:
        """A run reads nothing twice, whatever happened before."""
        self.lake.run()
        rows = self.lake.rows()
        assert self.lake.run()["status"] != "committed"
        assert self.lake.rows() == rows

    def limit(self) -> None:
        self.lake.configure(max_rejected=self.random.choice([0.0, 0.5, 1.0]))

    def widen(self) -> None:
        self.lake.configure(source__csv={"null_text": [MARKER]})

    def replay_edited(self) -> None:
        chosen: dict[str, Record] = {}

        def change(row: QuarantineRow) -> dict[str, str] | None:
            record = self._record_of(row)
            if record is None or self.random.random() < 0.3:
                return None
            if self.random.random() < 0.3:
                return {}  # still wrong
            fixed = Record(record.name, [str(1000 + self.count), record.values[1], record.name, "Bonn"])
            chosen[record.name] = fixed
            if row["fields"] is None:
                return {"text": fixed.text()}
            return {"id": fixed.values[0], "city": "Bonn"}

        arguments = self.lake.edit(change)
        receipt = self.lake.run("replay", *arguments)
        assert receipt["exit_code"] in (0, 3), receipt["error"]
        self._note(receipt, chosen)

    def _note(self, receipt: dict[str, Any], chosen: dict[str, Record]) -> None:
        """Note which rows a replay corrected: those that no earlier correction replaces."""
        for path in map(self.lake.lake.joinpath, receipt["corrections"]):
            written = path.read_text() if path.exists() else ""
            for name, record in chosen.items():
                if f'"{name}"' in written or f",{name}," in written:
                    self.sources.corrected[name], self.sources.places[name] = record, path

    def _record_of(self, row: QuarantineRow) -> Record | None:
        names = row["fields"]["name"] if row["fields"] else row["text"].split(",")[2]
        records = [*(each for records in self.sources.objects.values() for each in records), *self.sources.gone]
        return next((each for each in records if each.name == names), None)

    def step(self) -> None:
        actions = [self.put] * 3 + [self.run_twice] * 3 + [self.replay_edited] * 4
        actions += [lambda: self.lake.run("replay"), lambda: self.lake.run("rebuild"), self.upload_again]
        actions += [self.delete, self.limit, self.widen]
        self.random.choice(actions)()


def outcome(lake: ReplayLake) -> tuple[list[Any], list[Any]]:
    rejected = [(row["text"], row["reasons"]) for row in lake.quarantine()]
    return lake.rows(), sorted(rejected, key=repr)


@pytest.mark.parametrize("seed", range(SEEDS * 2))
@pytest.mark.parametrize("fill", ["rebuild", "append"])
def test_corrected_rows_are_as_if_they_had_been_right_from_the_start(tmp_path: Path, fill: str, seed: int) -> None:
    history = History(tmp_path, fill, seed)
    history.put()
    history.put()
    for _ in range(STEPS):
        history.step()
    lake, sources = history.lake, history.sources
    lake.configure(max_rejected=1.0)
    if lake.run("run")["exit_code"]:
        lake.run("rebuild")  # an object of an append-only table was uploaded again, and its rebuild refused
    lake.run("replay")
    history.delete()
    if any(path.startswith("raw/") and path not in sources.objects for path in lake.state().objects):
        lake.run("rebuild")  # an object was deleted, and the rebuild without it refused
    sources.forget_withdrawn()
    clean = ReplayLake(tmp_path / "clean", lake.feed)
    for path in sources.objects:
        sources.write(clean, path, clean=True)
    clean.run("run")
    records = sum(map(len, sources.objects.values()))
    for _ in range(2):
        rows, rejected = outcome(lake)
        assert (rows, rejected) == outcome(clean)
        assert len(rows) + len(rejected) == records
        lake.run("rebuild")
