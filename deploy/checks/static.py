"""Check the templates and the state machines offline.

``python -m deploy.checks.static`` (``make deploy-check``): cfn-lint, sam validate --lint, asl-validator, statelint,
checkov.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.checks.calls import ROOT

TOOLS: Final = Path(sys.prefix)
#: Values of the substitutions that are not text.
_NUMBERS: Final = {"RetryBackoffRate": "2.0"}
_PARTS_WITH_NUMBERS: Final = ("Seconds", "Attempts")
#: sam would otherwise ask for a region, or report its use.
_ENVIRONMENT: Final = {"AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0", "AWS_EC2_METADATA_DISABLED": "true"}


@dataclass(frozen=True)
class Check:
    """One run of a tool."""

    name: str
    command: tuple[str, ...]


def templates() -> list[Path]:
    """Return all templates."""
    files = sorted((ROOT / "deploy").rglob("*.yaml"))
    return [path for path in files if path.read_text().startswith("AWSTemplateFormatVersion")]


def render(definition: Path) -> str:
    """Return a state machine with values for its substitutions."""
    text = re.sub(r"\$\{(\w+)}", lambda match: _sample(match[1]), definition.read_text())
    return json.dumps(json.loads(text), indent=2)


def _sample(name: str) -> str:
    if name.endswith(_PARTS_WITH_NUMBERS):
        return "30"
    return _NUMBERS.get(name, f"arn:aws:lambda:us-east-1:111122223333:function:{name}")


def checks(folder: Path) -> Iterator[Check]:
    """Yield all checks; ``folder`` is for rendered state machines."""
    files = [str(path) for path in templates()]
    yield Check("cfn-lint", (str(TOOLS / "bin/cfn-lint"), *files))
    # It validates no nested stacks, so each template is validated on its own.
    for file in files:
        yield Check(f"sam validate {Path(file).name}", (str(TOOLS / "bin/sam"), "validate", "--lint", "-t", file))
    for definition in sorted((ROOT / "deploy/state_machines").glob("*.asl.json")):
        rendered = folder / definition.name
        rendered.write_text(render(definition))
        validator = str(TOOLS / "node_modules/.bin/asl-validator")
        yield Check(f"asl-validator {definition.name}", (validator, "--json-path", str(rendered)))
        yield Check(f"statelint {definition.name}", (str(TOOLS / "bin/statelint"), str(rendered)))
    # Relative, since checkov takes parts of absolute paths for secrets.
    yield Check(
        "checkov", (str(TOOLS / "bin/checkov"), "--config-file", "deploy/checkov.yaml", "--directory", "deploy")
    )


def main() -> int:
    """Run all checks; return the exit code."""
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for check in checks(Path(folder)):
            if not Path(check.command[0]).exists():
                print(
                    f"error: {check.command[0]} is missing; delete .deploy/ and run make deploy-check again",
                    file=sys.stderr,
                )
                return 2
            environment = {**os.environ, **_ENVIRONMENT}
            done = subprocess.run(check.command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT)
            print(f"{check.name}: {'failed' if done.returncode else 'ok'}")
            if done.returncode:
                failures += 1
                print(done.stdout + done.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
