"""Add up records, and say in a few lines what came of all of them."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from mitmclaude.record.record import Record
from mitmclaude.record.row import TOKENS, row


@dataclass(slots=True)
class Totals:
    """Sums over records; `tokens` by the names that the API gives them."""

    calls: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    cost: Decimal = Decimal(0)
    """US dollars of the calls whose price is known."""
    unpriced: int = 0
    """Calls with tokens of an unknown price."""
    bounds: int = 0
    """Calls whose tokens and cost are lower bounds: their answers were cut."""

    def add(self, record: Record) -> None:
        """Count one more record."""
        told = row(record)
        self.calls += 1
        self.outcomes[told.outcome] += 1
        self.bounds += told.usage_is_partial
        if record.usage is not None and told.endpoint == "messages":  # counted tokens are not used up
            self.tokens.update({name: getattr(told, name) or 0 for name in TOKENS})
            self.unpriced += told.cost_usd is None
        self.cost += told.cost_usd or 0


def lines(totals: Totals) -> list[str]:
    """What to print of it, e.g. ``3 calls, 1,200 tokens in (900 from the cache), 80 out, $0.0123``."""
    fresh, written, read, out = (totals.tokens[name] for name in TOKENS)
    calls = f"{totals.calls:,} call{'s' * (totals.calls != 1)}"
    bound = "≥ " if totals.bounds else ""
    parts = [calls]
    if totals.tokens:
        cached = f" ({read:,} from the cache)" if read else ""
        cost = f"${totals.cost:.4f}" if totals.cost < 1 else f"${totals.cost:,.2f}"
        parts += [f"{bound}{fresh + written + read:,} tokens in{cached}", f"{bound}{out:,} out", f"{bound}{cost}"]
    notes = []
    if totals.bounds:
        notes.append(f"{totals.bounds:,} cut before all was reported")
    if totals.unpriced:
        notes.append(f"{totals.unpriced:,} of unknown price")
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in totals.outcomes.most_common())
    return [", ".join(parts) + (f" ({'; '.join(notes)})" if notes else ""), outcomes]
