"""What the README says is tried."""

import re

import yaml

from jobs.cli.registry import feed_model, job_names
from jobs.cli.verbs import app
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()


def test_the_feeds_of_readme_and_docs_are_feeds() -> None:
    pages = [README, *(path.read_text() for path in (ROOT / "docs").glob("*.md"))]
    texts = [text for page in pages for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    feeds = [feed for text in texts if (feed := yaml.safe_load(text))["job"] in job_names()]
    parsed = {feed["job"]: feed_model(feed["job"]).model_validate(feed) for feed in feeds}
    assert set(parsed) == set(job_names()), "each job has a feed in the README or on a page of docs/"
    assert parsed["csv_to_parquet"].target.partition_by == ("year", "month", "day")
    assert parsed["cdc_to_hudi"].tables["employee_details"].partition_by == ("department",)


def test_the_verbs_of_the_readme_are_those_of_the_command_line() -> None:
    told = set(re.findall(r"^\| `(\w+) ", README, re.MULTILINE))
    assert told == {command.callback.__name__ for command in app.registered_commands if command.callback}


def test_the_code_of_the_readme_is_the_projects() -> None:
    signature = re.findall(r"```python\n(def .*?:)\n", README, re.DOTALL)
    assert signature[0] in (ROOT / "transforms/spark/typed_rows.py").read_text()


def test_what_architecture_names_is_there() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    for path in re.findall(r"`((?:lakewright|transforms|jobs)/[a-z_/]+\.py)`", text):
        assert (ROOT / path).exists(), path
