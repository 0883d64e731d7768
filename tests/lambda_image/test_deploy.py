"""scripts/deploy and scripts/undeploy, scripts/build-image and scripts/base-image, on a machine of stubs."""

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from scripts.deployment import template

from tests.lambda_image.conftest import ROOT, Machine

REGION = ("--region", "eu-central-1")
REGISTRY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
IMAGE = f"{REGISTRY}/mitmclaude@sha256:{'d' * 64}"
TOKENS = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:Tokens-AbCdEf"
OUTPUTS = {
    "Url": "https://abc.lambda-url.eu-central-1.on.aws/",
    "Bucket": "mitmclaude-bucket-1",
    "Index": "mitmclaude-Index-1",
    "Tokens": TOKENS,
}


def outputs(more: dict[str, str] | None = None) -> str:
    return json.dumps([{"OutputKey": key, "OutputValue": value} for key, value in {**OUTPUTS, **(more or {})}.items()])


@pytest.fixture
def deployable(machine: Machine) -> Machine:
    """The stack has outputs once it is deployed."""
    machine.on("aws cloudformation describe-stacks", outputs(), after="sam deploy")
    return machine


def overrides(machine: Machine) -> dict[str, str]:
    """The parameters that sam was given, as sam reads them."""
    (call,) = machine.calls("sam deploy")
    pairs = call[call.index("--parameter-overrides") + 1 :]
    return dict(shlex.split(pair)[0].split("=", 1) for pair in pairs)


def test_deploy(deployable: Machine) -> None:
    """It checks, builds, makes the repository, pushes by content, deploys by digest, and says what to do now."""
    done = deployable.run("deploy", *REGION)
    assert done.returncode == 0, done.stderr
    changes = [
        call[:3]
        for call in deployable.calls()
        if call[1] not in ("version", "sts", "configure") and "describe" not in call[2]
    ]
    assert changes == [
        ["sam", "validate", "--lint"],
        ["aws", "lambda", "get-account-settings"],
        ["docker", "build", "--tag"],
        ["docker", "image", "inspect"],
        ["docker", "image", "inspect"],
        ["aws", "ecr", "create-repository"],
        ["aws", "ecr", "put-lifecycle-policy"],
        ["aws", "ecr", "get-login-password"],
        ["docker", "login", "--username"],
        ["docker", "tag", "mitmclaude:deploy"],
        ["docker", "push", f"{REGISTRY}/mitmclaude:0123456789abcdef"],
        ["sam", "deploy", "--template-file"],
    ]
    (deployed,) = deployable.calls("sam deploy")
    line = " ".join(deployed)
    assert f"--image-repository {REGISTRY}/mitmclaude " in line
    assert "--stack-name mitmclaude --region eu-central-1 --capabilities CAPABILITY_IAM" in line
    assert "--no-fail-on-empty-changeset --no-confirm-changeset" in line
    assert overrides(deployable) == {"ImageUri": IMAGE, "Architecture": "x86_64", "GlueDatabase": "mitmclaude"}
    assert "export ANTHROPIC_BASE_URL=https://abc.lambda-url.eu-central-1.on.aws ENABLE_TOOL_SEARCH=true" in done.stdout
    assert 'export ANTHROPIC_CUSTOM_HEADERS="x-capture-token: TOKEN"' in done.stdout
    assert f"mitmclaude token new NAME --tokens 'secretsmanager:{TOKENS}'" in done.stdout


def test_password(deployable: Machine) -> None:
    """ECR's password goes to docker's stdin: no command line and no line printed has it."""
    done = deployable.run("deploy", *REGION)
    assert "pass-word" not in done.stdout + done.stderr
    assert "pass-word" not in json.dumps(deployable.calls())
    (login,) = (row for row in deployable.log if row["call"][:2] == ["docker", "login"])
    assert login["feed"] == "pass-word"
    assert login["call"][-1] == REGISTRY


