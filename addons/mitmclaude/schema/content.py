"""Blocks that show something to the model, in messages and in tool results: text, images, documents, search results.

https://platform.claude.com/docs/en/api/messages
"""

from typing import Annotated, Literal

from mitmclaude.schema.base import Int, Items, Known, OneOf, Opaque, Wire
from mitmclaude.schema.cache import Cached
from mitmclaude.schema.citations import Citation, CitationsConfig


class TextBlock(Cached):
    type: Literal["text"]
    text: str
    citations: Items[Citation] | None = None


TextOnly = Annotated[TextBlock | Opaque, OneOf()]
Text = Annotated[str | Items[TextOnly], OneOf()]
"""A string, or the same as text blocks."""


class Base64Source(Wire):
    type: Literal["base64"]
    media_type: Annotated[str, Known("image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf")]
    data: str


class UrlSource(Wire):
    type: Literal["url"]
    url: str


class FileSource(Wire):
    type: Literal["file"]
    file_id: str


class ImageTransformations(Wire):
    oversized_image: Annotated[str, Known("downsize", "error")] | None = None


class ImageBlock(Cached):
    type: Literal["image"]
    source: Annotated[Base64Source | UrlSource | FileSource | Opaque, OneOf()]
    transformations: ImageTransformations | None = None


class PlainTextSource(Wire):
    type: Literal["text"]
    media_type: Annotated[str, Known("text/plain")]
    data: str


TextOrImage = Annotated[TextBlock | ImageBlock | Opaque, OneOf()]


class ContentSource(Wire):
    type: Literal["content"]
    content: Annotated[str | Items[TextOrImage], OneOf()]


class DocumentBlock(Cached):
    type: Literal["document"]
    source: Annotated[Base64Source | PlainTextSource | ContentSource | UrlSource | FileSource | Opaque, OneOf()]
    citations: CitationsConfig | None = None
    context: str | None = None
    title: str | None = None


class SearchResultBlock(Cached):
    type: Literal["search_result"]
    content: Items[TextOnly]
    source: str
    title: str
    citations: CitationsConfig | None = None


class ToolReferenceBlock(Cached):
    type: Literal["tool_reference"]
    tool_name: str


class BrowserTab(Wire):
    tab_id: str
    title: str
    url: str
    active: bool | None = None


class TabOpened(Wire):
    type: Literal["tab_opened"]
    tab_id: str


class Download(Wire):
    type: Literal["download_started", "download_completed", "download_failed"]
    download_id: str
    url: str
    path: str | None = None
    size_bytes: Int | None = None
    error: str | None = None


class BrowserStateBlock(Cached):
    type: Literal["browser_state"]
    tabs: Items[BrowserTab]
    state_changes: Items[Annotated[TabOpened | Download | Opaque, OneOf()]] | None = None
