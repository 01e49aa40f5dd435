"""Replay of rows that expectations reject."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.cdc import CdcBench
from tests.replay.lakes import ReplayLake
from tests.replay.test_change_replay import FIRST, LOAD, PEOPLE, at, edit
from tests.replay.test_csv_edits import DAY, feed
from tests.replay.test_event_replay import events_lake, offsets, path_of


def write_rule(root: Path, column: str, allowed: Sequence[str]) -> None:
    """Write a suite that rejects rows with other values of a column."""
    kwargs = {"column": column, "value_set": list(allowed)}
    rule = {"type": "expect_column_values_to_be_in_set", "kwargs": kwargs, "meta": {"on_failure": "reject_rows"}}
    path = root / "conf/quality/names.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"name": "names", "expectations": [rule], "meta": {}}))


@pytest.mark.parametrize("fill", ["rebuild", "append"])
def test_rows_of_csv_objects(tmp_path: Path, fill: str) -> None:
    lake = ReplayLake(tmp_path, feed() | {"gates": {"suite": "names"}})
    lake.configure(target__fill=fill)
    write_rule(tmp_path, "name", ["a", "b"])
    lake.put(f"{DAY}/a.csv", "id,name\n1,a\n2,x\n3,y\n")
    assert lake.run()["counts"]["rejected"] == 2
    names = {"2": "b", "3": "z"}
    done = lake.run("replay", *lake.edit(lambda row: {"name": names[row["fields"]["id"]]}))
    assert done["replayed"] == {"corrected": 1, "still_rejected": 1}
    assert done["still_rejected"] == {"name: column_values_to_be_in_set": 1}
    assert lake.rows() == [("01", 1, "a"), ("01", 2, "b")]


def test_lines_with_new_attributes(tmp_path: Path) -> None:
    lake = events_lake(tmp_path)
    lake.configure(gates={"suite": "names"})
    write_rule(tmp_path, "name", ["a", "b"])
    lake.put(path_of(100), '{"name": "a"}\n{"name": \n{"name": "x"}\n')
    assert lake.run()["counts"]["rejected"] == 2
    texts = {'{"name": ': '{"name": "z", "new": 1}', '{"name": "x"}': '{"name": "b", "newer": 1}'}
    done = lake.run("replay", *lake.edit(lambda row: {"text": texts[row["text"]]}))
    assert done["replayed"] == {"corrected": 1, "still_rejected": 1}
    assert offsets(lake, "name") == [(100, "a"), (102, "b")]


@pytest.mark.slow
def test_changes(tmp_path: Path, spark: SparkSession) -> None:
    """A change that is corrected, and rejected by a later rule, is in quarantine as a row of its correction."""
    cdc = CdcBench(tmp_path, spark)
    cdc.lake.mkdir()
    cdc.feed(tables={"t": {"key": "id"}}, max_rejected=0.9, gates={"suite": "names"})
    write_rule(tmp_path, "name", ["a", "b"])
    cdc.put(LOAD, [(1, "a", None), (2, "a", None)], PEOPLE, table="t")
    cdc.put(FIRST, [("U", at(1), 1, "x", None), ("U", at(2), 2, "y", None)], PEOPLE, table="t")
    assert cdc.run()["counts"]["rejected"] == 2
    names = {"x": "b", "y": "z"}
    done = cdc.run(*edit(cdc, lambda row: {"name": names[row["name"]]}), verb="replay")
    assert (done["exit_code"], done["replayed"]) == (0, {"corrected": 1, "still_rejected": 1}), done["error"]
    assert (1, "b") in cdc.rows("id", "name", table="t")
    write_rule(tmp_path, "name", ["a"])
    done = cdc.run(verb="rebuild")
    assert (done["exit_code"], done["counts"]["rejected"]) == (0, 2), done["error"]
    answer = cdc.command("quarantine", "--json")
    assert {row["object"].split("/")[0] for row in answer.data[0]["rows"]} == {"corrections", "raw"}
    cdc.remove()
