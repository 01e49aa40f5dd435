"""Lines around the records of CSV objects, on the local engine: they are counted, in receipts and limits."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from lakewright.csv import tasks
from tests.replay.lakes import ReplayLake

DAY = "raw/people/year=2026/month=08/day=01"


def lake_of(folder: Path, *, max_rejected: float = 1.0, **csv: Any) -> ReplayLake:
    return ReplayLake(
        folder,
        {
            "job": "csv_to_parquet",
            "source": {"path": "raw/people/", "csv": csv, "columns": {"id": "long", "name": "string"}},
            "target": {"path": "refined/people/", "partition_by": ["day"]},
            "max_rejected": max_rejected,
            "lease_seconds": 2,
        },
    )


def test_skipped_lines_are_in_the_receipt(tmp_path: Path) -> None:
    lake = lake_of(tmp_path, skip_lines=1, footer_lines=2, comment="#")
    lake.put(f"{DAY}/a.csv", "made today\n#one\nid,name\n1,a\n#two\nx,b\n2 rows\n\nend\n")
    lake.put(f"{DAY}/b.csv.gz", gzip.compress(b"made today\nid,name\n2,c\n1 row\nend"))
    done = lake.run()
    assert (done["exit_code"], done["skipped"]) == (0, {"comment": 2, "footer": 4, "preamble": 2})
    counts = done["counts"]
    assert (counts["read"], counts["written"], counts["rejected"], counts["skipped"]) == (11, 2, 1, 8)
    assert lake.rows() == [("01", 1, "a"), ("01", 2, "c")]
    assert "11 read = 2 written + 1 rejected + 8 skipped" in lake.command("receipt").stdout


def test_skipped_lines_are_no_rows_for_max_rejected(tmp_path: Path) -> None:
    lake = lake_of(tmp_path, skip_lines=5, max_rejected=0.4)
    lake.put(f"{DAY}/a.csv", 5 * "-\n" + "id,name\n1,a\nx,b\n")
    done = lake.run()
    assert done["exit_code"] == 3
    assert done["error"].startswith("1 of 2 rows rejected, above max_rejected 0.4")


def test_an_object_without_its_footer_is_refused_and_its_rows_stay(tmp_path: Path) -> None:
    lake = lake_of(tmp_path, footer_lines=2)
    lake.put(f"{DAY}/a.csv", "id,name\n1,a\n1 row\nend\n")
    assert lake.run()["exit_code"] == 0
    lake.put(f"{DAY}/a.csv", "id,name\nend\n")
    done = lake.run()
    assert done["exit_code"] == 3
    assert "fewer than 2 lines follow its head: it has no footer of 2 lines" in done["error"]
    assert lake.rows() == [("01", 1, "a")]


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("encoding", ["UTF-8", "cp037"])
def test_an_object_in_byte_ranges_has_one_head_and_one_footer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, header: bool, encoding: str
) -> None:
    monkeypatch.setattr(tasks, "_OPEN_BYTES", 0)
    monkeypatch.setattr(tasks, "_TASK_BYTES", 200)
    lake = lake_of(tmp_path, header=header, skip_lines=2, footer_lines=40, encoding=encoding)
    rows = "".join(f'{number},"n\n{number}"\n' for number in range(200))
    text = "x\n\n" + "id,name\n" * header + rows + 40 * 'Total: "12345\n'
    lake.put(f"{DAY}/a.csv", text.encode(encoding))
    done = lake.run()
    assert (done["exit_code"], done["skipped"]) == (0, {"footer": 40, "preamble": 2})
    assert sorted(lake.rows()) == [("01", number, f"n\n{number}") for number in range(200)]
