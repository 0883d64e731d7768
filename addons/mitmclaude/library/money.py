"""A sum of money as a database gives it → the same without zeros at its end."""

from decimal import Decimal


def exact(cost: Decimal | int) -> Decimal:
    """A sum of money without the zeros that a column of a fixed number of digits has at its end."""
    sign, digits, exponent = Decimal(cost).as_tuple()
    assert isinstance(exponent, int)  # noqa: S101  no sum is infinite
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    drop = max(0, min(zeros, -exponent))
    return Decimal((sign, digits[: len(digits) - drop] or (0,), exponent + drop))
