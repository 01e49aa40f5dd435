"""Landing → raw → archive: what is copied, what is deleted, and what stays."""

from typing import Any

import pytest

from lakewright.pipeline.archive import archive_objects, check_landing
from lakewright.pipeline.execution import Execution
from lakewright.pipeline.raw import check_copy, copy_objects
from tests.lakewright.pipeline.conftest import (
    ARCHIVE,
    KEY,
    NAME,
    RAW,
    SOURCE,
    StrictS3,
    always,
    execution_of,
    keys_in,
    put,
)

DONE = {"copied": 1, "next_page": None}


def copy(execution: Execution, page: int = 0) -> dict[str, Any]:
    return copy_objects(execution, SOURCE, page=page, has_time=always)


def archive(execution: Execution, page: int = 0) -> dict[str, Any]:
    return archive_objects(execution, "archive/", page=page, has_time=always)


def test_an_object_moves_from_landing_to_raw_and_the_archive(bucket: Any, strict: StrictS3) -> None:
    execution = execution_of(put(bucket, KEY))
    assert check_copy(execution, SOURCE) == {"complete": False, "objects": 0, "bytes": 0, "missing": 1, "replaced": 0}
    for _ in range(2):
        assert copy(execution) == DONE
        assert check_copy(execution, SOURCE) == {
            "complete": True,
            "objects": 1,
            "bytes": 5,
            "missing": 0,
            "replaced": 0,
        }
        assert check_landing(execution) == {"clear": False, "left": 1}
    assert strict.calls["CopyObject"] == 1
    for _ in range(2):
        assert archive(execution) == DONE
        assert check_landing(execution) == {"clear": True, "left": 0}
        assert copy(execution) == DONE, "an execution that is started again"
    assert keys_in(bucket) == [f"{ARCHIVE}{NAME}", f"{RAW}{NAME}"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("customers 1+1 100%_20190821.csv", id="blank, plus, percent"),
        pytest.param("a%2Fb_20190821.csv", id="an encoded slash"),
        pytest.param("…ü_20190821.csv", id="Unicode"),
        pytest.param("a\nb_20190821.csv", id="line end"),
        pytest.param("a?b#c&d=e_20190821.csv", id="parts of URLs"),
        pytest.param("..", id="a parent folder's name"),
        pytest.param("n" * (1024 - len(RAW)), id="as long as the copy's key may be"),
    ],
)
def test_hostile_names(bucket: Any, strict: StrictS3, name: str) -> None:
    execution = execution_of(put(bucket, f"landing/{name}"))
    assert copy(execution) == archive(execution) == DONE
    assert keys_in(bucket) == sorted([f"{ARCHIVE}{name}", f"{RAW}{name}"])
