"""A store in an S3 bucket: ``s3://bucket/prefix?option=value``, where an object's key follows the prefix.

| option | |
|---|---|
| `region`, `endpoint` | where the bucket is, else as AWS_REGION and AWS_ENDPOINT_URL_S3 say |
| `pool` | connections kept, 64 by default |
| `sse`, `kms_key_id`, `bucket_key` | `AES256`, or `aws:kms`, its key and `1`; else the default of the bucket |
| `storage_class` | such as `INTELLIGENT_TIERING` |
| `conditional` | `1` puts with ``If-None-Match: *``: nothing that is there is ever replaced |

Puts need ``s3:PutObject`` on ``prefix/*`` alone, `check` included, and ``kms:GenerateDataKey`` with a key; reading
needs ``s3:GetObject`` and ``s3:ListBucket`` as well. Without ``s3:ListBucket`` S3 says of an absent key AccessDenied.

Every try of a put carries the same bytes to the same key, so trying again is harmless without any condition.
`conditional` is for a bucket whose policy demands ``s3:if-none-match``, so that who holds the role that writes cannot
change what was written. As record ids are unique, a key that is taken was then taken by an earlier try of ours: the put
has succeeded, unless the object can be read and is another one.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

import logging
import zlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from mitmclaude.stores import aws
from mitmclaude.stores.protocol import UnfitError, checked

logger = logging.getLogger(__name__)

WANTED: Final = "s3://bucket/prefix"
OPTIONS: Final = (*aws.SHARED, "sse", "kms_key_id", "bucket_key", "storage_class", "conditional")

CONTENT_TYPES: Final = {
    ".json": "application/json",
    ".zst": "application/zstd",
    ".gz": "application/gzip",
}
"""By the last suffix of a key; anything else is ``application/octet-stream``."""


class S3Store:
    """Keeps objects in a bucket; a thread makes the client at once. Nothing is asked of S3 before the first call."""

    def __init__(self, url: str) -> None:
        self.bucket, prefix, options = aws.parsed(url, WANTED, OPTIONS)
        self.name = f"s3://{self.bucket}"
        try:
            self._prefix = f"{checked(prefix)}/" if prefix else ""
        except ValueError:
            raise ValueError(f"wanted {WANTED} of letters, digits and _.=-, found {prefix[:80]!r}") from None
        self._conditional = aws.flag(options, "conditional")
        self._extra = _extra(options)
        self._made = aws.Client(self.name, "s3", options)

    @property
    def _client(self) -> Any:
        return self._made.get()

    def check(self) -> None:
        self.put(aws.CHECK_KEY, aws.CHECK)

    def put(self, key: str, content: bytes) -> None:
        with aws.told(self.name):
            try:
                self._client.put_object(
                    **self._at(key),
                    **self._extra,
                    Body=content,
                    ContentType=CONTENT_TYPES.get(PurePosixPath(key).suffix, "application/octet-stream"),
                    ChecksumCRC32=b64encode(zlib.crc32(content).to_bytes(4)).decode(),
                )
            except self._client.exceptions.ClientError as error:
                if not self._conditional or error.response["Error"]["Code"] != "PreconditionFailed":
                    raise
                self._expect(key, content)

    def get(self, key: str) -> bytes:
        with aws.told(self.name):
            try:
                content: bytes = self._client.get_object(**self._at(key))["Body"].read()
            except self._client.exceptions.NoSuchKey:
                raise KeyError(key) from None
            return content

    def keys(self, prefix: str = "") -> Iterator[str]:
        return (key for key, _ in self.listed(prefix))

    def listed(self, prefix: str = "", after: str = "") -> Iterator[tuple[str, str]]:
        """The keys that begin with `prefix` and sort after `after`, sorted; each with the ETag of its content."""
        pages = self._client.get_paginator("list_objects_v2")
        start = {"StartAfter": self._prefix + after} if after else {}
        with aws.told(self.name):
            for page in pages.paginate(Bucket=self.bucket, Prefix=self._prefix + prefix, **start):
                for listed in page.get("Contents", ()):
                    key = listed["Key"].removeprefix(self._prefix)
                    if key != aws.CHECK_KEY and not key.endswith("/"):  # the console makes such a key for a folder
                        yield key, listed["ETag"].strip('"')

    def delete(self, key: str) -> None:
        with aws.told(self.name):
            self._client.delete_object(**self._at(key))

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self._prefix + checked(key)}

    def _expect(self, key: str, content: bytes) -> None:
        """Raise OSError if what is at `key` can be read and is not `content`."""
        try:
            same = self.get(key) == content
        except OSError as error:
            logger.debug("%s is there already, by an earlier try: %s", key, error)
            return
        except KeyError:
            same = False
        if not same:
            raise UnfitError(f"{self.name}: PutObject: {key} held something else, and conditional=1 replaces nothing")


def _extra(options: Mapping[str, str]) -> dict[str, Any]:
    """The arguments of PutObject that the options ask for."""
    sse, key = options.get("sse"), options.get("kms_key_id")
    if sse not in (None, "AES256", "aws:kms", "aws:kms:dsse"):
        raise ValueError(f"wanted AES256, aws:kms or aws:kms:dsse for sse, found {sse!r}")
    bucket_key = aws.flag(options, "bucket_key")
    if (key or bucket_key) and sse not in ("aws:kms", "aws:kms:dsse"):
        raise ValueError("kms_key_id and bucket_key want sse=aws:kms")
    extra = {
        "ServerSideEncryption": sse,
        "SSEKMSKeyId": key,
        "BucketKeyEnabled": bucket_key or None,
        "StorageClass": options.get("storage_class"),
        "IfNoneMatch": "*" if aws.flag(options, "conditional") else None,
    }
    return {name: value for name, value in extra.items() if value is not None}
