"""What the reader of a table of changes makes of a folder, without Spark."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakewright.corrections.manifests import CorrectionFolder
from lakewright.dms.columns import TableColumns
from lakewright.dms.config import ReplicationSource, TableSpec
from lakewright.dms.reader import ChangeReader
from lakewright.dms.selection import ChangeSelection
from lakewright.log.state import TableState
from lakewright.runs.job.request import Request
from lakewright.sources.listing import Source
from lakewright.storage.uris import open_lake


def reader_of(root: Path) -> ChangeReader:
    lake = open_lake(str(root))
    selection = ChangeSelection(lake, "", "refuse", allows_gone=False, max_record_bytes=1 << 20)
    columns = TableColumns("t", ReplicationSource(path="raw/"), TableSpec(key=("id",)))
    corrections = CorrectionFolder(lake, "corrections/hr/t/")
    return ChangeReader(Source(lake, "raw/t/", None), "raw/t/", selection, columns, corrections)


def test_an_odd_name_of_another_file_holds_no_changes_back(tmp_path: Path) -> None:
    folder = tmp_path / "raw/t"
    folder.mkdir(parents=True)
    (folder / "notes: draft.txt").write_text("x")
    pq.write_table(pa.table({"id": [1]}), folder / "LOAD1.parquet")
    survey = reader_of(tmp_path).survey(TableState(), Request("run"), excluded={})
    assert [taken.path for taken in survey.choice.objects] == ["raw/t/LOAD1.parquet"]
    assert survey.refused == {}
    assert survey.ignored == {"raw/t/notes: draft.txt": "not named .parquet"}


def test_without_opening_files_a_damaged_one_is_only_new(tmp_path: Path) -> None:
    folder = tmp_path / "raw/t"
    folder.mkdir(parents=True)
    (folder / "LOAD1.parquet").write_text("not Parquet")
    reader = reader_of(tmp_path)
    assert list(reader.survey(TableState(), Request("run"), excluded={}).refused) == ["raw/t/LOAD1.parquet"]
    survey = reader.survey(TableState(), Request("run", opens_objects=False), excluded={})
    assert [new.path for new in survey.choice.objects] == ["raw/t/LOAD1.parquet"]
    assert (survey.refused, survey.heads) == ({}, {})


@pytest.mark.parametrize(
    "name",
    [
        "20260801-101512345.csv",
        "2026/08/01/20260801-101512345.csv.gz",
        "20260801-101512345.PARQUET",
        "20260801-101512345.parquet.gz",
        "LOAD0000000A.csv",
    ],
)
def test_a_replicated_file_in_another_format_is_refused(tmp_path: Path, name: str) -> None:
    files = {path: tmp_path / "raw/t" / path for path in ("LOAD1.parquet", "20260801-101000000.parquet", name)}
    for path in files.values():
        path.parent.mkdir(parents=True, exist_ok=True)
    for earlier in ("LOAD1.parquet", "20260801-101000000.parquet"):
        pq.write_table(pa.table({"id": [1], "Op": ["I"], "AR_H_CHANGE_SEQ": ["1"]}), files[earlier])
    files[name].write_text("U,1,x\n")
    survey = reader_of(tmp_path).survey(TableState(), Request("run"), excluded={})
    assert list(survey.refused) == [f"raw/t/{name}"]
    assert "set the endpoint's DataFormat to parquet" in survey.refused[f"raw/t/{name}"]
    earlier_ones = [] if name.startswith("LOAD") else ["raw/t/20260801-101000000.parquet", "raw/t/LOAD1.parquet"]
    assert sorted(file.path for file in survey.choice.objects) == earlier_ones
