"""Replay of lines rejected from the objects of a topic, through the command line."""

import gzip
import os
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.conftest import freeze_day
from tests.replay.lakes import QuarantineRow, ReplayLake

SEEDS = int(os.environ.get("LAKEWRIGHT_LAW_SEEDS", "1"))
STEPS = 9
DAY = "year=2026/month=08/day=01"


def feed(**source: Any) -> dict[str, Any]:
    return {
        "job": "flatten_events",
        "source": {"path": "raw/topics/", "topics": ["t"], **source},
        "target": {"path": "refined/", "on_missing_source": "rebuild"},
        "max_rejected": 1.0,
        "lease_seconds": 2,
    }


def events_lake(root: Path, **source: Any) -> ReplayLake:
    return ReplayLake(root, feed(**source), name="events", target="t")


def path_of(start: int, folder: str = DAY, end: str = ".json") -> str:
    return f"raw/topics/t/{folder}/t+0+{start:010}{end}"


def offsets(lake: ReplayLake, *names: str) -> list[tuple[Any, ...]]:
    """Return the offset and some values of each row."""
    tables = (pq.ParquetFile(lake.lake / path).read() for path in lake.state().files)
    rows = [row for table in tables for row in table.to_pylist()]
    return sorted(((row["_offset"], *(row.get(name) for name in names or ("n",))) for row in rows), key=repr)


@pytest.mark.parametrize("end", [".json", ".json.gz"])
def test_replayed_lines_keep_their_offsets(tmp_path: Path, end: str) -> None:
    """Blank lines have no offset; a line of a correction is no line of the object."""
    lake = events_lake(tmp_path)
    text = b'{"n": 0}\n\n{"n": 1\n{"n": 2}\n[3]\n{"n": 4\n'
    lake.put(path_of(100, end=end), gzip.compress(text) if end.endswith("gz") else text)
    assert lake.run()["counts"]["rejected"] == 3
    texts = {'{"n": 1': '{"n": 1}', "[3]": '{"n": 3, "new": true}'}
    done = lake.run("replay", *lake.edit(lambda row: {"text": texts[row["text"]]} if row["text"] in texts else None))
    assert (done["exit_code"], done["replayed"], done["counts"]["read"]) == (0, {"corrected": 2}, 2), done["error"]
    expected = [(100, 0, None), (101, 1, None), (102, 2, None), (103, 3, True)]
    for _ in range(2):
        assert offsets(lake, "n", "new") == expected
        assert [row["text"] for row in lake.quarantine()] == ['{"n": 4']
        lake.run("rebuild")
    again = lake.run("replay", *lake.edit(lambda _: {"text": '{"n": 4}'}))
    assert (again["exit_code"], offsets(lake, "n", "new")) == (0, [*expected, (104, 4, None)])


def test_corrections_of_an_object_that_returns_count_again(tmp_path: Path) -> None:
    lake = events_lake(tmp_path)
    lake.put(path_of(0), '{"n": 0\n')
    lake.put(path_of(10), '{"n": 10}\n')
    lake.run()
    lake.run("replay", *lake.edit(lambda _: {"text": '{"n": 0}'}))
    original, elsewhere = lake.lake / path_of(0), lake.root / "elsewhere"
    original.rename(elsewhere)
    lake.run("rebuild")
    assert (offsets(lake), lake.quarantine()) == ([(10, 10)], [])
    elsewhere.rename(original)
    lake.run()
    assert (offsets(lake), lake.quarantine()) == ([(0, 0), (10, 10)], [])


