"""What the stores on AWS share: their URLs, their client, and what is said when AWS fails.

The client is botocore's: boto3 would add 0.1 s to each start, and nothing that is used here. It tries three times, with
jitter between (botocore's ``standard`` mode), and gives up on a silent end after `CONNECT_SECONDS` or `READ_SECONDS`
each time: a put fails within 9 seconds where nothing can be reached, and within 18 where a connection stays silent.
`Spooled` waits for less. https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
"""

import os
import re
import threading
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from mitmclaude.stores.protocol import RefusedError, UnfitError

CONNECT_SECONDS: Final = 2
READ_SECONDS: Final = 5
TRIES: Final = 3

POOL: Final = 64
"""Connections kept by default: as many puts at once as a busy container has streams that end."""

CHECK_KEY: Final = "checks/startup"
CHECK: Final = b"{}"
"""What `check` puts, in place of the last: a put is the one permission that is needed. No listing shows it."""

SHARED: Final = ("endpoint", "region", "pool")
"""Options of every store on AWS."""

_DENIED: Final = "these credentials do not allow it"
_WRONG: Final = "these credentials are wrong or no longer valid"

_REFUSED: Final = {
    "NoSuchBucket": "there is no such bucket",
    "InvalidBucketName": "that is no name of a bucket",
    "ResourceNotFoundException": "there is no such table",
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "AllAccessDisabled": _DENIED,
    "InvalidAccessKeyId": _WRONG,
    "SignatureDoesNotMatch": _WRONG,
    "InvalidSignatureException": _WRONG,
    "UnrecognizedClientException": _WRONG,
    "InvalidToken": _WRONG,
    "ExpiredToken": _WRONG,
    "ExpiredTokenException": _WRONG,
    "PermanentRedirect": "the bucket is in another region: give it as ?region=",
    "AuthorizationHeaderMalformed": "the bucket is in another region: give it as ?region=",
    "KMS.NotFoundException": "there is no such key",
    "KMS.DisabledException": "the key is disabled",
    "NoCredentialsError": "found no AWS credentials",
    "PartialCredentialsError": "found only a part of AWS credentials",
    "ProfileNotFound": "there is no such profile",
    "ConfigParseError": "the AWS config file cannot be read",
    "NoRegionError": "wanted a region, as AWS_REGION or as ?region=",
    "InvalidRegionError": "that is no name of a region",
}
"""Codes of what will not mend by itself, and a word on each."""

_UNFIT: Final = {
    "ValidationException": "DynamoDB does not take it: are the table's keys those of mitmclaude.stores.table?",
    "ItemCollectionSizeLimitExceededException": "too many items of one key",
    "EntityTooLarge": "it is too large",
    "KeyTooLongError": "its key is too long",
    "InvalidArgument": "S3 does not take it",
}
"""Likewise, of one object."""

_HINTS: Final = {
    **_REFUSED,
    **_UNFIT,
    "EndpointConnectionError": "cannot connect",
    "ConnectTimeoutError": f"no connection within {CONNECT_SECONDS} seconds",
    "ReadTimeoutError": f"no answer within {READ_SECONDS} seconds",
}


class Place(NamedTuple):
    """A store's URL in its parts: bucket or table, the path without outer slashes, options."""

    name: str
    path: str
    options: Mapping[str, str]


def parsed(url: str, wanted: str, known: Collection[str]) -> Place:
    """The parts of `url`, which is to look like `wanted`; ValueError for another form or an option not in `known`."""
    parts = urlsplit(url)
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,255}", parts.netloc) or parts.fragment:
        shown = re.sub(r"//.*@", "//…@", url.partition("?")[0])  # nobody's credentials
        raise ValueError(f"wanted {wanted}, found {shown!r}")
    options: dict[str, str] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in known:
            raise ValueError(f"unknown option {name} of {parts.scheme}://{parts.netloc}: known are {', '.join(known)}")
        if name in options or not value:
            raise ValueError(f"wanted one value for {name} of {parts.scheme}://{parts.netloc}")
        options[name] = value
    return Place(parts.netloc, parts.path.strip("/"), options)


