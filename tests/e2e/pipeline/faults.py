"""Faults, switched on by files in a folder that all processes of a test share. No imports beyond the library."""

import time
from pathlib import Path


class Faults:
    """Holds before functions and jobs, and faults that happen once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def add(self, name: str) -> None:
        (self.folder / name).touch()

    def has(self, name: str) -> bool:
        return (self.folder / name).exists()

    def remove(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)

    def take(self, name: str) -> bool:
        """Remove a fault; return whether it was there."""
        try:
            (self.folder / name).unlink()
        except FileNotFoundError:
            return False
        return True

    def hold(self, name: str) -> None:
        """Wait before a function or job while ``hold NAME`` exists."""
        while self.has(f"hold {name}"):
            self.add(f"held {name}")
            time.sleep(0.05)
        self.remove(f"held {name}")

    def is_held(self, name: str) -> bool:
        return self.has(f"held {name}")

    def clear(self) -> None:
        for file in self.folder.iterdir():
            file.unlink(missing_ok=True)