@pytest.mark.parametrize(
    ("source", "text", "edit", "fixed"),
    [
        pytest.param(
            {"records": "array"},
            '[{"n": 0},\n{"n": 1,},\n{"n":\n"é", "m": tru}, {"n": 3}]',
            '{\n "n": 1\n}',
            '{"n":\n"é", "m": true}',
            id="array",
        ),
        pytest.param(
            {"records": "array"},
            '[{"n": 0},\nnull, {"n": "é", "m": tru}, {"n": 3}]',
            '{"n": 1}',
            '{"n": "é", "m": true}',
            id="null-in-an-array",
        ),
        pytest.param(
            {"records": "concatenated"},
            '{"n": 0}{"n": 1,}\n\n{"n": "é", "m": tru} {"n": 3}',
            '{"n": 1}',
            '{"n": "é", "m": true}',
            id="concatenated",
        ),
        pytest.param(
            {"unwrap": "connect"},
            '{"schema": 0, "payload": {"n": 0}}\n{"n": 1}\n{"schema": 0, "payload": {"n": "é", "m": tru}}\n'
            'null\n{"schema": 0, "payload": {"n": 3}}\n',
            '{"schema": 0, "payload": {"n": 1}}',
            '{"schema": 0, "payload": {"n": "é", "m": true}}',
            id="connect",
        ),
        pytest.param(
            {"parse_json": ["$"]},
            '"{\\"n\\": 0}"\n"{"\n"{\\"n\\": \\"é\\", \\"m\\": tru}"\n"{\\"n\\": 3}"\n',
            '"{\\"n\\": 1}"',
            '{"n": "é", "m": true}',
            id="strings",
        ),
    ],
)
def test_records_in_a_declared_form_are_replayed_in_their_place(
    tmp_path: Path, source: dict[str, Any], text: str, edit: str, fixed: str
) -> None:
    lake = events_lake(tmp_path, **source)
    lake.put(path_of(100), text)
    assert lake.run()["counts"]["rejected"] == 2
    assert [row["position"] for row in lake.quarantine()] == [2, 3]
    last = (104 if "unwrap" in source else 103, 3, None)
    for position, replacement in ((2, edit), (3, fixed)):
        texts = {position: replacement}
        done = lake.run(
            "replay",
            *lake.edit(lambda row, texts=texts: {"text": texts[row["position"]]} if row["position"] in texts else None),
        )
        assert (done["exit_code"], done["replayed"]) == (0, {"corrected": 1}), done["error"]
    expected = [(100, 0, None, None), (101, 1, None, None), (102, None, "é", True), (*last, None)]
    assert lake.quarantine() == []
    for verb in ("run", "rebuild"):
        lake.run(verb)
        assert offsets(lake, "n", "n__text", "m") == expected


def test_records_under_names_with_the_last_offset_are_replayed_in_their_place(tmp_path: Path) -> None:
    lake = events_lake(tmp_path, object_name="{topic}/{partition}/{last_offset}.json", day={"from": "object"})
    lake.put("raw/topics/t/0/102.json", '{"n": 0}\n{"n": 1\n{"n": 2}\n')
    lake.run()
    done = lake.run("replay", *lake.edit(lambda _: {"text": '{"n": 1}'}))
    assert (done["exit_code"], offsets(lake)) == (0, [(100, 0), (101, 1), (102, 2)]), done["error"]


def test_a_replayed_line_that_another_object_has_is_one_row(tmp_path: Path) -> None:
    lake = events_lake(tmp_path)
    lake.put(path_of(100), '{"n": 0}\n{"n": 1\n')
    lake.put(path_of(101), '{"n": 1}\n{"n": 2}\n')
    lake.run()
    done = lake.run("replay", *lake.edit(lambda _: {"text": '{"n": 1}'}))
    assert (done["counts"]["superseded"], done["counts"]["written"]) == (1, 0)
    assert offsets(lake) == [(100, 0), (101, 1), (102, 2)]


def test_corrections_of_an_object_that_was_written_again_are_void(tmp_path: Path) -> None:
    lake = events_lake(tmp_path)
    lake.put(path_of(100), '{"n": 0}\n{"n": 1\n')
    lake.run()
    lake.run("replay", *lake.edit(lambda _: {"text": '{"n": 10}'}))
    lake.put(path_of(100), '{"n": 0}\n{"n": 11}\n')
    done = lake.run()
    assert (done["exit_code"], offsets(lake)) == (0, [(100, 0), (101, 11)])
    assert "no longer counts" in done["warnings"][0]
    lake.run("rebuild")
    assert offsets(lake) == [(100, 0), (101, 11)]


