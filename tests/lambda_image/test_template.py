"""The template: valid, and what AWS makes of it is public, private and kept where it should be."""

import json
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from mitmclaude.options import OPTIONS, parse
from mitmclaude.record import athena, metrics
from mitmclaude.schemes import split
from mitmclaude.stores import aws
from mitmclaude.stores.dynamodb import TABLE
from mitmclaude.stores.memory import MemoryStore
from mitmclaude.stores.spool import Spool
from mitmclaude.stores.spooled import Spooled
from mitmclaude.stores.table import TIME_TO_LIVE
from tests.lambda_image.derived import TEMPLATE, written

IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/mitmclaude@sha256:" + "0" * 64
UV = shutil.which("uv") or TEMPLATE.parents[1] / ".uv/bin/uv"  # where scripts/setup puts it
DATA = ("Bucket", "Index", "Tokens")
LIMIT = 51_200
"""Bytes of a template that CloudFormation takes without a bucket to read it from."""


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


@cache
def source() -> Any:
    return yaml_parse(TEMPLATE.read_text())


@cache
def translated() -> Any:
    """What CloudFormation gets, as JSON values."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
    return json.loads(json.dumps(transform(yaml_parse(TEMPLATE.read_text()), {}, _NoManagedPolicies())))


def resources(kind: str) -> dict[str, Any]:
    """Properties of the translated resources of a type, by name."""
    found = translated()["Resources"].items()
    return {name: row["Properties"] for name, row in found if row["Type"] == kind}


def default(parameter: str) -> Any:
    return source()["Parameters"][parameter].get("Default")


def environment() -> Mapping[str, Any]:
    (function,) = resources("AWS::Lambda::Function").values()
    found: Mapping[str, Any] = function["Environment"]["Variables"]
    return found


def statements() -> dict[str, Any]:
    """Of the function's role, by Sid; a conditional one as where its condition holds."""
    (role,) = resources("AWS::IAM::Role").values()
    (policy,) = role["Policies"]
    rows = [row["Fn::If"][1] if "Fn::If" in row else row for row in policy["PolicyDocument"]["Statement"]]
    return {row["Sid"]: row for row in rows}


def test_cfn_lint() -> None:
    """cfn-lint, which knows SAM, finds nothing."""
    linted = subprocess.run(
        [Path(sys.executable).parent / "cfn-lint", TEMPLATE], capture_output=True, text=True, timeout=120, check=False
    )
    assert linted.returncode == 0, linted.stdout


