"""When the folder of staged files is listed after a batch."""

from pathlib import Path

import pytest

from lakewright.runs.job.target import Target
from lakewright.runs.lifecycle.publishing import Staging
from lakewright.runs.progress import SilentProgress
from lakewright.storage.uris import open_lake


@pytest.mark.parametrize(
    ("is_tidy", "number", "has_empty_folders", "is_listed"),
    [
        pytest.param(True, 49, False, False, id="a-tidy-batch"),
        pytest.param(True, 50, False, True, id="every-fiftieth-batch"),
        pytest.param(True, 49, True, True, id="a-storage-that-keeps-empty-folders"),
        pytest.param(False, 49, False, True, id="any-other-batch"),
    ],
)
def test_staging_is_listed_if_something_may_be_left(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_tidy: bool,
    number: int,
    has_empty_folders: bool,
    is_listed: bool,
) -> None:
    """Files of a run that continued after it was overtaken are deleted by the next batch that lists the folder."""
    lake = open_lake(str(tmp_path))
    monkeypatch.setattr(lake, "has_empty_folders", has_empty_folders)
    staging = Staging(lake, Target("f", "t", "refined/t/"), lambda *_: None, SilentProgress())
    of_the_batch, overtaken, coming = (f"{staging.folder(each, 'a')}1" for each in (number, 1, number + 1))
    for path in (of_the_batch, overtaken, coming):
        lake.create(path, b"")
    staging.undeleted.append(of_the_batch)
    staging.clear(number, is_tidy=is_tidy)
    there = [each.path for each in lake.list("refined/")]
    assert there == ([coming] if is_listed else [overtaken, of_the_batch, coming])
    assert staging.undeleted == ([] if is_listed else [of_the_batch]), "deleted together with the lease"
