"""What a session adds up to."""

from decimal import Decimal

from mitmclaude.record.record import Record
from mitmclaude.record.totals import Totals, lines
from tests.record.made import made


def total(*records: Record) -> Totals:
    totals = Totals()
    for record in records:
        totals.add(record)
    return totals


def test_sums() -> None:
    """Calls, outcomes, tokens and money add up; the cache's part is named."""
    one = made(
        cost="0.30", input_tokens=100, cache_creation_input_tokens=20, cache_read_input_tokens=3000, output_tokens=50
    )
    totals = total(one, made(cost="1.25", input_tokens=1, output_tokens=2), made("api_error"))
    assert totals.cost == Decimal("1.55")
    assert lines(totals) == [
        "3 calls, 3,121 tokens in (3,000 from the cache), 52 out, $1.55",
        "2 complete, 1 api_error",
    ]


def test_what_is_not_charged_or_not_known() -> None:
    """Counted tokens are not used up; a call without a price is told and not taken for free."""
    counted = made(endpoint="count_tokens", input_tokens=9000)
    assert lines(total(counted)) == ["1 call", "1 complete"]
    first, _ = lines(total(counted, made(input_tokens=7, output_tokens=1)))
    assert first == "2 calls, 7 tokens in, 1 out, $0.0000 (1 of unknown price)"


def test_lower_bounds() -> None:
    """Of cut answers the sums are at least what was reported."""
    cut = made("client_aborted", cost="0.10", input_tokens=10, output_tokens=1)
    cut = cut.model_copy(update={"usage_is_partial": True})
    first, _ = lines(total(cut, made(cost="0.10", input_tokens=10, output_tokens=5)))
    assert first == "2 calls, ≥ 20 tokens in, ≥ 6 out, ≥ $0.2000 (1 cut before all was reported)"