def test_a_replayed_line_stays_when_its_object_is_read_again(tmp_path: Path) -> None:
    lake = events_lake(tmp_path)
    lake.put(path_of(100), '{"n": 0}\n{"n": 1\n')
    lake.run()
    lake.run("replay", *lake.edit(lambda _: {"text": '{"n": 1}'}))
    done = lake.run("rebuild", "--date", "2026-08-01")
    assert (done["exit_code"], done["counts"]["superseded"]) == (0, 1), done["error"]
    assert offsets(lake) == [(100, 0), (101, 1)]
    assert lake.quarantine() == []


def test_lines_of_a_refused_batch_are_replayed_with_it(tmp_path: Path) -> None:
    lake = events_lake(tmp_path)
    lake.configure(max_rejected=0.0)
    lake.put(path_of(100), '{"n": 0}\n{"n": 1\n')
    assert lake.run()["exit_code"] == 3
    done = lake.run("replay", *lake.edit(lambda _: {"text": '{"n": 1}'}))
    assert (done["exit_code"], offsets(lake), lake.quarantine()) == (0, [(100, 0), (101, 1)], [])


def test_replayed_days_are_those_of_the_processing_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = events_lake(tmp_path, day={"from": "field", "field": "at"}, timestamps={"at": "iso"})
    lake.put(path_of(100), '{"n": 0, "at": "2999-01-01T00:00:00Z"}\n')
    freeze_day(monkeypatch, "2998-12-01")
    assert lake.run()["counts"]["rejected"] == 1
    freeze_day(monkeypatch, "2998-12-31")
    assert lake.run("replay")["replayed"] == {"corrected": 1}
    assert offsets(lake) == [(100, 0)]


def test_replayed_lines_are_read_once_even_if_their_object_is_deleted(tmp_path: Path) -> None:
    lake = events_lake(tmp_path)
    lake.put(path_of(100), '{"n": 0}\n{"n": 1\n')
    lake.put(path_of(110), '{"n": 10}\n')
    lake.run()
    lake.run("replay", *lake.edit(lambda _: {"text": '{"n": 1}'}))
    (lake.lake / path_of(100)).unlink()
    assert [lake.run(verb)["status"] for verb in ("run", "replay", "run")] == ["nothing_new"] * 3
    assert (offsets(lake), lake.run("status")["waiting_objects"]) == ([(100, 0), (101, 1), (110, 10)], 0)
    assert lake.run("rebuild")["exit_code"] == 0
    assert offsets(lake) == [(110, 10)]


def test_a_text_of_two_lines_is_refused(tmp_path: Path) -> None:
    lake = events_lake(tmp_path)
    lake.put(path_of(100), '{"n": 0}\n{"n": 1\n')
    lake.run()
    done = lake.run("replay", *lake.edit(lambda _: {"text": '{"n": 1}\n{"n": 2}'}))
    assert (done["exit_code"], "must be one line with one JSON document" in done["error"]) == (2, True)
    assert not (lake.lake / "corrections").exists()


