"""What a check found in a request or an answer: the value that validation returns and a record keeps."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Finding(BaseModel):
    """One deviation from the known Messages API.

    A violation is certainly malformed; drift is something that this version does not know.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["violation", "drift"]
    path: str
    """Where, as keys and indices joined by dots, e.g. ``messages.0.content.1.text``; empty for the whole body."""
    message: str
    """What was found and what was wanted; never contains text of the body itself."""


def violation(path: str, message: str) -> Finding:
    """A certainly malformed value at `path`."""
    return Finding(kind="violation", path=path, message=message)


def drift(path: str, message: str) -> Finding:
    """A value at `path` that this version does not know."""
    return Finding(kind="drift", path=path, message=message)
