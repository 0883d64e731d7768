"""The S3 store: what it sends, what it needs, and what it says when S3 does not do it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest

from mitmclaude.stores import aws
from mitmclaude.stores.protocol import UnfitError
from mitmclaude.stores.s3 import S3Store
from tests.stores.conftest import CREDENTIALS, Scripted, aws_error, free_port

KEY = "records/date=2026-11-22/a.json"
OK, BUSY = (200, b""), (503, aws_error("SlowDown"))
DENIED, TAKEN = (403, aws_error("AccessDenied")), (412, aws_error("PreconditionFailed"))


def make(scripted: Scripted, *answers: tuple[int, bytes], options: str = "") -> S3Store:
    scripted.answers = list(answers)
    return S3Store(f"s3://bucket/team/a?endpoint={scripted.url}{options}")


def head(url: str, key: str) -> dict[str, str]:
    bucket, _, endpoint = url.removeprefix("s3://").partition("/team/a?endpoint=")
    found: dict[str, str] = boto3.client("s3", endpoint_url=endpoint).head_object(Bucket=bucket, Key=f"team/a/{key}")
    return found


@pytest.mark.parametrize(
    ("key", "content_type"),
    [
        (KEY, "application/json"),
        ("flows/date=2026-11-22/a.mitm.zst", "application/zstd"),
        ("flows/date=2026-11-22/a.mitm.gz", "application/gzip"),
        ("flows/date=2026-11-22/a.mitm", "application/octet-stream"),
    ],
)
def test_content_types(s3_url: str, key: str, content_type: str) -> None:
    """The type follows the last suffix, and the object lies below the prefix."""
    S3Store(s3_url).put(key, b"{}")
    assert head(s3_url, key)["ContentType"] == content_type


def test_encryption_at_rest(s3_url: str) -> None:
    """S3 is told how to encrypt and in which class to keep the object."""
    S3Store(f"{s3_url}&sse=aws:kms&kms_key_id=alias/claude&bucket_key=1&storage_class=STANDARD_IA").put(KEY, b"{}")
    found = head(s3_url, KEY)
    assert found["ServerSideEncryption"] == "aws:kms"
    assert found["SSEKMSKeyId"] == "alias/claude"
    assert found["BucketKeyEnabled"]
    assert found["StorageClass"] == "STANDARD_IA"


def test_what_is_sent(scripted: Scripted) -> None:
    """One request carries content, checksum and all that was asked for; without options S3 is left its defaults."""
    make(scripted, OK).put(KEY, b"{}")
    make(scripted, OK, options="&sse=AES256&storage_class=GLACIER_IR&conditional=1").put(KEY, b"{}")
    plain, extra = scripted.asked
    assert (plain.method, plain.path, plain.body) == ("PUT", "/bucket/team/a/records/date%3D2026-11-22/a.json", b"{}")
    assert plain.headers["x-amz-checksum-crc32"] == "o6a/Qw=="
    optional = {"x-amz-server-side-encryption", "x-amz-storage-class", "if-none-match"}
    assert not optional & set(plain.headers)
    assert extra.headers["x-amz-server-side-encryption"] == "AES256"
    assert extra.headers["x-amz-storage-class"] == "GLACIER_IR"
    assert extra.headers["if-none-match"] == "*"


def test_check_needs_a_put_alone(scripted: Scripted) -> None:
    """A role that may only put is enough to start."""
    make(scripted, OK).check()
    assert [(asked.method, asked.path) for asked in scripted.asked] == [("PUT", "/bucket/team/a/checks/startup")]


def test_listing_over_pages(s3_url: str) -> None:
    """More keys than a page holds are all listed, without the object of the check and the folders of the console."""
    store = S3Store(s3_url)
    store.check()
    bucket, _, endpoint = s3_url.removeprefix("s3://").partition("/team/a?endpoint=")
    client = boto3.client("s3", endpoint_url=endpoint)
    client.put_object(Bucket=bucket, Key="team/a/records/", Body=b"")
    client.put_object(Bucket=bucket, Key="team/ab/records/x.json", Body=b"")
    keys = [f"records/{number:04}.json" for number in range(1001)]
    for key in keys:
        client.put_object(Bucket=bucket, Key=f"team/a/{key}", Body=b"")
    assert list(store.keys()) == keys


def test_missing_bucket(moto: str, credentials: None) -> None:
    """A bucket that is not there is told at the start in one line."""
    with pytest.raises(OSError, match=r"^s3://no-such: PutObject: NoSuchBucket: there is no such bucket$"):
        S3Store(f"s3://no-such?endpoint={moto}").check()


def test_denied(scripted: Scripted) -> None:
    """What the role may not do is told with the operation, once, and nothing that the endpoint quotes."""
    store = make(scripted, DENIED)
    for use, operation in (
        (store.check, "PutObject"),
        (lambda: store.get(KEY), "GetObject"),
        (lambda: list(store.keys()), "ListObjectsV2"),
        (lambda: store.delete(KEY), "DeleteObject"),
    ):
        with pytest.raises(OSError, match="AccessDenied") as caught:
            use()
        assert str(caught.value) == f"s3://bucket: {operation}: AccessDenied: these credentials do not allow it"
    assert len(scripted.asked) == 4


def test_busy_is_tried_again(scripted: Scripted) -> None:
    """A 500 and a 503 are tried again within the put."""
    make(scripted, (500, b"<html>"), BUSY, OK).put(KEY, b"{}")
    assert [asked.body for asked in scripted.asked] == [b"{}"] * 3


def test_busy_for_long(scripted: Scripted) -> None:
    """After three tries the put fails, with the code of S3."""
    started = time.monotonic()
    with pytest.raises(OSError, match=r"^s3://bucket: PutObject: SlowDown$"):
        make(scripted, BUSY).put(KEY, b"{}")
    assert len(scripted.asked) == aws.TRIES
    assert time.monotonic() - started < 5


def test_nobody_listens(credentials: None) -> None:
    """A refused connection is given up within seconds, in one line."""
    started = time.monotonic()
    with pytest.raises(OSError, match=r"^s3://bucket: EndpointConnectionError: cannot connect$"):
        S3Store(f"s3://bucket?endpoint=http://127.0.0.1:{free_port()}").put(KEY, b"{}")
    assert time.monotonic() - started < 5


def test_nobody_answers(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent end is given up after as many tries of bounded length."""
    monkeypatch.setattr(aws, "READ_SECONDS", 0.2)
    monkeypatch.setattr(aws, "TRIES", 2)
    store = make(scripted, OK)
    monkeypatch.setattr(scripted, "answers", Slow(OK))
    started = time.monotonic()
    with pytest.raises(OSError, match=r"^s3://bucket: ReadTimeoutError: "):
        store.put(KEY, b"{}")
    assert time.monotonic() - started < 3


