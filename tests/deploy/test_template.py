"""The templates match the code; cfn-lint checks that AWS accepts them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from jobs.cli.entrypoint import ScriptOptions, _command_line
from jobs.feeds.csv_to_parquet import CsvToParquetFeed
from lakewright import __version__
from lakewright.config_files import Conf, FeedDocument
from lakewright.engine.glue import without_glue_arguments
from lakewright.runs.job.target import Target
from tests.conftest import ROOT
from tests.deploy.templates import CSV, FILES, PARENT, SCRUB, as_list, read_template, resources_of, statements_in

#: Statements whose actions apply to no resource of IAM.
WITHOUT_RESOURCES = {"DeliverLogs", "SendTraces", "AskLakeFormation"}
SCRIPTS = {CSV: ("Job", "csv_to_parquet"), SCRUB: ("ScrubJob", "json_scrub")}


@pytest.mark.slow
def test_cfn_lint_reports_nothing() -> None:
    lint = [str(Path(sys.executable).with_name("cfn-lint")), *(str(ROOT / "deploy" / name) for name in FILES)]
    done = subprocess.run(lint, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_template_is_checked() -> None:
    folder = ROOT / "deploy"
    templates = {path for path in folder.rglob("*.yaml") if "AWSTemplateFormatVersion" in path.read_text()}
    assert {path.relative_to(folder).as_posix() for path in templates} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_roles_have_no_wildcard_actions_or_resources(name: str) -> None:
    allowed = [each for each in statements_in(resources_of(name)) if each["Effect"] == "Allow"]
    assert allowed
    for statement in allowed:
        assert statement["Sid"], statement
        assert not [action for action in as_list(statement["Action"]) if "*" in action], statement
        for resource in (as_list(each)[0] for each in as_list(statement["Resource"])):
            if resource == "*":
                assert statement["Sid"] in WITHOUT_RESOURCES, statement
            elif "*" in resource:
                assert re.search(r"(Prefix}|Path}|FeedName}/|/\w[\w-]+/|PipelineName}:|scrub_timer:)\*$", resource), (
                    statement
                )


@pytest.mark.parametrize("name", [CSV, SCRUB])
def test_no_role_is_left_to_sam_whose_policies_name_no_resources(name: str) -> None:
    for key, resource in resources_of(name, "AWS::Serverless::").items():
        assert (key, resource["Properties"].get("Role")) == (key, f"{key}Role.Arn")
        assert (key, resource["Properties"].get("Policies")) == (key, None)


@pytest.mark.parametrize("name", FILES)
def test_every_parameter_is_described(name: str) -> None:
    for key, parameter in read_template(name)["Parameters"].items():
        assert re.fullmatch(r"[A-Z].+\.", parameter["Description"]), key


@pytest.mark.parametrize("name", [CSV, SCRUB])
def test_a_function_has_the_variables_that_its_handler_reads(name: str) -> None:
    shared = set(read_template(name)["Globals"]["Function"].get("Environment", {}).get("Variables", ()))
    for function, folder in functions_of(name).items():
        handler = (ROOT / f"deploy/lambdas/{folder}/handler.py").read_text()
        read = set(re.findall(r"""os\.environ\[["'](\w+)["']]""", handler))
        properties = resources_of(name)[function]["Properties"]
        own = set(properties.get("Environment", {}).get("Variables", ()))
        assert (function, own - read) == (function, set())
        assert (function, read - own - shared) == (function, set())


def test_every_folder_of_a_handler_has_a_function_and_every_function_a_folder() -> None:
    functions = functions_of(CSV) | functions_of(SCRUB)
    folders = {path.parent.name for path in (ROOT / "deploy/lambdas").glob("*/handler.py")}
    assert set(functions.values()) == folders
    assert {function: "".join(folder.title().split("_")) for function, folder in functions.items()} == {
        function: function for function in functions
    }


def functions_of(name: str) -> dict[str, str]:
    """Return the folder of each function."""
    functions = resources_of(name, "AWS::Serverless::Function")
    return {key: Path(function["Properties"]["CodeUri"]).stem for key, function in functions.items()}


def test_the_zips_of_functions_are_where_make_package_puts_them() -> None:
    for name in (CSV, SCRUB):
        for function in resources_of(name, "AWS::Serverless::Function").values():
            path = (ROOT / "deploy" / name).parent / function["Properties"]["CodeUri"]
            assert path.resolve().relative_to(ROOT).parent == Path("dist/lambdas")


def test_the_state_machine_uses_exactly_the_substitutions_that_it_gets() -> None:
    properties = resources_of(CSV)["Machine"]["Properties"]
    definition = (ROOT / "deploy/pipelines" / properties["DefinitionUri"]).read_text()
    assert set(properties["DefinitionSubstitutions"]) >= set(re.findall(r"\$\{(\w+)}", definition))
    assert set(properties["DefinitionSubstitutions"]) <= set(re.findall(r"\$\{(\w+)}", definition))


def test_the_state_machine_may_invoke_its_functions_and_no_others() -> None:
    resources = resources_of(CSV)
    (invoke,) = [each for each in statements_in(resources["MachineRole"]) if each["Sid"] == "InvokeFunctions"]
    substitutions = resources["Machine"]["Properties"]["DefinitionSubstitutions"].values()
    assert {f"{function}.Arn" for function in functions_of(CSV)} & set(substitutions) == set(invoke["Resource"])


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_arguments_of_a_job_are_known_to_its_script(name: str) -> None:
    resource, script = SCRIPTS[name]
    properties = resources_of(name)[resource]["Properties"]
    assert Path(properties["Command"]["ScriptLocation"]).name == f"{script}.py"
    arguments = {"--feed": "customers", **properties["DefaultArguments"]}
    words = [word for pair in arguments.items() for word in pair]
    options, *_ = _command_line(script)(without_glue_arguments(words), standalone_mode=False)
    assert isinstance(options, ScriptOptions)


def test_the_arguments_that_the_state_machine_passes_are_known_to_the_script() -> None:
    definition = (ROOT / "deploy/state_machines/csv_to_parquet.asl.json").read_text()
    names = set(re.findall(r'"(--\w+)(?:\.\$)?":', definition))
    assert {"--feed", "--execution", "--year", "--month", "--day"} <= names
    values = {"--year": "2019", "--month": "08", "--day": "21", "--config": "conf"}
    words = [word for name in sorted(names) for word in (name, values.get(name, "x"))]
    assert _command_line("csv_to_parquet")(without_glue_arguments(words), standalone_mode=False)


def test_the_default_parameters_are_those_of_the_wheel_and_the_feed() -> None:
    default = {key: parameter.get("Default") for key, parameter in read_template(PARENT)["Parameters"].items()}
    assert default["WheelName"] == f"lakewright-{__version__}-py3-none-any.whl"
    feed = FeedDocument(Conf(str(ROOT / "conf")), default["CsvFeedName"]).parse(CsvToParquetFeed)
    assert feed.target.catalog is not None
    assert (feed.source.path, feed.target.path) == (default["CsvSourcePath"], default["CsvTargetPath"])
    assert (feed.target.catalog.database, feed.target.catalog.table) == (
        default["RefinedDatabaseName"],
        default["CsvTableName"],
    )


def test_the_job_may_write_where_the_feed_stages_and_keeps_state() -> None:
    (write,) = [each for each in statements_in(resources_of(CSV)["JobRole"]) if each["Sid"] == "WriteTable"]
    folders = {resource.partition("}/")[2].removesuffix("*") for resource in write["Resource"]} - {"${TargetPath}"}
    target = Target("${FeedName}", "customers", "refined/customers/")
    used = (target.staging_folder, target.quarantine_folder, target.state_folder)
    assert all(any(folder.startswith(allowed) for allowed in folders) for folder in used)
    assert all(any(folder.startswith(allowed) for folder in used) for allowed in folders)


def test_no_lifecycle_rule_deletes_what_a_log_names() -> None:
    rules = resources_of(PARENT)["LakeBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    deleting = [as_list(rule["Prefix"])[0] for rule in rules if "ExpirationInDays" in rule]
    assert deleting == ["state/${CsvFeedName}/${Target}/receipts/"]


def test_the_stream_passes_only_expired_items_to_the_handler() -> None:
    resources = resources_of(SCRUB)
    expiry = resources["ScrubExpired"]["Properties"]["Events"]["Expiry"]["Properties"]
    (pattern,) = expiry["FilterCriteria"]["Filters"]
    by_ttl = {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]}
    assert json.loads(pattern["Pattern"]) == {"eventName": ["REMOVE"], "userIdentity": by_ttl}
    assert expiry["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert 0 < expiry["MaximumRetryAttempts"] < 100
    assert expiry["DestinationConfig"]["OnFailure"]["Destination"] == "NotScrubbed.Arn"
    table = resources["ObjectsToProcess"]["Properties"]
    assert (table["TableName"], table["TimeToLiveSpecification"]["AttributeName"]) == ("objects-to-process", "ttl")


def test_a_queue_hides_a_message_for_six_times_as_long_as_its_function_may_run() -> None:
    template = read_template(CSV)
    assert (
        template["Resources"]["Arrivals"]["Properties"]["VisibilityTimeout"]
        >= 6 * (template["Globals"]["Function"]["Timeout"])
    )


def test_the_docs_have_the_parameters_of_the_template() -> None:
    expected = []
    for name, parameter in read_template(PARENT)["Parameters"].items():
        default = parameter.get("Default")
        shown = "required" if default is None else f"`{default}`" if default != "" else "none"
        expected.append(f"| `{name}` | {shown} | {parameter['Description']} |")
    section = (ROOT / "docs/deploy.md").read_text().partition("## Parameters\n")[2].partition("\n## ")[0]
    assert section.strip().splitlines()[2:] == expected


def test_the_docs_name_every_alarm_and_resource_that_is_kept() -> None:
    docs = (ROOT / "docs/deploy.md").read_text()
    alarms = resources_of(CSV, "AWS::CloudWatch::Alarm") | resources_of(SCRUB, "AWS::CloudWatch::Alarm")
    kept = [name for name, resource in resources_of(PARENT).items() if resource.get("DeletionPolicy") == "Retain"]
    assert not [name for name in [*alarms, *kept] if f"`{name}`" not in docs]


def test_every_exception_of_checkov_has_a_reason() -> None:
    text = (ROOT / "deploy/checkov.yaml").read_text()
    skipped = yaml.safe_load(text)["skip-check"]
    assert len(re.findall(r"^  - CKV_AWS_\d+ # .{20,}$", text, re.MULTILINE)) == len(skipped)
    for name in FILES:
        for resource in resources_of(name).values():
            for exception in resource.get("Metadata", {}).get("checkov", {}).get("skip", ()):
                assert len(exception["comment"]) > 20
