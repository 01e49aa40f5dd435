"""Databases of DuckDB, in this process."""

import importlib.util
from typing import Any

from lakewright.errors import ConfigError


def has_duckdb() -> bool:
    """Return whether DuckDB is installed, without importing it."""
    return importlib.util.find_spec("duckdb") is not None


def require_duckdb() -> None:
    """Check that DuckDB is installed.

    Raises:
        ConfigError: If it is not.
    """
    if not has_duckdb():
        raise ConfigError(
            "the gate needs DuckDB, which is not installed; install it with: pip install duckdb, or name it in "
            "Glue's --additional-python-modules"
        )


def connect(database: str = ":memory:", *, threads: int = 0, reads_files: bool = False) -> Any:
    """Open a database that loads no extensions and, unless it ``reads_files``, reaches neither files nor the network.

    Raises:
        ConfigError: If DuckDB is not installed.
    """
    require_duckdb()
    import duckdb

    config: dict[str, Any] = {"enable_external_access": str(reads_files).lower(), "autoload_known_extensions": "false"}
    connection = duckdb.connect(database, config=config | ({"threads": threads} if threads else {}))
    connection.execute("SET TimeZone = 'UTC'")
    # In a process without a main file, such as a worker, DuckDB would print one to stdout.
    connection.execute("SET enable_progress_bar = false")
    return connection
