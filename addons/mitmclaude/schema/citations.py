"""Where a cited text stands, as text blocks carry it: https://platform.claude.com/docs/en/build-with-claude/citations"""

from typing import Annotated, Literal

from mitmclaude.schema.base import Int, OneOf, Opaque, Wire


class CitationsConfig(Wire):
    enabled: bool | None = None


class _InDocument(Wire):
    cited_text: str
    document_index: Int
    document_title: str | None = None
    file_id: str | None = None


class CharLocation(_InDocument):
    type: Literal["char_location"]
    start_char_index: Int
    end_char_index: Int


class PageLocation(_InDocument):
    type: Literal["page_location"]
    start_page_number: Int
    end_page_number: Int


class ContentBlockLocation(_InDocument):
    type: Literal["content_block_location"]
    start_block_index: Int
    end_block_index: Int


class WebSearchResultLocation(Wire):
    type: Literal["web_search_result_location"]
    cited_text: str
    encrypted_index: str
    title: str | None = None
    url: str


class SearchResultLocation(Wire):
    type: Literal["search_result_location"]
    cited_text: str
    search_result_index: Int
    source: str
    start_block_index: Int
    end_block_index: Int
    title: str | None = None


Citation = Annotated[
    CharLocation | PageLocation | ContentBlockLocation | WebSearchResultLocation | SearchResultLocation | Opaque,
    OneOf(),
]