def test_sam_validate(tmp_path: Path) -> None:
    """The SAM CLI takes it, offline and without credentials."""
    command = ["sam", "validate", "--lint", "--template-file", str(TEMPLATE), "--region", "us-east-1"]
    checked = subprocess.run(
        [UV, "tool", "run", "--from", "aws-sam-cli==1.170.0", *command],
        capture_output=True, text=True, timeout=170, check=False, cwd=tmp_path,
        env={**os.environ, "SAM_CLI_TELEMETRY": "0"},
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "is a valid SAM Template" in checked.stdout


def test_plain_yaml() -> None:
    """CloudFormation reads neither anchors nor aliases; and the template goes there without a bucket between."""
    events = yaml.parse(TEMPLATE.read_text())
    assert not [event for event in events if getattr(event, "anchor", None)]
    assert len(yaml.safe_dump(json.loads(json.dumps(source())))) < 0.9 * LIMIT


def test_parameters_are_explained() -> None:
    """Each has a description, a default and a constraint, is used, and stands in a group."""
    text = TEMPLATE.read_text().partition("\nResources:")[2]
    groups = source()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(source()["Parameters"])
    for name, row in source()["Parameters"].items():
        assert row["Description"].endswith("."), name
        assert row.keys() & {"AllowedValues", "AllowedPattern", "MinValue"}, name
        assert "Default" in row or name == "ImageUri"
        conditions = json.dumps(source()["Conditions"])
        assert re.search(rf"!Ref {name}\b|\${{{name}}}", text) or f'"{name}"' in conditions, name
        if "AllowedPattern" in row and "Default" in row:
            assert re.fullmatch(row["AllowedPattern"], row["Default"]), name


@pytest.mark.parametrize(
    ("parameter", "value", "fits"),
    [
        ("ImageUri", IMAGE, True),
        ("ImageUri", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/team/mitmclaude:abc-1", True),
        ("ImageUri", "public.ecr.aws/x/mitmclaude:latest", False),
        ("Upstream", "https://gw.example.com:8443/team-a", True),
        ("Upstream", "https://gw.example.com/?a=b", False),
        ("Upstream", "https://user:key@gw.example.com", False),
        ("Upstream", "gw.example.com", False),
        ("OrgKeySecretArn", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:anthropic-AbCdEf", True),
        ("OrgKeySecretArn", "sk-ant-api03-xyz", False),
        ("KmsKeyArn", "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", True),
        ("KmsKeyArn", "arn:aws:kms:eu-central-1:123456789012:alias/mine", False),
        ("AlarmEmail", "team@example.com", True),
        ("GlueDatabase", "my-db", False),
    ],
)
def test_patterns(parameter: str, value: str, fits: bool) -> None:
    """A parameter takes what the function takes; in no place for a reference is a key itself taken."""
    assert bool(re.fullmatch(source()["Parameters"][parameter]["AllowedPattern"], value)) is fits


def test_url() -> None:
    """The URL streams and is public: with both statements that AWS wants for that, and no more."""
    (url,) = resources("AWS::Lambda::Url").values()
    assert (url["AuthType"], url["InvokeMode"]) == ("NONE", "RESPONSE_STREAM")
    permissions = sorted(resources("AWS::Lambda::Permission").values(), key=lambda row: row["Action"])
    assert [{key: value for key, value in row.items() if key != "FunctionName"} for row in permissions] == [
        {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True, "Principal": "*"},
        {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE", "Principal": "*"},
    ]


def test_function() -> None:
    """An image on arm64 with one processor and the longest timeout, bounded, outside of any VPC."""
    (function,) = resources("AWS::Lambda::Function").values()
    assert function["PackageType"] == "Image"
    assert not function.keys() & {"VpcConfig", "TracingConfig", "DeadLetterConfig"}
    # in JSON, Lambda sets the adapter's level, and drops lines of ours below it
    assert function["LoggingConfig"] == {"LogGroup": {"Ref": "LogGroup"}, "LogFormat": "Text"}
    assert [default(name) for name in ("Architecture", "MemorySize", "Timeout")] == ["arm64", 1769, 900]
    assert source()["Parameters"]["Timeout"]["MaxValue"] == 900
    assert default("ReservedConcurrency") > 0


def test_environment() -> None:
    """Options that exist, with values that they take; no secret, and within 4 KB."""
    refs = {name: str(default(name)) for name in source()["Parameters"]}
    refs |= {
        "Bucket": "b" * 63,
        "Index": "i" * 60,
        "Tokens": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:T-1",
    }
    known = {f"CLAUDE_{option.name.upper()}" for option in OPTIONS}
    assert environment().keys() <= known
    values = {name: _resolved(value, refs) for name, value in environment().items()}
    assert sum(len(name) + len(value) for name, value in values.items()) < 4096
    options = {f"claude_{option.name}": option.default for option in OPTIONS}
    settings = parse(options | {name.lower(): value for name, value in values.items() if name != "CLAUDE_ORG_KEY"})
    assert (settings.auth, settings.validation, settings.capture, settings.log) == (
        "tokens",
        "enforce",
        "redacted",
        "emf",
    )
    assert split(settings.store) == [f"s3://{'b' * 63}", f"dynamodb://{'i' * 60}?ttl_days={default('RecordDays')}"]
    aws.parsed(split(settings.store)[1], "", ("ttl_days",))
    assert settings.tokens.startswith("secretsmanager:arn:")
    assert not re.search(r"sk-ant|mcl_", TEMPLATE.read_text())


@pytest.mark.parametrize("name", ["Validation", "Capture", "Log"])
def test_allowed_values(name: str) -> None:
    """Each value that a parameter allows is one that its option takes."""
    (option,) = (option for option in OPTIONS if option.name == name.lower())
    for value in source()["Parameters"][name]["AllowedValues"]:
        assert isinstance(value, str)
        option.parse(value)


def _resolved(value: Any, refs: Mapping[str, str]) -> str:
    match value:
        case {"Ref": str(name)}:
            return refs.get(name, "")
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^!}]+)\}", lambda found: refs[found[1]], text)
        case {"Fn::If": [_, _, {"Ref": "AWS::NoValue"}]}:
            return ""
        case _:
            return str(value)


