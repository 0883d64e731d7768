"""Results of tools that the API runs itself: https://platform.claude.com/docs/en/agents-and-tools/tool-use/server-tools"""

from typing import Annotated, Literal

from mitmclaude.schema.base import Int, Items, Known, OneOf, Opaque, Wire
from mitmclaude.schema.cache import Cached
from mitmclaude.schema.content import DocumentBlock, Text, ToolReferenceBlock


class DirectCaller(Wire):
    type: Literal["direct"]


class CodeCaller(Wire):
    type: Literal["code_execution_20250825", "code_execution_20260120"]
    tool_id: str


Caller = Annotated[DirectCaller | CodeCaller | Opaque, OneOf()]
"""Who called a tool: the model itself, or its code."""


class ToolError(Wire):
    type: Literal[
        "advisor_tool_result_error",
        "bash_code_execution_tool_result_error",
        "code_execution_tool_result_error",
        "text_editor_code_execution_tool_result_error",
        "tool_search_tool_result_error",
        "web_fetch_tool_result_error",
        "web_search_tool_result_error",
    ]
    error_code: Annotated[
        str,
        Known(
            "content_too_large",
            "execution_time_exceeded",
            "file_not_found",
            "invalid_tool_input",
            "max_uses_exceeded",
            "model_not_found",
            "output_file_too_large",
            "overloaded",
            "prompt_too_long",
            "query_too_long",
            "request_too_large",
            "too_many_requests",
            "unavailable",
            "unsupported_content_type",
            "url_not_accessible",
            "url_not_allowed",
            "url_not_in_prior_context",
            "url_too_long",
        ),
    ]
    error_message: str | None = None


class WebSearchResult(Wire):
    type: Literal["web_search_result"]
    encrypted_content: str
    title: str
    url: str
    page_age: str | None = None


class WebFetchResult(Wire):
    type: Literal["web_fetch_result"]
    content: Annotated[DocumentBlock | Opaque, OneOf()]
    url: str
    retrieved_at: str | None = None


class CodeOutput(Wire):
    type: Literal["code_execution_output", "bash_code_execution_output"]
    file_id: str


class _CodeResult(Wire):
    content: Items[Annotated[CodeOutput | Opaque, OneOf()]]
    return_code: Int
    stderr: str


class CodeResult(_CodeResult):
    type: Literal["code_execution_result", "bash_code_execution_result"]
    stdout: str


class EncryptedCodeResult(_CodeResult):
    type: Literal["encrypted_code_execution_result"]
    encrypted_stdout: str


class FileViewed(Wire):
    type: Literal["text_editor_code_execution_view_result"]
    content: str
    file_type: Annotated[str, Known("text", "image", "pdf")]
    num_lines: Int | None = None
    start_line: Int | None = None
    total_lines: Int | None = None


class FileCreated(Wire):
    type: Literal["text_editor_code_execution_create_result"]
    is_file_update: bool


class FileEdited(Wire):
    type: Literal["text_editor_code_execution_str_replace_result"]
    lines: Items[str] | None = None
    new_lines: Int | None = None
    new_start: Int | None = None
    old_lines: Int | None = None
    old_start: Int | None = None


class ToolsFound(Wire):
    type: Literal["tool_search_tool_search_result"]
    tool_references: Items[Annotated[ToolReferenceBlock | Opaque, OneOf()]]


class Advice(Wire):
    type: Literal["advisor_result"]
    text: str
    stop_reason: str | None = None


class EncryptedAdvice(Wire):
    type: Literal["advisor_redacted_result"]
    encrypted_content: str
    stop_reason: str | None = None


class _ResultBlock(Cached):
    tool_use_id: str
    caller: Caller | None = None


class WebSearchResultBlock(_ResultBlock):
    type: Literal["web_search_tool_result"]
    content: Annotated[Items[Annotated[WebSearchResult | Opaque, OneOf()]] | ToolError | Opaque, OneOf()]


class ServerToolResultBlock(_ResultBlock):
    type: Literal[
        "advisor_tool_result",
        "bash_code_execution_tool_result",
        "code_execution_tool_result",
        "text_editor_code_execution_tool_result",
        "tool_search_tool_result",
        "web_fetch_tool_result",
    ]
    content: Annotated[
        ToolError
        | WebFetchResult
        | CodeResult
        | EncryptedCodeResult
        | FileViewed
        | FileCreated
        | FileEdited
        | ToolsFound
        | Advice
        | EncryptedAdvice
        | Opaque,
        OneOf(),
    ]


class McpResultBlock(_ResultBlock):
    type: Literal["mcp_tool_result"]
    content: Text | None = None
    is_error: bool | None = None
