"""All content blocks of messages, stable and beta: https://platform.claude.com/docs/en/api/messages

One class serves requests and answers; what only one of them carries is optional.
"""

from typing import Annotated, Literal

from pydantic import Field

from mitmclaude.schema.base import Items, JsonObject, Known, OneOf, Opaque, Wire
from mitmclaude.schema.cache import Cached
from mitmclaude.schema.content import (
    BrowserStateBlock,
    DocumentBlock,
    ImageBlock,
    SearchResultBlock,
    TextBlock,
    ToolReferenceBlock,
)
from mitmclaude.schema.results import Caller, McpResultBlock, ServerToolResultBlock, WebSearchResultBlock
from mitmclaude.schema.tools import McpTool, ToolChangeBlock


class ThinkingBlock(Wire):
    type: Literal["thinking"]
    thinking: str
    signature: str


class RedactedThinkingBlock(Wire):
    type: Literal["redacted_thinking"]
    data: str


class _ToolUse(Cached):
    id: str
    input: JsonObject


class ToolUseBlock(_ToolUse):
    type: Literal["tool_use"]
    name: str
    caller: Caller | None = None
    toolset_name: str | None = None


class ServerToolUseBlock(_ToolUse):
    type: Literal["server_tool_use"]
    name: Annotated[
        str,
        Known(
            "advisor",
            "bash_code_execution",
            "code_execution",
            "text_editor_code_execution",
            "tool_search_tool_bm25",
            "tool_search_tool_regex",
            "web_fetch",
            "web_search",
        ),
    ]
    caller: Caller | None = None


class McpToolUseBlock(_ToolUse):
    type: Literal["mcp_tool_use"]
    name: str
    server_name: str


ToolResultContent = Annotated[
    TextBlock | ImageBlock | SearchResultBlock | DocumentBlock | ToolReferenceBlock | BrowserStateBlock | Opaque,
    OneOf(),
]


class ToolResultBlock(Cached):
    type: Literal["tool_result"]
    tool_use_id: str
    content: Annotated[str | Items[ToolResultContent], OneOf()] | None = None
    is_error: bool | None = None
    toolset_name: str | None = None


class ContainerUploadBlock(Cached):
    type: Literal["container_upload"]
    file_id: str


class CompactionBlock(Cached):
    type: Literal["compaction"]
    content: str | None = None
    encrypted_content: str | None = None
    signature: str | None = None
    tool_changes: Items[Annotated[ToolChangeBlock | Opaque, OneOf()]] | None = None


class McpToolListingBlock(Wire):
    type: Literal["mcp_tool_listing"]
    mcp_server_name: str
    tools: Items[McpTool]


class FallbackModel(Wire):
    model: str


class FallbackBlock(Wire):
    """Says that another model took over."""

    type: Literal["fallback"]
    from_: FallbackModel | None = Field(default=None, alias="from")  # SDK up to 0.125: optional
    to: FallbackModel
    trigger: object = None


Block = Annotated[
    TextBlock
    | ImageBlock
    | DocumentBlock
    | SearchResultBlock
    | ThinkingBlock
    | RedactedThinkingBlock
    | ToolUseBlock
    | ToolResultBlock
    | ServerToolUseBlock
    | WebSearchResultBlock
    | ServerToolResultBlock
    | McpToolUseBlock
    | McpResultBlock
    | ContainerUploadBlock
    | CompactionBlock
    | ToolChangeBlock
    | McpToolListingBlock
    | FallbackBlock
    | Opaque,
    OneOf(),
]
