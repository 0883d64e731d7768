"""Measures of a start, to the end of the first answer: of mitmdump and scripts/run, and of the built image."""

import subprocess

from . import cold as image
from .bench import Bench, Measured, NotMeasuredError
from .load import in_turns
from .ways import BARE, LEFT, OURS, RUN
from .wire import PROBE


def start(bench: Bench) -> Measured:
    """Seconds from exec to the end of the first answer, which is recorded; each way's home has been used before."""
    ways = {way.name: way for way in (BARE, OURS, LEFT, RUN)}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(-1, bench.rounds(8)):  # the first is the warm-up
        for name in in_turns(list(ways), number):
            with bench.running(ways[name]) as proxy:
                if number >= 0:
                    taken[name].append(proxy.started_in)
    return {"first answer": taken}


def cold(bench: Bench) -> Measured:
    """Seconds from `docker run` of the built image (`--image`) to its first answer, in the same image."""
    inspect = ["docker", "image", "inspect", bench.image]
    try:
        if subprocess.run(inspect, capture_output=True).returncode:
            raise NotMeasuredError(f"no image {bench.image} here: scripts/build-image makes it")
    except FileNotFoundError:
        raise NotMeasuredError("no docker here") from None
    with image.aws() as aws:
        ways = {way.name: way for way in image.ways(bench.image, aws.variables)}
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(-1, bench.rounds(8)):  # the first is the warm-up
            for name in in_turns(list(ways), number):
                # A probe: what the fake of AWS takes to store a first record is not the image's.
                with bench.running(ways[name], sent=PROBE, inherit=True) as proxy:
                    if number >= 0:
                        taken[name].append(proxy.started_in)
                    bench.fill(proxy, scenario="message.json", body=1_000, connections=1, calls=1)
        aws.check(bench.rounds(8) + 1)
    return {"first answer": taken}