def number(options: Mapping[str, str], name: str, default: int) -> int:
    """An option that is a number above 0, or `default`."""
    text = options.get(name, str(default))
    if not text.isdecimal() or len(text) > 5 or not (value := int(text)):
        raise ValueError(f"wanted a number from 1 to 99999 for {name}, found {text!r}")
    return value


def flag(options: Mapping[str, str], name: str) -> bool:
    """An option that is 0, as by default, or 1."""
    if (text := options.get(name, "0")) not in ("0", "1"):
        raise ValueError(f"wanted 0 or 1 for {name}, found {text!r}")
    return text == "1"


class Client:
    """A client that is made in a thread of its own from now on; `get` waits for it.

    What a start needs first is thus loaded while the rest of the process starts.
    """

    def __init__(self, place: str, service: str, options: Mapping[str, str]) -> None:
        endpoint_of(options), number(options, "pool", POOL)  # a wrong option is told at once
        self._place = place
        self._made: Future[Any] = Future()
        threading.Thread(target=self._make, args=(service, options), name=f"make {place}", daemon=True).start()

    def get(self) -> Any:
        """The client of botocore; raises OSError where it cannot be made."""
        return self._made.result()

    def _make(self, service: str, options: Mapping[str, str]) -> None:
        try:
            with told(self._place):
                made = client(service, options)
        except BaseException as error:  # noqa: BLE001  it is raised where the client is wanted
            self._made.set_exception(error)
        else:
            self._made.set_result(made)


def client(service: str, options: Mapping[str, str]) -> Any:
    """A client of botocore, safe in several threads; no request is made. Credentials are found as boto3 finds them."""
    from botocore.config import Config
    from botocore.session import Session

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": TRIES},
        max_pool_connections=number(options, "pool", POOL),
        tcp_keepalive=True,
        s3={"addressing_style": "path"} if "endpoint" in options else None,
    )
    region = options.get("region") or os.environ.get("AWS_REGION")  # botocore reads AWS_DEFAULT_REGION alone
    session = Session()  # one for each client: two threads may not make clients of one session
    session.register_component("data_loader", _loader())
    return session.create_client(service, region_name=region, endpoint_url=endpoint_of(options), config=config)


@cache
def _loader() -> Any:
    """What reads botocore's descriptions of services, for all clients: three times as quickly as botocore's own.

    It parses with orjson, and takes every folder for a service instead of looking into each of some 400.
    """
    import orjson
    from botocore.loaders import JSONFileLoader, Loader

    class Files(JSONFileLoader):  # type: ignore[misc]  # botocore has no types
        def _load_file(self, full_path: str, open_method: Any) -> Any:
            if not os.path.isfile(full_path):  # noqa: PTH113  as botocore does, many times
                return None
            with open_method(full_path, "rb") as file:
                return orjson.loads(file.read())

    class Folders(Loader):  # type: ignore[misc]
        def list_available_services(self, type_name: str) -> list[str]:
            del type_name
            return sorted({name for path in self._potential_locations() for name in os.listdir(path)})  # noqa: PTH208

    return Folders(file_loader=Files())


@contextmanager
def told(place: str) -> Iterator[None]:
    """Turn what botocore raises into OSError (RefusedError, UnfitError): `place`, operation and error code in one line.

    Nothing else of the error is told, nor is it chained: texts of botocore quote URLs, headers and signed requests.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        code = re.sub(r"[^\w.]", "", str(error.response.get("Error", {}).get("Code", "")))[:80]
        raise _failure(f"{place}: {error.operation_name}", code) from None
    except (BotoCoreError, ResponseParserError) as error:
        raise _failure(place, type(error).__name__) from None


def _failure(where: str, code: str) -> OSError:
    kind = UnfitError if code in _UNFIT else RefusedError if code in _REFUSED else OSError
    return kind(f"{where}: {code}: {_HINTS[code]}" if code in _HINTS else f"{where}: {code}")


def endpoint_of(options: Mapping[str, str]) -> str | None:
    """The option `endpoint`, which is to be the URL of a host."""
    endpoint = options.get("endpoint")
    if endpoint is not None:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise ValueError("wanted http://host:port or https://host for endpoint, without credentials")
    return endpoint
