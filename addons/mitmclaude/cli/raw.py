"""A record → the bodies of its call, out of the raw flow."""

from typing import TYPE_CHECKING, Any

from mitmclaude.library import bodies

if TYPE_CHECKING:
    from mitmclaude.library.bodies import Bodies
    from mitmclaude.library.library import Library
    from mitmclaude.record.record import Record


def bodies_of(library: "Library", record: "Record") -> "Bodies":
    """Both bodies; ValueError, in one line, where there is no raw flow or it cannot be read."""
    try:
        flow = library.flow(record)
    except (OSError, ValueError) as error:
        raise ValueError(f"the raw flow of {record.id} cannot be read: {error}") from None
    if flow is None:
        raise ValueError(f"the raw flow of {record.id} is not kept")
    try:
        return bodies.bodies(flow)
    except ValueError as error:
        raise ValueError(f"the raw flow of {record.id} cannot be read: {error}") from None


def body_of(library: "Library", record: "Record") -> dict[str, Any]:
    """The request's body; ValueError, in one line, where there is none or it is no JSON object."""
    message = bodies_of(library, record).request
    try:
        return bodies.payload(message)
    except ValueError as error:
        raise ValueError(f"the request of {record.id}: {error}") from None
