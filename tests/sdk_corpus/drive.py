"""Makes the installed Anthropic SDK send all it can be made to send, and prints each request as a line of JSON.

Run by an interpreter that has some version of the SDK: ``python -m tests.sdk_corpus.drive`` prints
``{"path": …, "body": …}`` lines, and nothing else.
What to send comes from the SDK's own parameter types, so that an old version sends what it knew then.
"""

import inspect
import json
import threading
import warnings
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anthropic
from anthropic.types import message_count_tokens_params, message_create_params
from anthropic.types.beta import message_count_tokens_params as beta_message_count_tokens_params
from anthropic.types.beta import message_create_params as beta_message_create_params
from pydantic import BaseModel

from tests.sdk_corpus.params import params
from tests.sdk_corpus.samples import samples

ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-5-5",
    "content": [{"type": "text", "text": '{"name":"Oslo"}'}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {**ANSWER, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": '{"name":"Oslo"}'}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
    {"type": "message_stop"},
]
LEAST: dict[str, Any] = {"model": "claude-opus-5-5", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 8}


class Upstream(BaseHTTPRequestHandler):
    """Prints what it gets and answers plausibly."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        print(json.dumps({"path": self.path.partition("?")[0], "body": body}))
        if body.get("stream"):
            answer = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in EVENTS)
        else:
            answer = json.dumps({"input_tokens": 1} if "count_tokens" in self.path else ANSWER)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if body.get("stream") else "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *args: object) -> None:
        """Silent: stdout belongs to the requests."""


def calls(client: anthropic.Anthropic) -> Iterator[tuple[Callable[..., Any], dict[str, Any]]]:
    """Methods of the client with arguments for them, one parameter at a time."""
    for method, module, struct in (
        (client.messages.create, message_create_params, "MessageCreateParamsNonStreaming"),
        (client.messages.create, message_create_params, "MessageCreateParamsStreaming"),
        (client.messages.count_tokens, message_count_tokens_params, "MessageCountTokensParams"),
        (client.beta.messages.create, beta_message_create_params, "MessageCreateParamsNonStreaming"),
        (client.beta.messages.create, beta_message_create_params, "MessageCreateParamsStreaming"),
        (client.beta.messages.count_tokens, beta_message_count_tokens_params, "MessageCountTokensParams"),
    ):
        accepted = inspect.signature(method).parameters
        least = {name: value for name, value in LEAST.items() if name in accepted}
        if "Streaming" in struct and "Non" not in struct:
            least["stream"] = True
        for name, param in params(getattr(module, struct)).items():
            if name in accepted and not (least.get("stream") and name == "messages"):
                for value in samples(param.hint):
                    yield method, {**least, name: value}


class City(BaseModel):
    name: str


def converse(client: anthropic.Anthropic) -> None:
    """What the conveniences of the SDK send: streams, parsed outputs, the tool runner, an answer sent back."""
    both: tuple[Any, Any] = (client.messages, client.beta.messages)
    for messages in both:
        with messages.stream(**LEAST, system="Be brief.") as stream:
            stream.until_done()
            answer = stream.get_final_message()
        parsed = messages.parse(**LEAST, output_format=City)
        for content in (answer.content, parsed.content):
            history = [*LEAST["messages"], {"role": "assistant", "content": content}, *LEAST["messages"]]
            messages.create(**{**LEAST, "messages": history})
        nulls = ("cache_control", "container", "diagnostics", "inference_geo", "speed", "system", "thinking")
        accepted = inspect.signature(messages.create).parameters
        messages.create(**LEAST, **{name: None for name in nulls if name in accepted})

    @anthropic.beta_tool
    def weather(city: str) -> str:
        """The weather in a city."""
        return "rain"

    client.beta.messages.tool_runner(**LEAST, tools=[weather]).until_done()


def main() -> None:
    warnings.simplefilter("ignore")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = anthropic.Anthropic(base_url=f"http://127.0.0.1:{server.server_port}", api_key="fake", max_retries=0)
    for method, arguments in calls(client):
        answer = method(**arguments)
        if arguments.get("stream"):
            list(answer)
    converse(client)


if __name__ == "__main__":
    main()
