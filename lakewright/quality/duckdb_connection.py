"""Databases of DuckDB, in this process."""

import importlib.util
from typing import Any

from lakewright.errors import ConfigError


def require_duckdb() -> None:
    """Check that DuckDB is installed, without importing it.

    Raises:
        ConfigError: If it is not.
    """
    if importlib.util.find_spec("duckdb") is None:
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
    return connection
