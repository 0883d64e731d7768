"""The events of a streamed answer: https://platform.claude.com/docs/en/build-with-claude/streaming"""

from typing import Annotated, Literal

from mitmclaude.schema.base import Int, OneOf, Opaque, Wire
from mitmclaude.schema.blocks import Block
from mitmclaude.schema.citations import Citation
from mitmclaude.schema.errors import ErrorResponse
from mitmclaude.schema.response import Message, Outcome, Transformed, UsageSoFar


class TextDelta(Wire):
    type: Literal["text_delta"]
    text: str


class InputJsonDelta(Wire):
    type: Literal["input_json_delta"]
    partial_json: str


class CitationsDelta(Wire):
    type: Literal["citations_delta"]
    citation: Citation


class ThinkingDelta(Wire):
    type: Literal["thinking_delta"]
    thinking: str
    estimated_tokens: Int | None = None


class SignatureDelta(Wire):
    type: Literal["signature_delta"]
    signature: str


class CompactionDelta(Wire):
    type: Literal["compaction_delta"]
    content: str | None = None
    encrypted_content: str | None = None


Delta = Annotated[
    TextDelta | InputJsonDelta | CitationsDelta | ThinkingDelta | SignatureDelta | CompactionDelta | Opaque, OneOf()
]


class MessageStart(Wire):
    type: Literal["message_start"]
    message: Message


class BlockStart(Wire):
    type: Literal["content_block_start"]
    index: Int
    content_block: Block


class BlockDelta(Wire):
    type: Literal["content_block_delta"]
    index: Int
    delta: Delta


class BlockStop(Wire):
    type: Literal["content_block_stop"]
    index: Int


class MessageDelta(Transformed):
    type: Literal["message_delta"]
    delta: Outcome
    usage: UsageSoFar


class Bare(Wire):
    type: Literal["message_stop", "ping"]


Event = Annotated[
    MessageStart | BlockStart | BlockDelta | BlockStop | MessageDelta | Bare | ErrorResponse | Opaque, OneOf()
]
