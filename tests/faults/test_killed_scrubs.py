"""A scrub is killed in a separate process: every object is unchanged or finished, and the next run finishes all."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.conftest import ROOT
from tests.faults.test_killed_runs import killed
from tests.jobs.test_json_scrub import Uploads, uploads  # noqa: F401 - fixtures
from tests.s3_server import BUCKET

pytestmark = pytest.mark.slow

LINES = 40_000
LINE = b'{"id": %d, "file_contents":"secret"}\n'
BODIES = {f"{number}.json": b"".join(LINE % line for line in range(LINES)) for number in range(6)}
SCRUBBED = {name: body.replace(b'"secret"', b'""') for name, body in BODIES.items()}

STAGES = [
    pytest.param("read", 1, id="after-the-plan"),
    pytest.param("an object is scrubbed", 1, id="after-the-first-object"),
    pytest.param("an object is scrubbed", 3, id="in-the-middle"),
    pytest.param("check", 1, id="before-the-outcome"),
    pytest.param("committed", 1, id="after-the-outcome"),
    pytest.param("receipt", 1, id="before-the-receipt"),
]


@pytest.mark.parametrize(("stage", "nth"), STAGES)
def test_killed_and_run_again(uploads: Uploads, stage: str, nth: int) -> None:  # noqa: F811
    for name, body in BODIES.items():
        uploads.put(name, body)
    where = ("--lake", str(uploads.root / "lake"), "--config", str(uploads.root / "conf"))
    assert killed("SIGKILL", stage, nth, "run", "uploads", *where).wait(120) == -signal.SIGKILL
    for name, body in BODIES.items():
        assert uploads.path(name).read_bytes() in (body, SCRUBBED[name])
    uploads.put("late.json", BODIES["0.json"])
    assert uploads.run()["exit_code"] == 0
    assert {name: uploads.path(name).read_bytes() for name in BODIES} == SCRUBBED
    assert uploads.path("late.json").read_bytes() == SCRUBBED["0.json"]
    assert uploads.run()["status"] == "nothing_new"
    (status,) = uploads.command("status", "--json").data
    assert (status["open_batch"], status["waiting_objects"]) == (None, 0)
    left = [path.name for path in (uploads.root / "lake/landing").rglob("*") if path.name not in BODIES]
    assert sorted(left) == ["late.json", "uploads"]


@pytest.mark.parametrize(("stage", "nth"), STAGES[1:4])
def test_killed_and_run_again_on_s3(
    bucket: Any,
    uploads: Uploads,  # noqa: F811
    stage: str,
    nth: int,
) -> None:
    s3 = boto3.client("s3")
    for name, body in BODIES.items():
        s3.put_object(Bucket=BUCKET, Key=f"landing/uploads/{name}", Body=body, Metadata={"owner": name})
    where = ("--lake", f"s3://{BUCKET}", "--config", str(uploads.root / "conf"))
    assert killed("SIGKILL", stage, nth, "run", "uploads", *where).wait(120) == -signal.SIGKILL

    def state(name: str) -> tuple[bytes, int, dict[str, str]]:
        response = s3.get_object(Bucket=BUCKET, Key=f"landing/uploads/{name}")
        return response["Body"].read(), response.get("TagCount", 0), response["Metadata"]

    for name, body in BODIES.items():
        assert state(name) in ((body, 0, {"owner": name}), (SCRUBBED[name], 1, {"owner": name}))
    from tests.conftest import command

    answer = command("run", "uploads", *where, "--json")
    assert answer.exit_code == 0, answer.stderr
    assert {name: state(name) for name in BODIES} == {
        name: (body, 1, {"owner": name}) for name, body in SCRUBBED.items()
    }
    assert command("run", "uploads", *where, "--json").data[0]["status"] == "nothing_new"


def test_two_concurrent_scrubs(uploads: Uploads) -> None:  # noqa: F811
    for name, body in BODIES.items():
        uploads.put(name, body)
    where = ("--lake", str(uploads.root / "lake"), "--config", str(uploads.root / "conf"))
    other = killed("SIGSTOP", "nothing", 1, "run", "uploads", *where)
    while not (uploads.root / "lake/state/uploads/uploads/lease").exists():
        assert other.poll() is None
    receipt = uploads.run("--set", "lease_seconds=1.5")
    assert (receipt["exit_code"], receipt["status"]) in ((4, "overtaken"), (0, "nothing_new"))
    assert other.wait(120) == 0
    assert len(list((uploads.root / "lake/state/uploads/uploads/log").glob("*.outcome.json"))) == 1
    assert {name: uploads.path(name).read_bytes() for name in BODIES} == SCRUBBED


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_memory_is_bounded(tmp_path: Path, packed: bool) -> None:
    """An object of 300 MB, uncompressed, is scrubbed with less than 200 MB of memory."""
    script = """
import gzip, sys
from pathlib import Path
from lakewright.storage.uris import open_in_place
from lakewright.json.scrub import scrub_object
from lakewright.json.scrub_rules import ScrubRules
folder, packed = Path(sys.argv[1]), sys.argv[2] == "True"
block = (b'{"pad": "' + b"p" * 4000 + b'", "file_contents": "x"}\\n') * 250
with (gzip.open if packed else open)(folder / "large", "wb") as file:
    for _ in range(300):
        file.write(block)
scrubbed = scrub_object(open_in_place(str(folder)), "large", ScrubRules(("file_contents",)))
peak = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
print(scrubbed.numbers["blanked"], int(peak) // 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), str(packed)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    blanked, megabytes = map(int, done.stdout.split())
    (tmp_path / "large").unlink()
    assert blanked == 75_000
    assert megabytes < 200
