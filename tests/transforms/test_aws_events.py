from typing import Any

import pytest

from transforms.aws_events import CreatedObject, ExpiredItem, created_objects, expired_items


def s3_record(key: str, *, name: str = "ObjectCreated:Put", size: int | None = 5) -> dict[str, Any]:
    s3_object = {"key": key} if size is None else {"key": key, "size": size, "eTag": "e"}
    return {"eventName": name, "eventTime": "t", "s3": {"bucket": {"name": "b"}, "object": s3_object}}


def test_all_records_of_an_s3_event() -> None:
    event = {
        "Records": [
            s3_record("a+b%2Fc%3F%23%2B%C3%A9.json"),
            s3_record("multi", name="s3:ObjectCreated:CompleteMultipartUpload", size=None),
            s3_record("gone", name="ObjectRemoved:Delete"),
        ]
    }
    assert list(created_objects(event)) == [
        CreatedObject("b", "a b/c?#+é.json", 5, "e", "t"),
        CreatedObject("b", "multi", 0, "", "t"),
    ]
    assert list(created_objects({"Service": "Amazon S3", "Event": "s3:TestEvent"})) == []


@pytest.mark.parametrize(
    ("name", "by", "is_expired"),
    [
        pytest.param("REMOVE", {"type": "Service", "principalId": "dynamodb.amazonaws.com"}, True, id="ttl"),
        pytest.param("REMOVE", None, False, id="deleted-by-a-user"),
        pytest.param("REMOVE", {"type": "Service", "principalId": "x"}, False, id="deleted-by-another-service"),
        pytest.param("MODIFY", {"type": "Service", "principalId": "dynamodb.amazonaws.com"}, False, id="modified"),
        pytest.param("INSERT", None, False, id="inserted"),
    ],
)
def test_only_expired_items_match(name: str, by: dict[str, str] | None, is_expired: bool) -> None:
    change = {"SequenceNumber": "7", "Keys": {"path": {"S": "s3://b/k"}}}
    record = {"eventName": name, "dynamodb": change} | ({"userIdentity": by} if by else {})
    assert list(expired_items({"Records": [record]})) == ([ExpiredItem("7", "s3://b/k")] if is_expired else [])
