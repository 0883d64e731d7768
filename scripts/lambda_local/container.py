"""An environment in a container of the function's image, read-only but /tmp, frozen with `docker pause`.

Nothing inside an image starts /opt/extensions, so a line of shell does: the extensions first, then, when the platform
says so on its standard input, the image's own command, which takes the shell's place.
"""

import asyncio
import contextlib
import json
import os
import secrets

from .backend import Say, ended, pump, within
from .settings import Settings, with_port

LAUNCHER = """
n=0
for file in /opt/extensions/*; do
    if [ -f "$file" ] && [ -x "$file" ]; then "$file" </dev/null & n=$((n + 1)); fi
done
echo "lambda-local: extensions=$n"
read -r go || exit 0
exec "$@" </dev/null
"""
MARK = "lambda-local: extensions="
SANDBOX_USER = "993:990"  # what Lambda runs every image as, whatever its USER
START_LIMIT = 60.0  # seconds for Docker to start a container


class DockerError(RuntimeError):
    """A docker command failed; says what it printed."""


class Container:
    """One container on the host's network, so that the Runtime API on loopback is in its reach."""

    def __init__(self, settings: Settings, variables: dict[str, str], port: int, say: Say) -> None:
        self._settings = settings
        self._variables = variables
        self._port = port
        self._say = say
        self._name = f"lambda-local-{os.getpid()}-{secrets.token_hex(4)}"
        self._process: asyncio.subprocess.Process | None = None
        self._pump: asyncio.Task[None] | None = None
        self._extensions: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def start_extensions(self) -> int:
        config = json.loads(await docker("image", "inspect", "--format", "{{json .Config}}", self._settings.image))
        self._process = await asyncio.create_subprocess_exec(
            "docker", *self._arguments(config), stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self._pump = asyncio.create_task(pump(self._process.stdout, "function", self._line))
        exited = asyncio.ensure_future(self._process.wait())
        await asyncio.wait({self._extensions, exited}, timeout=START_LIMIT, return_when=asyncio.FIRST_COMPLETED)
        exited.cancel()
        if not self._extensions.done():
            raise DockerError(f"the container of {self._settings.image} did not start; see the lines above")
        return self._extensions.result()

    async def start_runtime(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(b"go\n")
        await self._process.stdin.drain()

    async def exited(self) -> str:
        assert self._process is not None
        return ended("Runtime", await self._process.wait())

    async def freeze(self) -> None:
        await docker("pause", self._name)

    async def thaw(self) -> None:
        await docker("unpause", self._name)

    async def terminate(self, grace: float) -> str:
        if self._process is None:
            return ""
        with contextlib.suppress(DockerError):
            await docker("kill", "--signal", "TERM", self._name)
        code = await within(grace, self._process)
        return "" if code is None else ended("Runtime", code)

    async def kill(self) -> None:
        with contextlib.suppress(DockerError):
            await docker("rm", "--force", self._name)
        if self._process is not None:
            await self._process.wait()
        if self._pump is not None:
            await asyncio.wait({self._pump}, timeout=1)

    def pids(self) -> list[int]:
        return []

    def peak_memory(self) -> int:
        return 0

    def _line(self, source: str, text: str) -> None:
        if text.startswith(MARK) and not self._extensions.done():
            self._extensions.set_result(int(text.removeprefix(MARK)))
        else:
            self._say(source, text)

    def _arguments(self, config: dict[str, object]) -> list[str]:
        """`docker run …`: what Lambda allows a function, then the user's own arguments, then the image's command."""
        variables = {"_HANDLER": "", "LAMBDA_TASK_ROOT": "/var/task"} | self._variables
        settings = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
        return [
            "run", "--rm", "--interactive", "--init", "--name", self._name, "--network", "host",
            "--read-only", "--tmpfs", "/tmp:rw,exec,mode=1777,size=512m",  # noqa: S108
            "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--pids-limit", "1024",
            "--ulimit", "nofile=1024:1024", "--memory", f"{self._settings.memory}m",
            "--user", SANDBOX_USER, *settings, *self._settings.docker_args,
            "--entrypoint", "/bin/sh", self._settings.image, "-c", LAUNCHER, "sh", *self._command(config),
        ]  # fmt: skip

    def _command(self, config: dict[str, object]) -> list[str]:
        """What the image runs, or its entry point with the command given here, as `docker run` would take it."""
        entry, own = (_words(config.get(name)) for name in ("Entrypoint", "Cmd"))
        words = entry + (list(self._settings.command) or own)
        if not words:
            raise DockerError(f"{self._settings.image} has no CMD; give a command behind --")
        return with_port(words, self._port)


async def docker(*arguments: str) -> str:
    """Output of a docker command, `DockerError` with what it said where it failed."""
    process = await asyncio.create_subprocess_exec(
        "docker", *arguments, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, error = await process.communicate()
    if process.returncode:
        raise DockerError(f"docker {' '.join(arguments[:2])}: {error.decode('utf-8', 'replace').strip()}")
    return out.decode()


def _words(value: object) -> list[str]:
    return [str(word) for word in value] if isinstance(value, list) else []
