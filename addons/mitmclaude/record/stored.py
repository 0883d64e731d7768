"""The stored form of a record → the record."""

from pydantic import ValidationError

from mitmclaude import __version__
from mitmclaude.record.record import Record


def record_of(content: bytes) -> Record:
    """The record in `content`; ValueError with one line, which quotes nothing of it, where there is none."""
    try:
        return Record.model_validate_json(content)
    except ValidationError as error:
        detail = error.errors(include_url=False, include_context=True)[0]
    if detail["type"] == "json_invalid":
        wrong = str(detail["ctx"]["error"])
        is_deep = wrong.startswith("recursion limit")
        raise ValueError("nested too deep to be read" if is_deep else f"damaged, or no JSON: {wrong}")
    if detail["loc"] == ("version",) and isinstance(detail["input"], int):
        raise ValueError(f"a record of version {detail['input']}, which mitmclaude {__version__} does not read")
    at = _printable(".".join(map(str, detail["loc"])))
    raise ValueError(f"not a record that mitmclaude {__version__} reads: {at}: {detail['msg']}")


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
