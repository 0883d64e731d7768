"""The answer to POST /v1/messages: https://platform.claude.com/docs/en/api/messages/create"""

from typing import Annotated, Literal

from mitmclaude.schema.base import Int, Items, Known, OneOf, Opaque, Wire
from mitmclaude.schema.blocks import Block
from mitmclaude.schema.request import Skill, Speed

Tokens = Int | None
StopReason = Annotated[
    str,
    Known(
        "end_turn",
        "max_tokens",
        "stop_sequence",
        "tool_use",
        "pause_turn",
        "compaction",
        "refusal",
        "model_context_window_exceeded",
    ),
]


class CacheCreation(Wire):
    ephemeral_1h_input_tokens: Int
    ephemeral_5m_input_tokens: Int


class OutputTokensDetails(Wire):
    thinking_tokens: Int


class ServerToolUsage(Wire):
    web_fetch_requests: Int
    web_search_requests: Int


class CreditRedeemed(Wire):
    type: Literal["redeemed"]


class CreditNotApplied(Wire):
    type: Literal["not_applied"]
    reason: str
    remove_to_redeem: Items[str] | None = None


class FallbackCredit(Wire):
    status: Annotated[CreditRedeemed | CreditNotApplied | Opaque, OneOf()]


class Iteration(Wire):
    """The tokens of one of the model calls behind an answer."""

    type: Literal["message", "compaction", "advisor_message", "fallback_message"]
    input_tokens: Int
    output_tokens: Int
    cache_creation_input_tokens: Int
    cache_read_input_tokens: Int
    cache_creation: CacheCreation | None = None
    model: str | None = None


class Usage(Wire):
    input_tokens: Int
    output_tokens: Int
    cache_creation_input_tokens: Tokens = None
    cache_read_input_tokens: Tokens = None
    cache_creation: CacheCreation | None = None
    fallback_credit: FallbackCredit | None = None
    inference_geo: str | None = None
    iterations: Items[Annotated[Iteration | Opaque, OneOf()]] | None = None
    output_tokens_details: OutputTokensDetails | None = None
    server_tool_use: ServerToolUsage | None = None
    service_tier: Annotated[str, Known("standard", "priority", "batch")] | None = None
    speed: Speed | None = None


class Refusal(Wire):
    type: Literal["refusal"]
    category: Annotated[str, Known("cyber", "bio", "frontier_llm", "reasoning_extraction", "general_harms")] | None = (
        None
    )
    explanation: str | None = None
    fallback_credit_token: str | None = None
    fallback_has_prefill_claim: bool | None = None
    recommended_model: str | None = None


class Container(Wire):
    id: str
    expires_at: str
    skills: Items[Skill] | None = None


class ClearedToolUses(Wire):
    type: Literal["clear_tool_uses_20250919"]
    cleared_input_tokens: Int
    cleared_tool_uses: Int


class ClearedThinking(Wire):
    type: Literal["clear_thinking_20251015"]
    cleared_input_tokens: Int
    cleared_thinking_turns: Int


class AppliedContextManagement(Wire):
    applied_edits: Items[Annotated[ClearedToolUses | ClearedThinking | Opaque, OneOf()]]


class InputTransformation(Wire):
    type: Literal["thinking_dropped", "thinking_mismatch_allowed"]
    path: str
    reason: Annotated[
        str,
        Known(
            "model_binding_mismatch",
            "prefix_binding_mismatch",
            "organization_binding_mismatch",
            "end_user_binding_mismatch",
        ),
    ]


class CacheChanged(Wire):
    type: Literal["model_changed", "system_changed", "tools_changed", "messages_changed"]
    cache_missed_input_tokens: Int


class CacheUnknown(Wire):
    type: Literal["previous_message_not_found", "unavailable"]


class CacheDiagnostics(Wire):
    cache_miss_reason: Annotated[CacheChanged | CacheUnknown | Opaque, OneOf()] | None = None


class Message(Wire):
    id: str
    type: Annotated[str, Known("message")]
    role: Annotated[str, Known("assistant")]
    model: str
    content: Items[Block]
    usage: Usage
    container: Container | None = None
    context_management: AppliedContextManagement | None = None
    diagnostics: CacheDiagnostics | None = None
    input_transformations: Items[Annotated[InputTransformation | Opaque, OneOf()]] | None = None
    stop_details: Annotated[Refusal | Opaque, OneOf()] | None = None
    stop_reason: StopReason | None = None
    stop_sequence: str | None = None
