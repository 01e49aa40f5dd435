import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT
from tests.e2e.pipeline.stack import Stack


@pytest.fixture(scope="package")
def created_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The pipeline on an emulator, which ends with all of its processes."""
    work = tmp_path_factory.mktemp("emulator")
    emulator = subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.pipeline.emulator", str(work)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=(work / "emulator.log").open("wb"),
        start_new_session=True,
        text=True,
    )
    assert emulator.stdin is not None
    assert emulator.stdout is not None
    try:
        port = emulator.stdout.readline().strip()
        assert port, (work / "emulator.log").read_text()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ACCESS_KEY_ID", "test")
            patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
            patch.delenv("AWS_PROFILE", raising=False)
            yield Stack(f"http://127.0.0.1:{port}", work)
    finally:
        emulator.stdin.close()
        emulator.wait()


@pytest.fixture
def stack(created_stack: Stack) -> Iterator[Stack]:
    """The pipeline without faults; its table and executions are those of all tests, which use a day each."""
    created_stack.faults.clear()
    created_stack.notices()
    yield created_stack
    created_stack.faults.clear()
    created_stack.wait(created_stack.is_idle)
