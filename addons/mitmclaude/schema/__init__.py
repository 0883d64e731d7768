"""The Anthropic Messages API as open pydantic models, requests and answers: https://platform.claude.com/docs/en/api/messages"""

from mitmclaude.schema.base import Reporting
from mitmclaude.schema.blocks import Block
from mitmclaude.schema.errors import ErrorBody, ErrorResponse
from mitmclaude.schema.request import CountTokensRequest, MessagesRequest
from mitmclaude.schema.response import Message
from mitmclaude.schema.tools import Tool

__all__ = [
    "Block",
    "CountTokensRequest",
    "ErrorBody",
    "ErrorResponse",
    "Message",
    "MessagesRequest",
    "Reporting",
    "Tool",
]