def test_environment(deployable: Machine) -> None:
    """The image is built without attestations, which Lambda refuses; sam does not report home."""
    deployable.run("deploy", *REGION)
    (build,) = (row for row in deployable.log if row["call"][:2] == ["docker", "build"])
    assert build["environment"]["BUILDX_NO_DEFAULT_ATTESTATIONS"] == "1"
    assert all(row["environment"]["SAM_CLI_TELEMETRY"] == "0" for row in deployable.log if row["call"][0] == "sam")


def test_again(machine: Machine) -> None:
    """A second run with the same image pushes nothing, makes no repository and does not ask for concurrency."""
    machine.on("aws ecr describe-repositories", "{}")
    machine.on("aws ecr describe-images", "sha256:" + "d" * 64)
    machine.on("aws cloudformation describe-stacks", outputs())
    machine.on("aws lambda get-account-settings", "60")
    done = machine.run("deploy", *REGION)
    assert done.returncode == 0, done.stderr
    for call in ("docker push", "docker login", "aws ecr create-repository", "aws lambda"):
        assert not machine.calls(call)
    assert overrides(machine)["ImageUri"] == IMAGE


def test_organisation_key(machine: Machine) -> None:
    """Where tokens stand in place of a key, the line to export says so."""
    machine.on("aws cloudformation describe-stacks", outputs({"OrgKey": "arn"}), after="sam deploy")
    done = machine.run("deploy", *REGION)
    assert "export ANTHROPIC_AUTH_TOKEN=TOKEN" in done.stdout
    assert "CUSTOM_HEADERS" not in done.stdout


def test_parameters(deployable: Machine, tmp_path: Path) -> None:
    """Parameters come from a file and from arguments, which win; values reach sam whole."""
    file = tmp_path / "team.env"
    file.write_text(
        "# ours\nSTACK=team-a\nREGION=eu-west-1\nADAPTER=adapter:1\nRecordDays=90\nOrgKeySecretArn=''\nMaxRate=5\n"
    )
    deployable.on("docker version --format {{.Server.Arch}}", "arm64")
    done = deployable.run(
        "deploy", "--env-file", str(file), "RecordDays=80", "Upstream=https://gw/a", "--build-option=--no-cache"
    )
    assert done.returncode == 0, done.stderr
    told = overrides(deployable)
    assert told.pop("ImageUri").startswith("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team-a@sha256:")
    assert told == {
        "Architecture": "arm64", "RecordDays": "80", "MaxRate": "5", "OrgKeySecretArn": "",
        "Upstream": "https://gw/a", "GlueDatabase": "team_a",
    }  # fmt: skip
    (build,) = deployable.calls("docker build")
    assert "ADAPTER=adapter:1" in build
    assert "--no-cache" in build
    assert "--platform" not in build


def test_other_architecture(deployable: Machine) -> None:
    """An architecture that is asked for is what is built and deployed."""
    deployable.run("deploy", *REGION, "Architecture=arm64")
    (build,) = deployable.calls("docker build")
    assert build[build.index("--platform") + 1] == "linux/arm64"
    assert overrides(deployable)["Architecture"] == "arm64"


def test_guided_and_more(deployable: Machine) -> None:
    """--guided, and what stands behind --, go to sam."""
    deployable.run("deploy", *REGION, "--guided", "--", "--tags", "team=a")
    (call,) = deployable.calls("sam deploy")
    assert "--guided" in call
    assert "--no-confirm-changeset" not in call
    assert call[call.index("--tags") + 1] == "team=a"


def test_image_from_elsewhere(deployable: Machine) -> None:
    """With an image that is in ECR, Docker is not needed, and the architecture is left as it is."""
    deployable.without("docker")
    done = deployable.run("deploy", *REGION, f"--image={IMAGE}")
    assert done.returncode == 0, done.stderr
    assert overrides(deployable) == {"ImageUri": IMAGE, "GlueDatabase": "mitmclaude"}


@pytest.mark.parametrize("tool", ["docker", "sam", "aws"])
def test_missing_tool(machine: Machine, tool: str) -> None:
    """Each missing tool is named, with where to get it, before anything is done."""
    machine.without(tool)
    done = machine.run("deploy", *REGION)
    assert done.returncode == 3
    assert done.stderr.startswith(f"deploy: {tool} is not on PATH: ")
    assert not machine.calls("docker build")