class History:
    """A random history of one topic."""

    def __init__(self, root: Path, seed: int) -> None:
        self.random, self.count, self.next = Random(seed), 0, 100
        self.carries = self.random.random() < 0.4
        self.source: dict[str, Any] = {"record": {"offset": "off"}} if self.carries else {}
        self.lake = events_lake(root / "replayed", **self.source)
        self.objects: dict[str, list[str]] = {}
        self.corrected: dict[str, str] = {}
        self.places: dict[str, Path] = {}

    def line(self, offset: int) -> str:
        self.count += 1
        if self.random.random() < 0.1:
            return ""
        carried = f', "off": {offset}' if self.carries else ""
        text = f'{{"n": "r{self.count}"{carried}}}'
        return self.random.choice([text, text, text[:-1], f"[{text}]"])

    def put(self, path: str = "") -> None:
        start = int(path.rsplit("+", 1)[1][:10]) if path else self.next
        path = path or path_of(start, f"year=2026/month=08/day=0{self.random.randint(1, 2)}")
        for line in self.objects.get(path, ()):
            self.corrected.pop(line, None)
        self.objects[path] = [self.line(start + place) for place in range(self.random.randint(1, 5))]
        self.next = max(self.next, start + 5)
        self.write(self.lake, path)

    def write(self, lake: ReplayLake, path: str, *, clean: bool = False) -> None:
        lines = [self.corrected.get(line, line) if clean and line else line for line in self.objects[path]]
        lake.put(path, "".join(f"{line}\n" for line in lines))

    def put_again(self) -> None:
        if self.objects:
            self.put(self.random.choice(list(self.objects)))
            self.lake.run()

    def delete(self) -> None:
        if len(self.objects) > 1:
            path = self.random.choice(list(self.objects))
            del self.objects[path]
            (self.lake.lake / path).unlink()
            self.lake.run()
            rows = offsets(self.lake)
            assert self.lake.run()["status"] != "committed"
            assert offsets(self.lake) == rows
            self.lake.run("rebuild")

    def replay(self) -> None:
        chosen: dict[str, str] = {}

        def change(row: QuarantineRow) -> dict[str, str] | None:
            text = row["text"]
            if self.random.random() < 0.3 or not any(text in lines for lines in self.objects.values()):
                return None
            if self.random.random() < 0.3:
                return {}  # still wrong
            chosen[text] = f'{text.removeprefix("[").rstrip("]}")}, "fixed": true}}'
            return {"text": chosen[text]}

        arguments = self.lake.edit(change)
        receipt = self.lake.run("replay", *arguments)
        for path in map(self.lake.lake.joinpath, receipt["corrections"]):
            written = path.read_text() if path.exists() else ""
            found = {text: fixed for text, fixed in chosen.items() if fixed in written}
            self.corrected |= found
            self.places |= dict.fromkeys(found, path)

    def step(self) -> None:
        actions = [self.put] * 3 + [self.lake.run] * 3 + [self.replay] * 4
        actions += [lambda: self.lake.run("replay"), lambda: self.lake.run("rebuild"), self.put_again, self.delete]
        actions += [lambda: self.lake.configure(max_rejected=self.random.choice([0.0, 0.5, 1.0]))]
        self.random.choice(actions)()


def outcome(lake: ReplayLake) -> tuple[list[Any], list[Any]]:
    rejected = [(row["text"], row["reasons"]) for row in lake.quarantine()]
    return offsets(lake, "n", "fixed"), sorted(rejected, key=repr)


@pytest.mark.parametrize("seed", range(SEEDS * 2))
def test_corrected_lines_are_as_if_they_had_been_right_from_the_start(tmp_path: Path, seed: int) -> None:
    history = History(tmp_path, seed)
    history.put()
    for _ in range(STEPS):
        history.step()
    lake = history.lake
    lake.configure(max_rejected=1.0)
    lake.run("run")
    lake.run("replay")
    if any(path.startswith("raw/") and path not in history.objects for path in lake.state().objects):
        lake.run("rebuild")  # an object was deleted, and the rebuild without it refused
    history.corrected = {text: fixed for text, fixed in history.corrected.items() if history.places[text].exists()}
    clean = events_lake(tmp_path / "clean", **history.source)
    for path in history.objects:
        history.write(clean, path, clean=True)
    clean.run("run")
    records = sum(len([line for line in lines if line]) for lines in history.objects.values())
    for _ in range(2):
        rows, rejected = outcome(lake)
        assert (rows, rejected) == outcome(clean)
        assert len(rows) + len(rejected) == records
        lake.run("rebuild")
