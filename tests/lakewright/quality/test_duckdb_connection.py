import subprocess
import sys

QUERY = """
from lakewright.quality.duckdb_connection import connect
with connect(threads=1) as connection:
    print(connection.sql("SELECT current_setting('enable_progress_bar')").fetchall()[0][0])
"""


def test_workers_print_no_progress_bars() -> None:
    """A worker is started with ``-c``, where DuckDB would print them on stdout."""
    found = subprocess.run([sys.executable, "-c", QUERY], capture_output=True, text=True, check=True)
    assert (found.stdout, found.stderr) == ("False\n", "")
