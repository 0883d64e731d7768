"""What steers one request: thinking, output, context management: https://platform.claude.com/docs/en/api/messages/create"""

from typing import Annotated, Literal

from pydantic import Field

from mitmclaude.schema.base import Int, Items, JsonObject, Known, OneOf, Opaque, Wire


class BlockBinding(Wire):
    prefix_mismatch_behavior: Annotated[str, Known("error", "drop_block")] | None = None


class _Thinking(Wire):
    block_binding: BlockBinding | None = None
    display: Annotated[str, Known("summarized", "omitted", "updates")] | None = None


class BudgetThinking(_Thinking):
    type: Literal["enabled"]
    budget_tokens: Int


class OtherThinking(_Thinking):
    type: Literal["adaptive", "between_tools", "disabled"]


Thinking = Annotated[BudgetThinking | OtherThinking | Opaque, OneOf()]


class JsonSchemaFormat(Wire):
    type: Literal["json_schema"]
    schema_: JsonObject = Field(alias="schema")


OutputFormat = Annotated[JsonSchemaFormat | Opaque, OneOf()]


class TaskBudget(Wire):
    type: Literal["tokens"]
    total: Int
    remaining: Int | None = None


class TurnConfig(Wire):
    """What a system message in mid-conversation may change."""

    effort: Annotated[str, Known("low", "medium", "high", "xhigh", "max")] | None = None


class OutputConfig(TurnConfig):
    format: OutputFormat | None = None
    task_budget: Annotated[TaskBudget | Opaque, OneOf()] | None = None


class Amount(Wire):
    type: Literal["input_tokens", "thinking_turns", "tool_uses"]
    value: Int


class All(Wire):
    type: Literal["all"]


AmountOrOther = Annotated[Amount | Opaque, OneOf()]


class ClearToolUses(Wire):
    type: Literal["clear_tool_uses_20250919"]
    clear_at_least: AmountOrOther | None = None
    clear_tool_inputs: Annotated[bool | Items[str], OneOf()] | None = None
    exclude_tools: Items[str] | None = None
    keep: AmountOrOther | None = None
    trigger: AmountOrOther | None = None


class ClearThinking(Wire):
    type: Literal["clear_thinking_20251015"]
    keep: Annotated[Amount | All | Opaque | Annotated[str, Known("all")], OneOf()] | None = None


class CompactEdit(Wire):
    type: Literal["compact_20260112"]
    instructions: str | None = None
    pause_after_compaction: bool | None = None
    trigger: AmountOrOther | None = None


class ContextManagement(Wire):
    edits: Items[Annotated[ClearToolUses | ClearThinking | CompactEdit | Opaque, OneOf()]] | None = None


class Compaction(Wire):
    type: Annotated[str, Known("summarize")]
    instructions: str | None = None


class BillingPolicy(Wire):
    type: Annotated[str, Known("billing_policy")]
    bill_to: Annotated[str, Known("self", "user_profile")] | None = None