def test_all_missing_tools(machine: Machine) -> None:
    """All of them are told at once."""
    machine.without("docker", "sam", "aws")
    done = machine.run("deploy", *REGION)
    assert [line.split()[-0 if line[0] == " " else 1] for line in done.stderr.splitlines()] == ["docker", "sam", "aws"]


def test_docker_is_down(machine: Machine) -> None:
    """A Docker that does not answer is told as such."""
    machine.on("docker version", status=1)
    done = machine.run("deploy", *REGION)
    assert (done.returncode, done.stderr) == (
        3,
        "deploy: Docker does not answer: is it running, and may this user use it?\n",
    )


def test_no_credentials(machine: Machine) -> None:
    """Without credentials nothing is built."""
    machine.on("aws sts get-caller-identity", status=255)
    done = machine.run("deploy", *REGION)
    assert done.returncode == 3
    assert "no AWS credentials that work" in done.stderr
    assert not machine.calls("docker build")


def test_region(deployable: Machine) -> None:
    """The region comes from the arguments, the environment, or the aws tool; else it is asked for."""
    done = deployable.run("deploy")
    assert done.returncode == 2
    assert "no region: wanted --region" in done.stderr
    deployable.environment["AWS_DEFAULT_REGION"] = "ap-south-1"
    assert "--region ap-south-1" in deployable.run("deploy").stderr
    del deployable.environment["AWS_DEFAULT_REGION"]
    deployable.on("aws configure get region", "us-west-2")
    assert "--region us-west-2" in deployable.run("deploy").stderr


@pytest.mark.parametrize(
    ("free", "arguments", "hint"),
    [
        ("10", [], "ReservedConcurrency=0 "),
        ("140", [], "ReservedConcurrency=40 "),
        ("1000", ["ReservedConcurrency=950"], "=900 "),
    ],
)
def test_concurrency(machine: Machine, free: str, arguments: list[str], hint: str) -> None:
    """An account that cannot reserve so much is told before anything is built, with what it can."""
    machine.on("aws lambda get-account-settings", free)
    done = machine.run("deploy", *REGION, *arguments)
    assert done.returncode == 1
    assert hint in done.stderr
    assert not machine.calls("docker build")


def test_no_reservation(deployable: Machine) -> None:
    """A small account deploys without a bound of its own."""
    deployable.on("aws lambda get-account-settings", "10")
    assert deployable.run("deploy", *REGION, "ReservedConcurrency=0").returncode == 0


