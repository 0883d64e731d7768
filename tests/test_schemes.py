"""The kinds of store: what a URL names."""

import pytest

from mitmclaude.options import OPTIONS
from mitmclaude.schemes import SCHEMES, directory_of, scheme_of, split


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("captures", ["captures"]),
        ("/home/me/my captures, old", ["/home/me/my captures, old"]),
        ("s3://b/p,dynamodb://t", ["s3://b/p", "dynamodb://t"]),
        (" s3://b/p?sse=aws:kms \n dynamodb://t , file:/var/my captures ", ["s3://b/p?sse=aws:kms", "dynamodb://t", "file:/var/my captures"]),
        ("s3://b?endpoint=http://h:1,memory:", ["s3://b?endpoint=http://h:1", "memory:"]),
    ],
)  # fmt: skip
def test_split(text: str, urls: list[str]) -> None:
    """Commas and blanks separate URLs; a directory may have them in its name."""
    assert split(text) == urls


@pytest.mark.parametrize(
    ("url", "name"), [("captures", None), ("/a/b", None), ("file:/a", "file"), ("s3://b", "s3"), ("memory:", "memory")]
)
def test_scheme_of(url: str, name: str | None) -> None:
    """A URL is of the kind that stands before its colon; a path is of none."""
    scheme = scheme_of(url)
    assert (scheme.name if scheme else None) == name


@pytest.mark.parametrize("url", ["ftp://x", "s4://b"])
def test_unknown_schemes(url: str) -> None:
    """What is of no known kind is refused, with the known ones."""
    with pytest.raises(ValueError, match="wanted a directory, memory:, s3://… or dynamodb://…, found"):
        scheme_of(url)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("my captures", "my captures"),
        ("file:/a/b", "/a/b"),
        ("file:///a/b", "/a/b"),
        ("s3://b", None),
        ("memory:", None),
        ("file:/a,s3://b", None),
    ],
)
def test_directory_of(url: str, path: str | None) -> None:
    """The directory of a store that is one."""
    assert directory_of(url) == path


def test_the_option_names_every_kind() -> None:
    """The text of claude_store has the form of each kind."""
    (option,) = (option for option in OPTIONS if option.name == "store")
    assert [scheme.form for scheme in SCHEMES if scheme.name != "file" and scheme.form not in option.help] == []
