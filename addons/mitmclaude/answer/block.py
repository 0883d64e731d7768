"""One content block of a stream in the making: its start and the deltas that complete it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mitmclaude.answer.decode import loads

OWN_KEYS: Final = ("partial_json", "delta_fields", "unknown_deltas")
"""Keys that we put into a block ourselves: see message.py."""

TEXTS: Final = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
DELTAS: Final = {  # the known fields of each known delta; estimated_tokens is a progress hint and not kept
    "text_delta": {"type", "text"},
    "thinking_delta": {"type", "thinking", "estimated_tokens"},
    "input_json_delta": {"type", "partial_json"},
    "citations_delta": {"type", "citation"},
    "signature_delta": {"type", "signature"},
    "compaction_delta": {"type", "content", "encrypted_content"},
}
_TAG: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def overwrite(target: dict[str, Any], new: Mapping[str, Any]) -> None:
    """Put `new` over `target`, key by key; a null never replaces a value: optional fields are sent only when known."""
    for key, value in new.items():
        if value is not None or key not in target:
            target[key] = value


def named(tag: object) -> str:
    """A type tag for a finding, which must not show text of the body: only if it looks like a tag."""
    return tag if isinstance(tag, str) and _TAG.fullmatch(tag) else f"a {type(tag).__name__}"


@dataclass(slots=True)
class Block:
    """A content block in the making; text is joined once, at the end."""

    value: dict[str, Any]
    texts: dict[str, list[str]] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    unknown: list[Any] = field(default_factory=list)
    stopped: bool = False

    def append(self, delta: Any) -> bool:
        """Apply `delta` if it is a piece of text and nothing else, as nearly all are; whether it was."""
        try:
            name = TEXTS[delta["type"]]
            text = delta[name]
        except (KeyError, TypeError):
            return False
        if len(delta) != 2 or type(text) is not str:
            return False
        if name in self.texts:
            self.texts[name].append(text)
        else:
            self.texts[name] = [text]
        return True

    def take(self, delta: Any) -> str | None:
        """Apply `delta`; says what is strange about it."""
        kind = delta.get("type") if isinstance(delta, dict) else None
        if not isinstance(kind, str) or kind not in DELTAS or not self._apply(kind, delta):
            self.unknown.append(delta)
            return f"delta of unknown type or shape: {named(kind)}"
        known = DELTAS[kind]
        if len(delta) > 2 and not delta.keys() <= known:
            self.fields.update((key, value) for key, value in delta.items() if key not in known)
            return f"{kind} with unknown fields"
        return None

    def _apply(self, kind: str, delta: dict[str, Any]) -> bool:
        if (name := TEXTS.get(kind)) is not None:
            if fits := isinstance(delta.get(name), str):
                self.texts.setdefault(name, []).append(delta[name])
        elif kind == "citations_delta":
            if fits := "citation" in delta:
                if not isinstance(self.value.get("citations"), list):
                    self.value["citations"] = []
                self.value["citations"].append(delta["citation"])
        elif fits := len(delta) > 1:  # signature and compaction come whole
            known = DELTAS[kind] - {"type"}
            overwrite(self.value, {key: value for key, value in delta.items() if key in known})
        return fits

    def finished(self) -> tuple[dict[str, Any], str | None]:
        """The block as far as it came, and what is strange about it; may be asked for again after more deltas."""
        value, strange = dict(self.value), None
        for name, parts in self.texts.items():
            if name == "partial_json":
                strange = self._put_input("".join(parts), value)
            else:
                start = value.get(name)
                value[name] = "".join([start, *parts] if isinstance(start, str) else parts)
        if self.fields:
            value["delta_fields"] = self.fields
        if self.unknown:
            value["unknown_deltas"] = self.unknown
        return value, strange

    def _put_input(self, text: str, value: dict[str, Any]) -> str | None:
        """Put the tool input into `value`; what is strange about it."""
        if not text:  # a tool without parameters
            return None
        try:
            value["input"] = loads(text.encode())
        except ValueError:
            value["partial_json"] = text
            return "input_json_delta parts do not join to JSON" if self.stopped else None
        return None if isinstance(value["input"], dict) else "tool input is not an object"
