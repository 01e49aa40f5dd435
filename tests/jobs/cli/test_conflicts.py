"""Conflicts between feeds, which check reports."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lakewright.folders import folders_in
from tests.conftest import Answer, command


def csv(source: str, target: str, **more: Any) -> dict[str, Any]:
    return {
        "job": "csv_to_parquet",
        "source": {"path": source, "columns": {"id": "long"}},
        "target": {"path": target, **more},
    }


def events(source: str, target: str, *topics: str, **more: Any) -> dict[str, Any]:
    named = {"topics": list(topics)} if topics else {}
    return {"job": "flatten_events", "source": {"path": source, **named}, "target": {"path": target, **more}}


def cdc(source: str, target: str, tables: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"job": "cdc_to_hudi", "source": {"path": source}, "target": {"path": target, **more}, "tables": tables}


def scrub(source: str, *objects: str) -> dict[str, Any]:
    return {"job": "json_scrub", "source": {"path": source, "objects": objects}, "scrub": {"fields": ["email"]}}


IN_CATALOG = {"catalog": {"database": "refined", "table": "Users"}}
SEPARATE_FOLDERS = "a table belongs to one feed: use a separate folder for each"
NO_SOURCE = (
    "a table cannot be a source, since it contains old and new files while it is published: read the table's source "
    "objects instead"
)


def check(root: Path, feeds: dict[str, Any], *names: str) -> Answer:
    folder = root / "conf/feeds"
    folder.mkdir(parents=True)
    for name, feed in feeds.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(feed, sort_keys=False))
    return command("check", *names, "--config", str(root / "conf"), "--json")


@pytest.mark.parametrize(
    ("a", "b", "problem"),
    [
        pytest.param(
            csv("raw/a/", "refined/x/"),
            csv("raw/b/", "refined/x"),
            "{b}:7: target.path: feed b fills refined/x/, and feed a fills refined/x/ ({a}:7: target.path); "
            + SEPARATE_FOLDERS,
            id="one-target",
        ),
        pytest.param(
            csv("raw/a/", "refined/x/"),
            events("raw/b/", "refined/"),
            "{b}:5: target.path: feed b fills refined/, and feed a fills refined/x/ ({a}:7: target.path); "
            + SEPARATE_FOLDERS,
            id="a-target-in-another",
        ),
        pytest.param(
            csv("raw/a/", "refined/x/"),
            csv("refined/x/", "refined/y/"),
            "{b}:3: source.path: feed b reads refined/x/, and feed a fills refined/x/ ({a}:7: target.path); "
            + NO_SOURCE,
            id="a-table-as-a-source",
        ),
        pytest.param(
            csv("refined/", "curated/x/"),
            cdc("raw/b/", "refined/b/", {}),
            "{b}:5: target.path: feed b fills refined/b/, and feed a reads refined/ ({a}:3: source.path); " + NO_SOURCE,
            id="a-target-in-a-source",
        ),
        pytest.param(
            csv("raw/a/", "refined/x/"),
            scrub("refined/"),
            "{b}:3: source.path: feed b rewrites refined/, and feed a fills refined/x/ ({a}:7: target.path); "
            "the files of a table belong to its feed: rewrite the table's source objects instead",
            id="a-scrub-of-a-table",
        ),
        pytest.param(
            scrub("landing/"),
            scrub("landing/x/", "a.json"),
            "{b}:4: source.objects: feed b rewrites landing/x/a.json, and feed a rewrites landing/ ({a}:3: source.path); "
            "the second skips objects that the first has tagged as processed: combine both in one feed",
            id="two-scrubs-of-one-object",
        ),
        pytest.param(
            csv("raw/a/", "refined/x/", **IN_CATALOG),
            cdc("raw/b/", "refined/b/", {"users": {}}, catalog_database="Refined"),
            "{b}:8: tables.users: feed b registers Refined.users, and so does feed a ({a}:8: target.catalog); name another "
            "database or table",
            id="one-entry-in-the-catalog",
        ),
        pytest.param(
            csv("raw/a/", "refined/x/", catalog={"database": "refined", "table": "users_rt"}),
            cdc(
                "raw/b/", "refined/b/", {"users": {"key": "id", "storage": "merge_on_read"}}, catalog_database="refined"
            ),
            "{b}:8: tables.users: feed b registers refined.users_rt, and so does feed a ({a}:8: target.catalog); name "
            "another database or table",
            id="the-entry-of-a-view",
        ),
        pytest.param(
            csv("raw/a/", "refined/x/", catalog={"database": "refined", "table": "shop_orders"}),
            events("raw/b/", "refined/b/", "shop.orders", catalog={"database": "refined"}),
            "{b}:4: source.topics: feed b registers refined.shop_orders, and so does feed a ({a}:8: target.catalog); name "
            "another database or table",
            id="the-entry-of-a-topic",
        ),
    ],
)
def test_conflicts_between_two_feeds(tmp_path: Path, a: Any, b: Any, problem: str) -> None:
    answer = check(tmp_path, {"a": a, "b": b})
    paths = {name: f"{tmp_path}/conf/feeds/{name}.yaml" for name in ("a", "b")}
    assert (answer.exit_code, answer.data["problems"]) == (2, [problem.format(**paths)])


def test_a_folder_of_the_lake_is_the_same_by_a_link_and_by_a_uri(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "lake").symlink_to("disk")
    monkeypatch.setenv("LAKEWRIGHT_LAKE", str(tmp_path / "lake"))
    feeds = {"a": csv("raw/a/", "refined/x/"), "b": csv(f"file://{tmp_path}/lake//refined/x/", "refined/y/")}
    assert NO_SOURCE in check(tmp_path, feeds).data["problems"][0]


def test_a_feed_checked_alone_has_no_conflicts_and_none_with_itself(tmp_path: Path) -> None:
    feeds = {"a": csv("raw/a/", "refined/x/"), "b": csv("refined/x/", "refined/y/")}
    assert check(tmp_path, feeds, "b", "b").exit_code == 0


def test_an_invalid_feed_does_not_hide_conflicts_of_others(tmp_path: Path) -> None:
    answer = check(tmp_path, {"a": csv("raw/a/", "refined/x/"), "b": {"job": "x"}, "c": csv("raw/c/", "refined/x/")})
    assert [problem.split(": ")[-1] for problem in answer.data["problems"]] == [
        "unknown job 'x'; known are cdc_to_hudi, csv_to_parquet, flatten_events, json_scrub",
        "use a separate folder for each",
    ]


def test_every_conflicting_pair_is_reported(tmp_path: Path) -> None:
    feeds = {
        "a": csv("raw/", "refined/x/"),
        "b": csv("raw/", "refined/"),
        "c": csv("refined/x-/", "refined/x/y/"),
        "d": csv("raw/", "refined/xy/"),
    }
    problems = check(tmp_path, feeds).data["problems"]
    pairs = [(problem.split("feed ")[1][0], problem.split("feed ")[2][0]) for problem in problems]
    assert pairs == [("b", "a"), ("c", "a"), ("c", "b"), ("c", "b"), ("d", "b")]


@pytest.mark.parametrize(
    "lake",
    [
        pytest.param("s3://bucket/lake/", id="s3"),
        pytest.param("s3a://bucket/lake", id="s3a"),
    ],
)
@pytest.mark.parametrize("uri", ["s3://bucket/lake/refined/x/", "s3a://bucket/lake/refined/", "s3://bucket"])
def test_a_uri_may_lead_into_the_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lake: str, uri: str) -> None:
    monkeypatch.setenv("LAKEWRIGHT_LAKE", lake)
    answer = check(tmp_path, {"a": csv(uri, "refined/x/")})
    assert answer.exit_code == 2
    assert "feed a fills refined/x/, and feed a reads s3" in answer.data["problems"][0]


def test_a_file_uri_may_lead_into_a_local_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LAKEWRIGHT_LAKE", raising=False)
    assert check(tmp_path, {"a": csv(f"file://{tmp_path}/lake/refined/x/", "refined/x/")}).exit_code == 2


def test_feeds_without_conflicts(tmp_path: Path) -> None:
    feeds = {
        "a": csv("raw/a/", "refined/a/", **IN_CATALOG),
        "b": csv("raw/a/", "refined/ab/", catalog={"database": "other", "table": "users"}),
        "c": scrub("raw/"),
        "d": scrub("landing/", "a.json", "b.json"),
        "e": scrub("landing/", "a.json.gz"),
        "f": events("raw/f/", "refined/f/", "users*", catalog={"database": "refined"}),
        "g": csv("s3://other/refined/a/", "refined/g/"),
    }
    assert check(tmp_path, feeds).data["problems"] == []


def test_feeds_of_custom_jobs_are_compared_by_the_folders_in_their_models() -> None:
    from tests.new_job.jobs.feeds.access_logs import AccessLogsFeed

    feed = AccessLogsFeed.model_validate(
        {
            "job": "access_logs",
            "source": {"path": "raw/access", "file_name": "{year}-{month}-{day}.log"},
            "target": "refined/requests",
        }
    )
    assert [(".".join(folder.keys), folder.use, folder.path) for folder in folders_in(feed)] == [
        ("source.path", "reads", "raw/access/"),
        ("target", "fills", "refined/requests/"),
    ]
