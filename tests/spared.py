"""Work of libraries that a process does once, and a process with thousands of tests would do for each of them."""

from functools import cache

import typer.testing
from botocore.loaders import JSONFileLoader


def spare_repeated_work() -> None:
    """Keep what is built for each call of the command line, and read for each client of AWS."""
    typer.testing._get_command = cache(typer.testing._get_command)  # 20 ms for all verbs and their options
    JSONFileLoader.load_file = staticmethod(cache(JSONFileLoader().load_file))  # 10 to 60 ms for a service
