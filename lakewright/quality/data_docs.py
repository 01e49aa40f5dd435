"""Data Docs: Great Expectations' own report, on the rows that tables have now."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from lakewright.errors import ConfigError
from lakewright.log.log import Log
from lakewright.log.state import TableState
from lakewright.quality.gate import SuiteGate
from lakewright.quality.library import add_source, configured, hide_values, needed_columns, open_context, quiet
from lakewright.runs.job.interfaces import GatedSink
from lakewright.runs.job.target_job import AnyJob
from lakewright.storage.lake import Lake


def write_data_docs(lake: Lake, jobs: Sequence[AnyJob], folder: Path) -> str:
    """Judge the tables by their whole suites with the library, and write its report; return the path of its index.

    The report shows values of the data (a maximum, examples of unexpected values, texts of exceptions) only if the feed
    shows values.

    Raises:
        ConfigError: If no table has a gate.
    """
    gated = [job for job in jobs if isinstance(job.gate, SuiteGate)]
    if not gated:
        raise ConfigError("no gate: name a suite in the feed, gates: {suite: NAME}, to write Data Docs")
    root = folder.absolute()
    root.mkdir(parents=True, exist_ok=True)
    with quiet():
        context = open_context()
        context.add_data_docs_site(
            "gates",
            {
                "class_name": "SiteBuilder",
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
                "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(root)},
            },
        )
        for job in gated:
            job.check_gate()
            _validate(context, job, Log(lake, job.target.state_folder).read()[0])
        if not all(cast(SuiteGate, job.gate).shows_values for job in gated):
            _hide_values(context.validation_results_store)
        context.build_data_docs()
    return str(root / "index.html")


def _validate(context: Any, job: AnyJob, state: TableState) -> None:
    import great_expectations as gx

    gate, sink = cast(SuiteGate, job.gate), cast(GatedSink, job.sink)
    table = sink.published_table(state)
    name = f"{job.target.feed_name}.{job.target.name}"
    frame = table.frame(needed_columns(gate.suite.expectations, table.columns))
    expectations = [configured(each) for each in gate.suite.expectations]
    suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=expectations))
    batch = add_source(context, frame, name).add_dataframe_asset(job.target.name)
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=name, data=batch.add_batch_definition_whole_dataframe("table"), suite=suite)
    )
    shown = {} if gate.shows_values else {"partial_unexpected_count": 0}
    definition.run(batch_parameters={"dataframe": frame}, result_format={"result_format": "SUMMARY"} | shown)


def _hide_values(store: Any) -> None:
    """Remove values of the data from results before they are rendered."""
    for key in store.list_keys():
        validated = store.get(key)
        for result in validated.results:
            hide_values(result)
        store.set(key, validated)
