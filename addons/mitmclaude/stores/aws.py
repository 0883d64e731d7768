"""What the stores on AWS share: their URLs, their client, and what is said when AWS fails.

The client tries three times, with jitter between (botocore's ``standard`` mode), and gives up on a silent end after
`CONNECT_SECONDS` or `READ_SECONDS` each time: a put fails within 9 seconds where nothing can be reached, and within 18
where a connection stays silent. https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
"""

import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

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

_HINTS: Final = {
    "NoSuchBucket": "there is no such bucket",
    "ResourceNotFoundException": "there is no such table",
    "AccessDenied": "these credentials do not allow it",
    "AccessDeniedException": "these credentials do not allow it",
    "NoCredentialsError": "found no AWS credentials",
    "NoRegionError": "wanted a region, as AWS_REGION or as ?region=",
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


def client(service: str, options: Mapping[str, str]) -> Any:
    """A client of botocore, safe in several threads; no request is made. Credentials are found as boto3 finds them."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": TRIES},
        max_pool_connections=number(options, "pool", POOL),
        tcp_keepalive=True,
        s3={"addressing_style": "path"} if "endpoint" in options else None,
    )
    region = options.get("region") or os.environ.get("AWS_REGION")  # boto3 reads AWS_DEFAULT_REGION alone
    # a session of its own: the default one of boto3 may not be used by two threads that make clients
    session = boto3.session.Session(region_name=region)
    return session.client(service, endpoint_url=_endpoint(options), config=config)


@contextmanager
def told(place: str) -> Iterator[None]:
    """Turn what botocore raises into OSError: `place`, operation and AWS error code in one line.

    Nothing else of the error is told, nor is it chained: texts of botocore quote URLs, headers and signed requests.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        code = re.sub(r"[^\w.]", "", str(error.response.get("Error", {}).get("Code", "")))[:80]
        raise OSError(f"{place}: {error.operation_name}: {_hinted(code)}") from None
    except (BotoCoreError, ResponseParserError) as error:
        raise OSError(f"{place}: {_hinted(type(error).__name__)}") from None


def _hinted(code: str) -> str:
    return f"{code}: {_HINTS[code]}" if code in _HINTS else code


def _endpoint(options: Mapping[str, str]) -> str | None:
    endpoint = options.get("endpoint")
    if endpoint is not None:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise ValueError("wanted http://host:port or https://host for endpoint, without credentials")
    return endpoint
