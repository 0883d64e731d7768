"""The Anthropic Messages API as open pydantic models, requests and answers: https://platform.claude.com/docs/en/api/messages"""

from mitmclaude.schema.base import Reporting
from mitmclaude.schema.blocks import Block
from mitmclaude.schema.errors import ErrorBody, ErrorResponse
from mitmclaude.schema.events import Event
from mitmclaude.schema.request import CountTokensRequest, MessagesRequest
from mitmclaude.schema.response import Message, TokenCount
from mitmclaude.schema.tools import Tool

__all__ = [
    "Block",
    "CountTokensRequest",
    "ErrorBody",
    "ErrorResponse",
    "Event",
    "Message",
    "MessagesRequest",
    "Reporting",
    "TokenCount",
    "Tool",
]
