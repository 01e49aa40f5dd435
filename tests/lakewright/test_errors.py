"""Errors come back from workers as they were raised."""

import pickle

import pytest

from lakewright.errors import (
    DamagedGzipError,
    JvmEndedError,
    NoTargetsError,
    ObjectRefusedError,
    RowsRefusedError,
    RunFailedError,
    SourceGoneError,
    StaleLoadError,
    TruncatedGzipError,
    WorkerEndedError,
)
from lakewright.unexpected import WorkerError
from transforms.errors import FramingError, LakewrightError, LongRecordError, MissingColumnsError


@pytest.mark.parametrize(
    "error",
    [
        DamagedGzipError("its checksum differs"),
        FramingError(3, "no record", looks_like="lines"),
        JvmEndedError("read"),
        LakewrightError("one", "two"),
        LongRecordError(1, 2, looks_like="array"),
        MissingColumnsError(["a"], ["b"]),
        NoTargetsError("feed", "job", "nothing", refused=False),
        ObjectRefusedError({"a": "damaged", "b": "damaged"}),
        RowsRefusedError(1, 2, 0.1, {"type": 1}),
        RunFailedError("it failed", 3),
        SourceGoneError("day=01", ["a"]),
        StaleLoadError(["a"], ["b"]),
        TruncatedGzipError(),
        WorkerEndedError("was killed"),
        WorkerError("ValueError", "Traceback"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_pickled_with_its_attributes(error: Exception) -> None:
    restored = pickle.loads(pickle.dumps(error))
    assert type(restored) is type(error)
    assert (str(restored), restored.args, vars(restored)) == (str(error), error.args, vars(error))
    assert getattr(restored, "exit_code", 1) == getattr(error, "exit_code", 1)