def test_role() -> None:
    """It may put, read its secrets and log: on these resources, and without a wildcard but below a prefix."""
    (role,) = resources("AWS::IAM::Role").values()
    assert "ManagedPolicyArns" not in role
    allowed = statements()
    actions = {sid: row["Action"] for sid, row in allowed.items()}
    assert actions == {
        "KeepObjects": "s3:PutObject",
        "KeepIndex": "dynamodb:PutItem",
        "ReadTokens": "secretsmanager:GetSecretValue",
        "WriteLog": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "UseKeyThroughTheStores": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"],
    }
    assert allowed["KeepObjects"]["Resource"] == [
        {"Fn::Sub": f"${{Bucket.Arn}}/{key}"} for key in ("records/*", "flows/*", aws.CHECK_KEY)
    ]
    assert allowed["KeepIndex"]["Resource"] == {"Fn::GetAtt": ["Index", "Arn"]}
    assert allowed["ReadTokens"]["Resource"][0] == {"Ref": "Tokens"}
    assert allowed["UseKeyThroughTheStores"]["Resource"] == {"Ref": "KmsKeyArn"}
    assert all(row["Effect"] == "Allow" and row["Resource"] != "*" for row in allowed.values())


def test_bucket() -> None:
    """Nobody from outside, no ACLs, encrypted, over TLS only; flows go before records, halves of uploads at once."""
    (bucket,) = resources("AWS::S3::Bucket").values()
    block = bucket["PublicAccessBlockConfiguration"]
    assert block == dict.fromkeys(
        ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
    )
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    _, with_key, without = encryption["Fn::If"]
    assert with_key["BucketKeyEnabled"] is True
    assert without["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert {rule.get("Prefix"): rule.get("ExpirationInDays") for rule in rules.values()} == {
        "flows/": {"Ref": "FlowDays"}, "records/": {"Ref": "RecordDays"}, None: None,
    }  # fmt: skip
    assert default("FlowDays") < default("RecordDays")
    assert rules["unfinished"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    (policy,) = resources("AWS::S3::BucketPolicy").values()
    denied = policy["PolicyDocument"]["Statement"]
    assert {row["Effect"] for row in denied} == {"Deny"}
    assert denied[0]["Condition"] == {"Bool": {"aws:SecureTransport": False}}
    assert denied[1]["Condition"] == {"NumericLessThan": {"s3:TlsVersion": 1.2}}


@pytest.mark.parametrize("name", DATA)
def test_data_is_kept(name: str) -> None:
    """What holds data outlives the stack, and its own replacement."""
    row = translated()["Resources"][name]
    assert (row["DeletionPolicy"], row["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_index() -> None:
    """The table's keys and indexes are the store's, and it is paid by use, restorable, and forgets in time."""
    (table,) = resources("AWS::DynamoDB::Table").values()
    assert {name: table[name] for name in TABLE} == dict(TABLE)
    assert table["TimeToLiveSpecification"] == TIME_TO_LIVE
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    for index in table["GlobalSecondaryIndexes"]:
        assert len(index["Projection"]["NonKeyAttributes"]) <= 20  # the limit of DynamoDB, which cfn-lint does not know


def test_tokens() -> None:
    """The secret begins without any token, so that the function starts and lets nobody in."""
    (secret,) = resources("AWS::SecretsManager::Secret").values()
    assert json.loads(secret["SecretString"]) == {"tokens": {}}


def test_glue() -> None:
    """Athena sees the columns and partitions that the package says."""
    (table,) = (row["TableInput"] for row in resources("AWS::Glue::Table").values())
    storage = table["StorageDescriptor"]
    assert [(row["Name"], row["Type"]) for row in storage["Columns"]] == athena.columns()
    assert tuple((row["Name"], row["Type"]) for row in table["PartitionKeys"]) == athena.PARTITION_KEYS
    assert storage["SerdeInfo"] == athena.SERDE
    assert (storage["InputFormat"], storage["OutputFormat"]) == (athena.INPUT_FORMAT, athena.OUTPUT_FORMAT)
    assert _bucket(storage["Location"]) == athena.location("BUCKET")
    wanted = athena.table_properties("BUCKET")
    assert {name: _bucket(value) for name, value in table["Parameters"].items()} == wanted


def _bucket(value: Any) -> str:
    text = value["Fn::Sub"] if isinstance(value, dict) else value
    return str(text).replace("${Bucket}", "BUCKET").replace("${!", "${")


def test_derived() -> None:
    """What is written out from the package is up to date: python -m tests.lambda_image.derived"""
    assert written(TEMPLATE.read_text()) == TEMPLATE.read_text()


def test_alarms() -> None:
    """They watch the function itself, and tell an address if there is one."""
    alarms = resources("AWS::CloudWatch::Alarm")
    watched = {row.get("MetricName", "Duration") for row in alarms.values() if row.get("Namespace") != "mitmclaude"}
    assert watched == {"Errors", "Throttles", "Url5xxCount", "Duration"}
    for row in alarms.values():
        assert row["TreatMissingData"] == "notBreaching"
        (action,) = row["AlarmActions"]
        assert action["Fn::If"][:2] == ["HasAlarmEmail", {"Ref": "AlarmTopic"}]


async def test_alarm_of_the_store(caplog: pytest.LogCaptureFixture) -> None:
    """The log filter has the words that are logged when an object is spooled or lost."""
    (found,) = resources("AWS::Logs::MetricFilter").values()
    phrases = re.findall(r'\?"([^"]+)"', found["FilterPattern"])

    class Full(MemoryStore):
        def put(self, key: str, content: bytes) -> None:
            raise OSError("full")

    for spool, word in ((MemoryStore(), "spooled"), (Full(), "lost")):
        for key in ("records/date=2026-11-22/a.json", "flows/date=2026-11-22/a.mitm.zst"):
            caplog.clear()
            with caplog.at_level(logging.WARNING):
                Spooled(Full(), Spool(spool), pauses=(), in_memory=0).put(key, b"x")
            (line,) = caplog.messages
            assert word in line
            assert any(phrase in line for phrase in phrases), line


def test_dashboard() -> None:
    """It is JSON, and shows the metrics that the addon logs, by the dimensions that it logs them by."""
    (dashboard,) = resources("AWS::CloudWatch::Dashboard").values()
    body = dashboard["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(body)["widgets"]
    assert len(widgets) == 6
    searched = re.findall(r"SEARCH\('\{(\w+),([\w,]+)\} MetricName=\\\"(\w+)\\\"", body)
    assert len(searched) == 3
    for namespace, dimensions, metric in searched:
        assert namespace == metrics.NAMESPACE
        assert dimensions.split(",") in metrics.DIMENSIONS
        assert metric in metrics.UNITS
    assert re.search(rf'\["{metrics.NAMESPACE}", "ttft", "outcome", "complete"', body)


def test_outputs() -> None:
    """What scripts/deploy and a reader need to go on."""
    assert {"Url", "Store", "Bucket", "Index", "Tokens", "OrgKey"} <= source()["Outputs"].keys()
