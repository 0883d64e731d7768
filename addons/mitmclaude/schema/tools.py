"""Tool definitions and the choice among them: https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview

The dated versions of a tool share one class: they differ in behaviour and hardly in fields.
"""

from typing import Annotated, Literal

from mitmclaude.schema.base import Int, Items, JsonObject, Known, Named, OneOf, Opaque, Wire
from mitmclaude.schema.cache import CacheControl, Cached
from mitmclaude.schema.citations import CitationsConfig

AllowedCaller = Annotated[
    str, Known("direct", "code_execution_20250825", "code_execution_20260120", "code_execution_20260521")
]


class _Tool(Cached):
    """What every tool may carry."""

    allowed_callers: Items[AllowedCaller] | None = None
    defer_loading: bool | None = None
    strict: bool | None = None


class _ClientTool(_Tool):
    """A tool that the client runs."""

    input_examples: Items[JsonObject] | None = None


class CustomTool(_ClientTool):
    """A tool of the client's own; the only one that may come without a `type`."""

    type: Literal["custom"] | None = None
    name: str
    description: str | None = None
    input_schema: JsonObject
    eager_input_streaming: bool | None = None


class BashTool(_ClientTool):
    type: Literal["bash_20241022", "bash_20250124"]
    name: Annotated[str, Known("bash")]


class TextEditorTool(_ClientTool):
    type: Literal["text_editor_20241022", "text_editor_20250124", "text_editor_20250429", "text_editor_20250728"]
    name: Annotated[str, Known("str_replace_editor", "str_replace_based_edit_tool")]
    max_characters: Int | None = None


class MemoryTool(_ClientTool):
    type: Literal["memory_20250818"]
    name: Annotated[str, Known("memory")]


class ComputerTool(_ClientTool):
    type: Literal["computer_20241022", "computer_20250124", "computer_20251124"]
    name: Annotated[str, Known("computer")]
    display_height_px: Int
    display_width_px: Int
    display_number: Int | None = None
    enable_zoom: bool | None = None


class CodeExecutionTool(_Tool):
    type: Literal[
        "code_execution_20250522", "code_execution_20250825", "code_execution_20260120", "code_execution_20260521"
    ]
    name: Annotated[str, Known("code_execution")]


class ToolSearchTool(_Tool):
    type: Literal[
        "tool_search_tool_bm25",
        "tool_search_tool_bm25_20251119",
        "tool_search_tool_regex",
        "tool_search_tool_regex_20251119",
    ]
    name: Annotated[str, Known("tool_search_tool_bm25", "tool_search_tool_regex")]


class AdvisorTool(_Tool):
    type: Literal["advisor_20260301"]
    name: Annotated[str, Known("advisor")]
    model: str
    caching: CacheControl | None = None
    max_tokens: Int | None = None
    max_uses: Int | None = None


class _WebTool(_Tool):
    allowed_domains: Items[str] | None = None
    blocked_domains: Items[str] | None = None
    max_uses: Int | None = None
    response_inclusion: Annotated[str, Known("full", "excluded")] | None = None


class UserLocation(Wire):
    type: Annotated[str, Known("approximate")]
    city: str | None = None
    country: str | None = None
    region: str | None = None
    timezone: str | None = None


class WebSearchTool(_WebTool):
    type: Literal["web_search_20250305", "web_search_20260209", "web_search_20260318"]
    name: Annotated[str, Known("web_search")]
    user_location: UserLocation | None = None


class NamedTool(Wire):
    type: Literal["tool_reference"]
    name: str


class AnyTool(Wire):
    type: Literal["all", "none"]


class SomeTools(Wire):
    type: Literal["only", "except"]
    tools: Items[Annotated[NamedTool | Opaque, OneOf()]]


UrlSources = Annotated[AnyTool | SomeTools | Opaque, OneOf()]


class WebFetchUrlSources(Wire):
    client_tool_results: UrlSources | None = None
    server_tool_results: UrlSources | None = None
    user_input: UrlSources | None = None


class WebFetchTool(_WebTool):
    type: Literal["web_fetch_20250910", "web_fetch_20260209", "web_fetch_20260309", "web_fetch_20260318"]
    name: Annotated[str, Known("web_fetch")]
    citations: CitationsConfig | None = None
    max_content_tokens: Int | None = None
    url_sources: WebFetchUrlSources | None = None
    use_cache: bool | None = None


class ToolConfig(Wire):
    defer_loading: bool | None = None
    enabled: bool | None = None


class Toolset(Cached):
    type: Literal["browser_toolset_20260801", "computer_toolset_20260801"]
    allowed_callers: Items[AllowedCaller] | None = None  # SDK up to 0.125
    configs: Named[ToolConfig | None] | None = None


class McpTool(Wire):
    name: str
    description: str | None = None
    input_schema: JsonObject


class McpToolset(Cached):
    type: Literal["mcp_toolset"]
    mcp_server_name: str
    configs: Named[ToolConfig] | None = None
    default_config: ToolConfig | None = None
    tools: Items[McpTool] | None = None


Tool = Annotated[
    CustomTool
    | BashTool
    | TextEditorTool
    | MemoryTool
    | ComputerTool
    | CodeExecutionTool
    | ToolSearchTool
    | AdvisorTool
    | WebSearchTool
    | WebFetchTool
    | Toolset
    | McpToolset
    | Opaque,
    OneOf(),
]


class FreeChoice(Wire):
    type: Literal["auto", "any", "none"]
    disable_parallel_tool_use: bool | None = None


class OneTool(Wire):
    type: Literal["tool"]
    name: str
    disable_parallel_tool_use: bool | None = None


ToolChoice = Annotated[FreeChoice | OneTool | Opaque, OneOf()]


class McpToolReference(Wire):
    type: Literal["mcp_tool_reference"]
    name: str
    server_name: str


class McpToolsetReference(Wire):
    type: Literal["mcp_toolset_reference"]
    server_name: str


class ToolDefinition(Wire):
    type: Literal["tool_definition"]
    definition: Tool


class ToolChangeBlock(Cached):
    """A tool that comes or goes in the middle of a conversation."""

    type: Literal["tool_addition", "tool_removal"]
    tool: Annotated[NamedTool | McpToolReference | McpToolsetReference | ToolDefinition | Opaque, OneOf()]
