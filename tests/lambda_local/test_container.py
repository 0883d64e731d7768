"""The container backend: an image as Lambda runs it."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripts.lambda_local import Local, running

from tests.e2e.wire import Client, call
from tests.lambda_local import image
from tests.lambda_local.conftest import TOY_ENV
from tests.lambda_local.toy import TICK

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def name(adapter_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    tag = f"lambda-local-test:{abs(hash(tmp_path_factory.getbasetemp()))}"
    image.build(tag, adapter_binary)
    yield tag
    subprocess.run(["docker", "rmi", "--force", tag], capture_output=True)


def ticks(local: Local) -> int:
    return int(json.loads(call(local.port, "GET", "/ticks").body)["ticks"])


def containers() -> str:
    return subprocess.run(["docker", "ps", "--all", "--format", "{{.Image}}"], capture_output=True, text=True).stdout


def test_an_image(name: str) -> None:
    """The extension starts first, chunks pass at once, it stands still in between, and gets SIGTERM at the end."""
    with running(image=name, env=TOY_ENV, timeout=20) as local:
        with Client(local.port) as client:
            client.send("GET", "/stream?n=3&gap=0.4").read_head()
            client.read_more()
            first = time.monotonic()
            while client.read_body():
                pass
            assert client.whole
            assert time.monotonic() - first > 0.5
        before = ticks(local)
        local.wait_until_idle()
        time.sleep(1)
        assert (ticks(local) - before) * TICK < 0.6
        assert len(local.environments) == 1
    said = [line.text for line in local.lines]
    assert said.index("toy: got SIGTERM") < next(at for at, text in enumerate(said) if "Runtime exited" in text)
    assert next(text for text in said if "EXTENSION" in text) == 'EXTENSION Name: lambda-adapter State: Registered Events: []'  # fmt: skip
    assert name not in containers()


def test_what_a_function_may(name: str) -> None:
    """It runs as Lambda's user, on a read-only root; a crash and a timeout give 502 and leave no container."""
    script = "import os; print('who', os.getuid(), os.access('/', os.W_OK), open('/tmp/x', 'w').write('y'), flush=True)"
    with running(["python3", "-c", script], image=name, env=TOY_ENV, timeout=20) as local:
        assert call(local.port, "GET", "/").status == 502
        assert local.wait_for("^who 993 False 1$")
        assert local.wait_for("INIT_REPORT .* Runtime exited: exit status 0")
    with running(image=name, env=TOY_ENV, timeout=1.0) as local:
        assert call(local.port, "GET", "/sleep?seconds=9").status == 502
        assert call(local.port, "GET", "/crash").status == 502
        assert call(local.port, "GET", "/ready").status == 200
    assert name not in containers()


def test_no_image(name: str) -> None:
    """A name that is no image is a 502, with what Docker said in the log."""
    with running(image="lambda-local-test:none", timeout=5) as local:
        assert call(local.port, "GET", "/").status == 502
        local.wait_for("INIT_REPORT .*No such image")
