"""A sum of money as a database gives it → the same without zeros at its end."""

from decimal import Decimal


def exact(cost: Decimal | int) -> Decimal:
    """`cost` with no more digits than it needs; a column of a database has as many decimals for all."""
    sign, digits, exponent = Decimal(cost).as_tuple()
    assert isinstance(exponent, int)  # noqa: S101  no sum is infinite
    if not any(digits):
        return Decimal(0)
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    drop = max(0, min(zeros, -exponent))
    return Decimal((sign, digits[: len(digits) - drop], exponent + drop))
