"""Deploy the templates into a local AWS, and ask its IAM whether each role may do what the end-to-end tests do.

``python -m deploy.checks.local`` (``make deploy-local``); nothing is sent to AWS.
"""

import os
import sys
import tempfile
from pathlib import Path

from deploy.checks.calls import read_calls, read_unused, unexplained_actions
from deploy.checks.ministack import ministack
from deploy.checks.permissions import FORBIDDEN, allowed_actions, denied
from deploy.checks.stacks import create_stack, package


def main() -> int:
    """Deploy and ask; return the exit code."""
    with tempfile.TemporaryDirectory() as folder, ministack() as environment:
        os.environ.update(environment)
        stack = create_stack(package(Path(folder), environment))
        print(f"deployed: {stack.count()} resources")
        pipeline, calls = stack.nested["CsvToParquet"], read_calls()
        refused, kept_out = denied(pipeline, calls), denied(pipeline, FORBIDDEN)
        problems = [
            *(f"{call}: is denied, but a test needs it" for call in refused),
            *(f"{call}: is allowed, but must not be" for call in FORBIDDEN if call not in kept_out),
            *unexplained_actions(allowed_actions(pipeline), calls, read_unused()),
        ]
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    asked = f"{len(calls)} calls of the end-to-end tests, {len(FORBIDDEN)} forbidden ones"
    print(f"permissions: {asked}, {len(problems) or 'no'} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
