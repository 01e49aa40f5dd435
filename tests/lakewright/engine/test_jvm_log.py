"""What the JVM prints reaches neither stdout nor, unless it fails, stderr."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakewright.engine.jvm_log import JvmLog
from tests.cdc import EMPLOYEES, CdcBench
from tests.conftest import JARS, ROOT

#: From about here on Hudi estimates the size of records, and its estimator prints warnings on the JVM's stdout.
KEYS = 200_000


def test_a_log_is_kept_only_if_there_is_something_in_it() -> None:
    log = JvmLog()
    assert (log.keep(), log.read()) == (None, "")
    with log.open() as file:
        assert log.keep() is None
        file.write(b"WARN\n")
    path = log.keep()
    assert path is not None
    assert log.read() == "WARN\n"
    path.unlink()


def test_a_log_is_deleted_with_the_process_unless_it_is_kept(tmp_path: Path) -> None:
    script = (
        "import sys; from lakewright.engine.jvm_log import JVM_LOG\n"
        "with JVM_LOG.open() as file: file.write(b'x')\n"
        "JVM_LOG.keep() if sys.argv[1] == 'keep' else None\n"
    )
    for what, left in (("delete", 0), ("keep", 1)):
        environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", script, what], env=environment, check=True)
        assert len(list(tmp_path.iterdir())) == left


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "LAKEWRIGHT_JARS": JARS},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


@pytest.mark.slow
def test_what_the_jvm_writes_to_its_own_stdout_is_in_its_log() -> None:
    script = (
        "from lakewright.engine.jvm_log import JVM_LOG\n"
        "from lakewright.engine.spark.session import get_session\n"
        "jvm = get_session().sparkContext._jvm\n"
        "jvm.java.io.FileOutputStream(jvm.java.io.FileDescriptor.out).write(b'past System.out')\n"
        "print('past System.out' in JVM_LOG.read())\n"
    )
    done = run(sys.executable, "-c", script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")


@pytest.mark.slow
@pytest.mark.needs_hudi
def test_stdout_is_one_json_document_also_where_hudi_warns(tmp_path: Path) -> None:
    cdc = CdcBench(tmp_path, cast(Any, None))
    cdc.feed()
    numbers = pa.array(range(KEYS), pa.int32())
    names, kinds, times = (pa.array([text] * KEYS) for text in ("a name", "U", "2026-08-01 10:00:00.000000"))
    rows = pa.Table.from_arrays([numbers, names, pa.array(["A"] * KEYS)], schema=EMPLOYEES)
    folder = cdc.lake / "raw/hr/employees"
    folder.mkdir(parents=True)
    pq.write_table(rows, folder / "LOAD00000001.parquet")
    places = ("--lake", str(cdc.lake), "--config", str(cdc.root / "conf"))

    loaded = run(sys.executable, "-m", "jobs", "run", "hr", "--json", *places)
    (receipt,) = json.loads(loaded.stdout)
    assert receipt["counts"]["written"] == KEYS
    assert not re.search("WARN|log4j|Setting default", loaded.stderr), loaded.stderr

    changes = rows.add_column(0, "Op", kinds).add_column(1, "ts", times)
    pq.write_table(changes, folder / "20260801-100000000.parquet")
    changed = run(sys.executable, "jobs/cdc_to_hudi.py", "--feed", "hr", *places)
    assert json.loads(changed.stdout)["counts"]["written"] == KEYS
    assert "WARNING: Unable to" in changed.stderr, "a script's log has what Hudi's estimator prints"