class Slow(list[tuple[int, bytes]]):
    """Answers that take their time."""

    def __init__(self, answer: tuple[int, bytes]) -> None:
        super().__init__([answer])

    def __len__(self) -> int:
        time.sleep(1)
        return 1


@pytest.mark.parametrize("answer", [DENIED, BUSY, (200, b"no XML"), (400, b"no XML"), (403, aws_error("Bad\nCode"))])
def test_errors_quote_nothing(scripted: Scripted, answer: tuple[int, bytes]) -> None:
    """Whatever comes back, an error is one line without a credential, and so is its traceback."""
    store = make(scripted, answer)
    with pytest.raises(OSError, match=r"^s3://bucket: ") as caught:
        list(store.keys())
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__
    for secret in (*CREDENTIALS, "no XML"):
        assert secret not in str(caught.value)


def test_no_credentials(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    """That no credentials are found is told."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    with pytest.raises(OSError, match=r"^s3://bucket: NoCredentialsError: found no AWS credentials$"):
        make(scripted, OK).check()


def test_conditional_never_replaces(s3_url: str) -> None:
    """With conditional=1 the same object may be put again, another one not; starting again is fine."""
    store = S3Store(f"{s3_url}&conditional=1")
    for _ in range(2):
        store.check()
        store.put(KEY, b"first")
    with pytest.raises(UnfitError, match=f"{KEY} held something else"):
        store.put(KEY, b"second")
    assert store.get(KEY) == b"first"


def test_conditional_without_reading(scripted: Scripted) -> None:
    """Where the role may not read, a key that is taken was taken by an earlier try: ids are unique."""
    make(scripted, TAKEN, DENIED, options="&conditional=1").put(KEY, b"{}")
    assert [asked.method for asked in scripted.asked] == ["PUT", "GET"]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("s3:bucket", "wanted s3://bucket/prefix, found 's3:bucket'"),
        ("s3://", "wanted s3://bucket/prefix, found 's3://'"),
        ("s3://b/../x", "wanted s3://bucket/prefix of letters, digits and _.=-, found '../x'"),
        ("s3://key:secret@bucket/x", "wanted s3://bucket/prefix, found 's3://…@bucket/x'"),
        ("s3://b?ssee=x", "unknown option ssee of s3://b: known are endpoint, region, pool, sse, kms_key_id, bucket_key, storage_class, conditional"),
        ("s3://b?pool=1&pool=2", "wanted one value for pool of s3://b"),
        ("s3://b?pool=", "wanted one value for pool of s3://b"),
        ("s3://b?pool=0", "wanted a number from 1 to 99999 for pool, found '0'"),
        ("s3://b?sse=kms", "wanted AES256, aws:kms or aws:kms:dsse for sse, found 'kms'"),
        ("s3://b?sse=AES256&kms_key_id=x", "kms_key_id and bucket_key want sse=aws:kms"),
        ("s3://b?conditional=yes", "wanted 0 or 1 for conditional, found 'yes'"),
        ("s3://b?endpoint=http://key:secret@h", "wanted http://host:port or https://host for endpoint, without credentials"),
    ],
)  # fmt: skip
def test_wrong_urls(url: str, told: str, credentials: None) -> None:
    """A URL that is not understood is refused with what was wanted, and shows no credentials."""
    with pytest.raises(ValueError, match=r"^\S") as caught:
        S3Store(url)
    assert str(caught.value) == told


COUNTED = """
import collections, sys
counts = collections.Counter()
sys.addaudithook(lambda event, _: counts.update([event]) if event == "os.listdir" else None)
from mitmclaude.stores import open_store
for url in ("s3://bucket", "dynamodb://table"):
    open_store(url)._client
assert counts["os.listdir"] < 150, counts
assert "boto3" not in sys.modules
"""


@pytest.mark.usefixtures("credentials")
def test_clients_are_made_quickly() -> None:
    """Making clients looks into no folder of a service that is not used; botocore alone looks into some 800."""
    path = str(Path(aws.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", COUNTED], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_import_is_late() -> None:
    """The modules of the stores do not import boto3: who keeps to files does not wait for it."""
    for path in Path(aws.__file__).parent.glob("*.py"):
        assert not [line for line in path.read_text().splitlines() if line.startswith(("import boto", "from boto"))]
