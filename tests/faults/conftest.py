"""The faulty endpoint, and credentials that nobody has."""

from collections.abc import Iterator

import pytest

from tests.faults.endpoint import Endpoint, serving

AWS = {
    "AWS_ACCESS_KEY_ID": "AKIA" + "FAKE" * 4,
    "AWS_SECRET_ACCESS_KEY": "fake" * 10,
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1",
}


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """An endpoint without a fault, to which clients of this process go."""
    with serving() as endpoint:
        for name, value in AWS.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint.url)
        yield endpoint


@pytest.fixture
def stores(endpoint: Endpoint) -> str:
    """The URLs of a store on S3 and one on DynamoDB there."""
    return f"s3://bucket?endpoint={endpoint.url},dynamodb://table?endpoint={endpoint.url}"
