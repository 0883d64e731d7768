"""Bodies of POST /v1/messages and /v1/messages/count_tokens: https://platform.claude.com/docs/en/api/messages/create

Besides the SDK's types they hold what clients send without one: sampling parameters that the SDK has retired, and
fields of Claude Code's own.
"""

from typing import Annotated, Literal

from mitmclaude.schema.base import Int, Items, JsonObject, Known, OneOf, Opaque, Wire
from mitmclaude.schema.blocks import Block
from mitmclaude.schema.cache import Cached
from mitmclaude.schema.content import Text
from mitmclaude.schema.settings import (
    BillingPolicy,
    Compaction,
    ContextManagement,
    OutputConfig,
    OutputFormat,
    Thinking,
    TurnConfig,
)
from mitmclaude.schema.tools import Tool, ToolChoice

Content = Annotated[str | Items[Block], OneOf()]
Speed = Annotated[str, Known("standard", "fast")]


class _Turn(Wire):
    clear_at: Annotated[str, Known("next_user_message", "never")] | None = None
    output_config: TurnConfig | None = None


class Turn(_Turn):
    role: Literal["user", "assistant"]
    content: Content


class SystemTurn(_Turn):
    """A system message between turns, as current Claude Code sends in nearly every request."""

    role: Literal["system"]
    content: Content | None = None


class OpaqueTurn(Wire):
    """A message of a role that is not known; what it may hold is not known either."""

    __pydantic_extra__: dict[str, object]

    role: Annotated[str, Known()]


class Metadata(Wire):
    user_id: str | None = None


class Skill(Wire):
    type: Annotated[str, Known("anthropic", "custom")]
    skill_id: str
    version: str | None = None


class ContainerRequest(Wire):
    id: str | None = None
    skills: Items[Skill] | None = None


class Diagnostics(Wire):
    previous_message_id: str | None = None


class McpToolConfiguration(Wire):
    allowed_tools: Items[str] | None = None
    enabled: bool | None = None


class McpServer(Wire):
    type: Literal["url"]
    name: str
    url: str
    authorization_token: str | None = None
    tool_configuration: McpToolConfiguration | None = None


class NewThread(Wire):
    type: Literal["create"]


class SameThread(Wire):
    type: Literal["continue"]
    previous_message_id: str


class FallbackCreditToken(Wire):
    token: str
    mode: Annotated[str, Known("strict", "best_effort")] | None = None


class Fallback(Wire):
    """Another model to try, with what it needs set differently."""

    model: str
    max_tokens: Int | None = None
    output_config: OutputConfig | None = None
    speed: Speed | None = None
    thinking: Thinking | None = None


class CountTokensRequest(Cached):
    """What both endpoints take."""

    model: str
    messages: Items[Annotated[Turn | SystemTurn | OpaqueTurn, OneOf("role")]]
    billing_policy: BillingPolicy | None = None
    compaction: Compaction | None = None
    context_management: ContextManagement | None = None
    mcp_servers: Items[Annotated[McpServer | Opaque, OneOf()]] | None = None
    output_config: OutputConfig | None = None
    output_format: OutputFormat | None = None  # beta of SDK 0.79 to 0.125
    speed: Speed | None = None
    system: Text | None = None
    thinking: Thinking | None = None
    tool_choice: ToolChoice | None = None
    tools: Items[Tool] | None = None


class MessagesRequest(CountTokensRequest):
    max_tokens: Int
    container: Annotated[str | ContainerRequest, OneOf()] | None = None
    diagnostics: Diagnostics | None = None
    fallback_credit_token: Annotated[str | FallbackCreditToken, OneOf()] | None = None
    fallbacks: Annotated[Items[Fallback] | Annotated[str, Known("default")], OneOf()] | None = None
    inference_geo: str | None = None
    metadata: Metadata | None = None
    service_tier: Annotated[str, Known("auto", "standard_only")] | None = None
    stop_sequences: Items[str] | None = None
    stream: bool | None = None
    thread: Annotated[NewThread | SameThread | Opaque, OneOf()] | None = None
    user_profile_id: str | None = None  # beta of SDK 0.97; a header since

    temperature: float | None = None  # these three: SDK up to 0.125, and Claude Code
    top_k: Int | None = None
    top_p: float | None = None

    data_flow: object = None  # these four: Claude Code, in no SDK type
    resumption: object = None
    safeguards: Items[JsonObject] | None = None
    tags: object = None
