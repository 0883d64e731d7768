"""Bound how often somebody may call: a token bucket, as plain values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bucket:
    """`left` calls may be made at once as of second `at`."""

    left: float
    at: float


def take(bucket: Bucket | None, per_minute: int, now: float) -> tuple[Bucket, float]:
    """The bucket after one call at second `now`, and the seconds to wait if the call is too much (else 0.0).

    A bucket fills up at `per_minute` calls a minute to as many; None is a full one.
    """
    full = float(per_minute)
    left = full if bucket is None else min(full, bucket.left + max(now - bucket.at, 0.0) * full / 60)
    if left >= 1:
        return Bucket(left - 1, now), 0.0
    return Bucket(left, now), (1 - left) * 60 / full
