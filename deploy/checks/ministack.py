"""A local AWS (MiniStack) for one check, on the loopback interface and a free port."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ACCOUNT: Final = "000000000000"
REGION: Final = "us-east-1"
_SECONDS_TO_START: Final = 60


@contextmanager
def ministack() -> Iterator[dict[str, str]]:
    """Run MiniStack while the block runs.

    Yields:
        The environment in which boto3 and sam use it.
    """
    with socket.socket() as free, tempfile.TemporaryDirectory() as folder:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        # Two of its listeners ignore BIND_HOST, and would be open to other machines.
        switches = {"BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0"}
        log = Path(folder, "ministack.log")
        command = [sys.executable, "-m", "ministack"]
        with log.open("w") as output:
            server = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**_without_aws(), **switches, "GATEWAY_PORT": str(port), "TMPDIR": folder},
            )
        try:
            endpoint = f"http://127.0.0.1:{port}"
            _wait_for(endpoint, server, log)
            yield {
                **_without_aws(),
                "AWS_ENDPOINT_URL": endpoint,
                "AWS_ACCESS_KEY_ID": "local",
                "AWS_SECRET_ACCESS_KEY": "local",
                "AWS_DEFAULT_REGION": REGION,
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
                "SAM_CLI_TELEMETRY": "0",
            }
        finally:
            server.terminate()
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _without_aws() -> dict[str, str]:
    """Return the environment without the user's account."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


def _wait_for(endpoint: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    sys.exit(f"error: MiniStack did not start:\n{log.read_text()[-2000:]}")
