"""The runtime: everything that touches the outside world."""

from typing import Final

__version__: Final = "0.1.0"
