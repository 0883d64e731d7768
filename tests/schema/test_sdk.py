"""The SDK as an oracle: all that it can send and receive passes, and all that it requires is required."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from anthropic.types import ErrorResponse, Message, RawMessageStreamEvent
from anthropic.types.beta import BetaMessage, BetaRawMessageStreamEvent
from anthropic.types.beta.message_count_tokens_params import MessageCountTokensParams
from anthropic.types.beta.message_create_params import MessageCreateParamsNonStreaming
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_core import to_jsonable_python

from mitmclaude.answer.decode import Event
from mitmclaude.answer.fold import fold
from mitmclaude.findings import Finding, violation
from mitmclaude.request.check import Endpoint, check, check_error, check_message
from tests.sdk_corpus.params import arms, is_dict, is_list, is_model, is_struct, params
from tests.sdk_corpus.samples import samples

ROOT = Path(__file__).parents[2]
HEADERS = {"betas", "user_profile_id", "workspace_id"}
"""Parameters that the SDK sends as headers."""
ENDPOINTS: list[tuple[Endpoint, Any]] = [
    ("messages", MessageCreateParamsNonStreaming),
    ("count_tokens", MessageCountTokensParams),
]


# -- requests that SDKs of three years send


def uv() -> list[str]:
    """The command that starts uv."""
    for command in ([os.environ.get("UV") or "uv"], [sys.executable, "-m", "uv"]):
        if shutil.which(command[0]) and subprocess.run([*command, "--version"], capture_output=True).returncode == 0:
            return command
    pytest.fail("uv is needed to run older SDKs: put it on PATH, or name it in UV")


@pytest.mark.parametrize("version", ["2.12.0", "1.17.0", "0.125.0"])
def test_every_request_of_the_sdk_conforms(version: str) -> None:
    """Nothing that this version of the SDK can be made to send is a violation, nor new to us."""
    command = [sys.executable]
    if version != "2.12.0":  # that one is installed here
        isolated = ["--no-project", "--isolated", "--python", sys.executable, "--with", f"anthropic=={version}"]
        command = [*uv(), "run", *isolated, "python"]
    driven = subprocess.run(
        [*command, "-m", "tests.sdk_corpus.drive"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert driven.returncode == 0, driven.stderr
    requests = [json.loads(line) for line in driven.stdout.splitlines()]
    assert len(requests) > 400
    assert findings(requests) == []


def test_recorded_requests_of_the_sdk_conform() -> None:
    """Nor is anything in the requests recorded from the SDK."""
    lines = (ROOT / "tests/fixtures/sdk/python_sdk_2.12.0_requests.jsonl").read_text().splitlines()
    requests = [{"path": line["target"], "body": line["body"]} for line in map(json.loads, lines)]
    messages = [request for request in requests if request["path"].endswith(("/messages", "/count_tokens"))]
    assert len(messages) > 8
    assert findings(messages) == []


def findings(requests: list[dict[str, Any]]) -> list[Finding]:
    return [
        finding
        for request in requests
        for finding in check("count_tokens" if "count_tokens" in request["path"] else "messages", request["body"])
    ]


# -- requests made up from the SDK's types


@cache
def values(hint: Any) -> st.SearchStrategy[Any]:
    """JSON values of a type of the SDK; built when drawn from, as there are thousands of types in a request."""
    return st.deferred(lambda: st.one_of([_values(arm) for arm in arms(hint) if not is_model(arm)]))


def _values(arm: Any) -> st.SearchStrategy[Any]:
    if get_origin(arm) is Literal:
        return st.sampled_from(get_args(arm))
    if is_list(arm):
        return st.lists(values(get_args(arm)[0]), max_size=3)
    if is_dict(arm):
        return st.dictionaries(st.text(max_size=3), values(get_args(arm)[1]), max_size=3)
    if is_struct(arm):
        fields = {name: param for name, param in params(arm).items() if name not in HEADERS}
        return st.fixed_dictionaries(
            {name: values(param.hint) for name, param in fields.items() if param.required},
            optional={name: values(param.hint) for name, param in fields.items() if not param.required},
        )
    simple: dict[Any, st.SearchStrategy[Any]] = {
        str: st.text(max_size=5),
        int: st.integers() | st.integers(0, 1 << 40).map(float),
        float: st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
        bool: st.booleans(),
        type(None): st.none(),
    }
    return simple.get(arm, ANY)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.parametrize(("endpoint", "struct"), ENDPOINTS)
def test_made_up_requests_conform(endpoint: Endpoint, struct: Any) -> None:
    """No request that the SDK's types allow is a violation or drift."""

    @settings(max_examples=300, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    @given(values(struct))
    def conforms(body: Any) -> None:
        assert check(endpoint, body) == []

    conforms()


# -- what the SDK requires is required

Place = Callable[[Any], Any]
Path_ = tuple[str | int, ...]


def faults(hint: Any, path: Path_, place: Place) -> Iterator[tuple[Any, Path_, str]]:
    """Bodies with one fault each, where it is, and what is said of it.

    `place` puts a value of type `hint` into a body at `path`.
    """
    alternatives = [arm for arm in arms(hint) if not is_model(arm)]
    if any(map(is_dict, alternatives)):
        return  # free-form
    for arm in alternatives:
        if is_list(arm):
            yield from faults(get_args(arm)[0], (*path, 0), lambda item, place=place: place([item]))  # type: ignore[misc]
        elif is_struct(arm):
            yield from faults_of(arm, path, place)


def faults_of(struct: Any, path: Path_, place: Place) -> Iterator[tuple[Any, Path_, str]]:
    fields = {name: param for name, param in params(struct).items() if name not in HEADERS}
    least = {name: samples(param.hint)[0] for name, param in fields.items() if param.required}
    for name, param in fields.items():
        here = (*path, name)
        if param.required and type(None) not in arms(param.hint) and not lenient(here, least):
            yield place({key: value for key, value in least.items() if key != name}), here, "required field is missing"
        if (wrong := wrong_for(param.hint)) is not None:
            yield place({**least, name: wrong}), here, "wanted "
        yield from faults(param.hint, here, lambda value, name=name: place({**least, name: value}))  # type: ignore[misc]


def lenient(path: Path_, least: dict[str, Any]) -> bool:
    """Whether a required field may be missing all the same, or is missed elsewhere."""
    if path[-1] == "from":
        return True  # older SDKs may leave it out
    # A tool without a type is a custom tool, and then lacks other fields.
    return (
        path[-1] == "type" and (path[-2] == "definition" or path[-3:-1] == ("tools", 0)) and "input_schema" not in least
    )


def wrong_for(hint: Any) -> Any:
    """A value whose JSON type none of the arms of `hint` takes."""
    taken = {type(to_jsonable_python(value)) for value in samples(hint)}
    if float in taken:
        taken.add(int)
    if any(arm in (object, Any) for arm in arms(hint)):
        return None
    wrong: tuple[Any, ...] = (True, "x", [], {})
    return next(value for value in wrong if type(value) not in taken)


@pytest.mark.parametrize(("endpoint", "struct"), ENDPOINTS)
def test_each_fault_is_one_violation_in_its_place(endpoint: Endpoint, struct: Any) -> None:
    """Each required field that is missing, and each field of a wrong type, is found once, exactly there."""
    count = 0
    for body, path, said in faults(struct, (), lambda body: body):
        count += 1
        found = check(endpoint, body)
        assert [finding.path for finding in found] == [".".join(map(str, path))], (found, path)
        assert found == [violation(found[0].path, found[0].message)]
        assert found[0].message.startswith(said)
    assert count > 2000


# -- answers


@pytest.mark.parametrize("hint", [Message, BetaMessage], ids=lambda hint: hint.__name__)
def test_every_answer_of_the_sdk_is_known(hint: Any) -> None:
    """Nothing in the SDK's own type of an answer is drift."""
    for message in samples(hint):
        assert check_message(to_jsonable_python(message, by_alias=True)) == []


@pytest.mark.parametrize("hint", [RawMessageStreamEvent, BetaRawMessageStreamEvent], ids=["stable", "beta"])
def test_every_event_of_the_sdk_is_known(hint: Any) -> None:
    """Nor in its types of stream events: the fold knows each event, each delta and their fields."""
    for event in samples(hint):
        sent = to_jsonable_python(event, by_alias=True)
        folded = fold([Event(sent["type"], json.dumps(sent).encode(), 0)])
        assert [finding for finding in folded.findings if "unknown" in finding.message] == []


def test_every_error_of_the_sdk_is_known() -> None:
    """Nor in its types of errors."""
    for error in samples(ErrorResponse):
        assert check_error(to_jsonable_python(error, by_alias=True)) == []
