"""Runs verbs of the feed ``hr`` in the lane of this process, and reads its tables: ``python -m tests.lanes.step ROOT VERB…``.

Prints JSON: for each verb its exit code, answer and stderr, and the rows of each table afterwards.
"""

import json
import sys
from pathlib import Path

from lakewright.engine.spark.session import get_session
from tests.cdc import CdcBench


def main(root: str, *verbs: str) -> None:
    bench = CdcBench(Path(root), get_session())
    bench.spark.sparkContext.setLogLevel("OFF")
    done = []
    for verb in verbs:
        answer = bench.command(verb, "--json")
        done.append({"exit_code": answer.exit_code, "stdout": answer.stdout, "stderr": answer.stderr[-2000:]})
    tables = sorted(path.name for path in (bench.lake / "refined/hr").glob("*"))
    rows = {} if done[-1]["exit_code"] else {table: bench.rows(table=table) for table in tables}
    print(json.dumps({"verbs": done, "rows": rows}))


if __name__ == "__main__":
    main(*sys.argv[1:])
