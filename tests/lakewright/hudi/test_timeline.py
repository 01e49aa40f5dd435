from pathlib import Path

import pytest

from lakewright.hudi.timeline import has_changed_since
from lakewright.storage.local import LocalLake

COW = {"hoodie.table.type": "COPY_ON_WRITE", "hoodie.table.version": "6"}
MOR = COW | {"hoodie.table.type": "MERGE_ON_READ"}
WITH_FOLDER = COW | {"hoodie.table.version": "8", "hoodie.timeline.path": "timeline"}
REQUESTED = ("20.commit.requested", "20.inflight")


@pytest.mark.parametrize(
    ("properties", "names", "instant", "has_changed"),
    [
        pytest.param(COW, ["10.commit", *REQUESTED, "20.commit"], "20", False, id="the commit is the last one"),
        pytest.param(COW, ["10.commit", *REQUESTED], "20", True, id="the commit was rolled back"),
        pytest.param(COW, ["10.commit"], "20", True, id="the table was restored to an earlier commit"),
        pytest.param(COW, ["20.commit", "30.commit"], "20", True, id="there is a later commit"),
        pytest.param(COW, ["20.commit", "30.replacecommit"], "20", True, id="the table was rewritten later"),
        pytest.param(COW, ["20.commit", "30.clean", "30.rollback"], "20", False, id="cleaning writes no rows"),
        pytest.param(
            COW, ["20.commit", "30.commit.requested", "30.inflight"], "20", False, id="a write did not finish"
        ),
        pytest.param(COW, ["20.commit"], "", True, id="an unknown commit counts as changed"),
        pytest.param(COW, ["30.commit"], "20", True, id="the commit was archived after later ones"),
        pytest.param(MOR, ["20.deltacommit", "30.commit"], "20", False, id="compaction writes no rows"),
        pytest.param(MOR, ["20.deltacommit", "30.deltacommit"], "20", True, id="there are later changes"),
        pytest.param({}, ["20.commit"], "20", True, id="a table of unknown type counts as changed"),
        pytest.param(WITH_FOLDER, ["timeline/20_25.commit"], "20", False, id="from table version 8 on in a folder"),
        pytest.param(
            WITH_FOLDER, ["timeline/20_25.commit", "timeline/21_24.commit"], "20", True, id="in a folder, later"
        ),
        pytest.param(WITH_FOLDER, ["20.commit"], "20", True, id="not in the folder of the timeline"),
    ],
)
def test_a_table_has_changed(
    tmp_path: Path, properties: dict[str, str], names: list[str], instant: str, has_changed: bool
) -> None:
    beside = ["hoodie.properties", "archived/.commits_.archive.1", "metadata/.hoodie/30.commit", ".temp/30/x.parquet"]
    for name in [*names, *beside, "timeline/history/20_30_0.parquet"]:
        path = tmp_path / "refined/hr/people/.hoodie" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert has_changed_since(LocalLake(str(tmp_path)), "refined/hr/people/", properties, instant) is has_changed