@pytest.mark.parametrize(
    "step", ["sam validate", "docker build", "aws ecr create-repository", "docker push", "sam deploy"]
)
def test_failing_step(deployable: Machine, step: str) -> None:
    """A step that fails ends it, with its name and without the steps behind."""
    deployable.on(step, status=7)
    done = deployable.run("deploy", *REGION)
    assert done.returncode == 1
    assert re.search(r"^deploy: \S+ \S+ ended with status \d", done.stderr, re.MULTILINE)
    assert step == "sam deploy" or not deployable.calls("sam deploy")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["RecordsDays=3"], "arguments: unknown RecordsDays, did you mean RecordDays?"),
        (["xyz"], "arguments: wanted NAME=VALUE, found 'xyz'"),
        (["--stack", "a_b"], "--stack 'a_b': wanted letters, digits and hyphens"),
        (["--env-file", "/none"], "--env-file: "),
        (["--stak", "a"], "unrecognized arguments"),
        (["RecordDays=abc"], "RecordDays=abc: wanted a whole number from 1 to 36500"),
        (["--check", "RecordDays=abc"], "RecordDays=abc: wanted a whole number from 1 to 36500"),
        (["--check", "FlowDays=0"], "FlowDays=0: wanted a whole number from 1 to 36500"),
        (["--check", "LogDays=2"], "LogDays=2: wanted one of 1, 3, 5, 7, "),
        (["--check", "Log=on", "Timeout=1"], "Timeout=1: wanted a whole number from 60 to 900"),
        (["--check", "Architecture=mips"], "Architecture=mips: wanted one of arm64, x86_64"),
        (["--check", "Upstream=ftp://gw"], "Upstream=ftp://gw: wanted a URL without query"),
        (["--check", "--image", "mitmclaude:latest"], "ImageUri=mitmclaude:latest: wanted an image in ECR"),
        (["--check", "OrgKeySecretArn=sk-ant-x"], "OrgKeySecretArn=…: wanted the full ARN of a secret"),
    ],
)
def test_wrong_arguments(machine: Machine, arguments: list[str], told: str) -> None:
    """What is mistyped stops it, with one line."""
    done = machine.run("deploy", *REGION, *arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert not machine.calls()


def test_every_parameter_is_checked_as_in_the_template() -> None:
    """What the scripts read of the template is what a YAML library reads, and each default fits."""
    told = yaml.load((ROOT / "lambda_image/template.yaml").read_text(), Loader=yaml.BaseLoader)["Parameters"]  # noqa: S506  it makes texts only
    assert template.parameters().keys() == told.keys()
    for name, parameter in template.parameters().items():
        for field in {"Type", "MinValue", "MaxValue", "AllowedPattern", "ConstraintDescription"} & told[name].keys():
            assert parameter[field] == told[name][field]
        for value in [told[name]["Default"]] if "Default" in told[name] else []:
            assert template.misfit(parameter, value) is None
        for choice in told[name].get("AllowedValues", ()):
            assert template.misfit(parameter, choice) is None


def test_check(machine: Machine) -> None:
    """--check needs no credentials, changes nothing, and shows all that would be run."""
    machine.on("aws sts get-caller-identity", status=255)
    done = machine.run("deploy", "--check", *REGION, "RecordDays=90")
    assert done.returncode == 0, done.stderr
    for told in (
        "stack  ",
        "eu-central-1",
        "no AWS credentials",
        "x86_64",
        "template              valid",
        "RecordDays          90",
    ):
        assert told in done.stdout
    for command in ("scripts/build-image", "aws ecr create-repository", "docker push ACCOUNT.dkr", "sam deploy"):
        assert re.search(rf"^    {command}", done.stdout, re.MULTILINE)
    assert {tuple(call[:2]) for call in machine.calls()} <= {
        ("docker", "version"), ("aws", "sts"), ("sam", "validate"),
    }  # fmt: skip


def test_check_with_credentials(machine: Machine) -> None:
    """With credentials the names are the real ones."""
    done = machine.run("deploy", "--check", *REGION)
    assert f"docker push {REGISTRY}/mitmclaude:ID" in done.stdout


def test_check_finds(machine: Machine) -> None:
    """It tells what is missing or wrong, after all that it could find out."""
    machine.on("sam validate", status=1)
    machine.without("docker")
    done = machine.run("deploy", "--check")
    assert done.returncode == 3
    assert "docker is not on PATH" in done.stderr
    assert "no region" in done.stderr
    assert "would run" in done.stdout
    done = machine.run("deploy", "--check", *REGION)
    assert "the template is wrong: sam validate --lint" in done.stderr


@pytest.fixture
def deployed(machine: Machine) -> Machine:
    """The stack is there."""
    machine.on("aws cloudformation describe-stacks", outputs())
    machine.on("aws ecr describe-repositories", "{}")
    return machine


DELETIONS = [
    ["aws", "s3", "rb", "s3://mitmclaude-bucket-1", "--force", *REGION],
    ["aws", "dynamodb", "delete-table", "--table-name", "mitmclaude-Index-1", *REGION],
    ["aws", "secretsmanager", "delete-secret", "--secret-id", TOKENS, "--recovery-window-in-days", "7", *REGION],
]


def test_undeploy(deployed: Machine) -> None:
    """The stack and its images go; the data stays, and is named with what would delete it."""
    done = deployed.run("undeploy", *REGION)
    assert done.returncode == 0, done.stderr
    changes = [
        call[:4]
        for call in deployed.calls()
        if call[1:3] != ["sts", "get-caller-identity"] and "describe" not in call[2]
    ]
    assert changes == [
        ["aws", "cloudformation", "delete-stack", "--stack-name"],
        ["aws", "cloudformation", "wait", "stack-delete-complete"],
        ["aws", "ecr", "delete-repository", "--repository-name"],
    ]
    assert [shlex.split(line) for line in done.stdout.splitlines()[1:]] == DELETIONS


def test_undeploy_with_data(deployed: Machine) -> None:
    """--delete-data with --yes deletes it, once the stack is gone."""
    done = deployed.run("undeploy", *REGION, "--delete-data", "--yes")
    assert done.returncode == 0, done.stderr
    assert deployed.calls()[-3:] == DELETIONS


def test_undeploy_asks(deployed: Machine) -> None:
    """--delete-data alone does nothing where nobody can be asked."""
    done = deployed.run("undeploy", *REGION, "--delete-data")
    assert done.returncode == 2
    assert "--delete-data would delete mitmclaude-bucket-1, mitmclaude-Index-1" in done.stderr
    assert not deployed.calls("aws cloudformation delete-stack")


def test_undeploy_fails(deployed: Machine) -> None:
    """Where the stack cannot be deleted, the data is not touched."""
    deployed.on("aws cloudformation wait", status=255)
    done = deployed.run("undeploy", *REGION, "--delete-data", "--yes")
    assert done.returncode == 1
    assert not deployed.calls("aws s3")


def test_undeploy_nothing(machine: Machine) -> None:
    """Where there is no stack, it says so."""
    done = machine.run("undeploy", *REGION)
    assert (done.returncode, done.stderr) == (1, "undeploy: there is no stack mitmclaude in eu-central-1\n")


def test_build_image(machine: Machine) -> None:
    """It names the image last; bases and package index are handed on where given, and so is what it does not know."""
    machine.environment["PIP_INDEX_URL"] = "https://index.example.com/simple"
    done = machine.run(
        "build-image", "--base", "b:1", "--adapter=a:1", "--network=host", "--tag", "x:1", "--label", "a b"
    )
    assert (done.returncode, done.stdout) == (0, "x:1\n"), done.stderr
    (call,) = machine.calls("docker build")
    assert call[call.index("PIP_INDEX_URL") - 1] == "--build-arg"
    for word in ("BASE=b:1", "ADAPTER=a:1", "--network=host", "a b", "x:1", str(ROOT / "lambda_image/Dockerfile")):
        assert word in call
    assert call[-1] == str(ROOT)
    assert any(word.startswith("VERSION=") for word in call)


def test_build_image_plain(machine: Machine) -> None:
    """By default nothing of the machine goes into the image."""
    done = machine.run("build-image")
    assert done.stdout == "mitmclaude:latest\n"
    (call,) = machine.calls("docker build")
    given = [call[at + 1].partition("=")[0] for at, word in enumerate(call) if word == "--build-arg"]
    assert given == ["VERSION", "REVISION"]


def test_build_image_fails(machine: Machine) -> None:
    """Exit statuses tell a failed build, wrong arguments and a missing Docker apart."""
    assert machine.run("build-image", "--tag").returncode == 2
    machine.on("docker build", status=125)
    done = machine.run("build-image")
    assert (done.returncode, done.stdout) == (1, "")
    machine.on("docker version", status=1)
    assert machine.run("build-image").returncode == 3
    machine.without("docker")
    assert machine.run("build-image").returncode == 3


def test_base_image(machine: Machine) -> None:
    """What exists is kept; what is missing or mistyped is told."""
    done = machine.run("base-image")
    assert (done.returncode, done.stdout) == (0, "mitmclaude-base:trixie\n")
    assert machine.run("base-image", "--suit", "sid").returncode == 2
    machine.on("docker image inspect", status=1)
    done = machine.run("base-image")
    assert done.returncode == 3
    assert "debootstrap is not on PATH" in done.stderr


@pytest.mark.parametrize("script", ["deploy", "undeploy", "build-image", "base-image"])
def test_help(machine: Machine, script: str) -> None:
    """--help says how it is used and what its exit status means, and does nothing."""
    done = machine.run(script, "--help")
    assert done.returncode == 0
    assert "exit status" in done.stdout
    assert "usage:" in done.stdout
    assert not machine.calls()
