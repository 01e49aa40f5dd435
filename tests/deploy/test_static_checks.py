"""What the offline checks get to see; the tools themselves are run by make deploy-check."""

import json
from pathlib import Path

from deploy.checks.static import checks, render, templates
from tests.conftest import ROOT
from tests.deploy.templates import FILES


def test_a_state_machine_is_rendered_with_numbers_and_arns(tmp_path: Path) -> None:
    definition = tmp_path / "m.asl.json"
    definition.write_text(
        '{"TimeoutSeconds": ${TimeoutSeconds}, "BackoffRate": ${RetryBackoffRate}, "F": "${CopyObjects}"}'
    )
    function = "arn:aws:lambda:us-east-1:111122223333:function:CopyObjects"
    assert json.loads(render(definition)) == {"TimeoutSeconds": 30, "BackoffRate": 2.0, "F": function}


def test_all_templates_and_state_machines_are_checked(tmp_path: Path) -> None:
    assert {path.relative_to(ROOT / "deploy").as_posix() for path in templates()} == set(FILES)
    names = [check.name for check in checks(tmp_path)]
    assert {f"sam validate {Path(name).name}" for name in FILES} <= set(names)
    for path in (ROOT / "deploy/state_machines").glob("*.json"):
        assert {f"asl-validator {path.name}", f"statelint {path.name}"} <= set(names)
