"""The lines of template.yaml that repeat what the package says; a test compares them, and prints them where they differ.

`python -m tests.lambda_image.derived` writes them into the template.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from mitmclaude.record import athena
from mitmclaude.stores.dynamodb import TABLE

TEMPLATE = Path(__file__).parents[2] / "lambda_image/template.yaml"


def columns() -> list[str]:
    """The columns of the table in Glue."""
    return [f'- {{Name: {name}, Type: "{kind}"}}' for name, kind in athena.columns()]


def attributes() -> list[str]:
    """The attributes that are part of a key of the index table."""
    rows = TABLE["AttributeDefinitions"]
    return [f"- {{AttributeName: {row['AttributeName']}, AttributeType: {row['AttributeType']}}}" for row in rows]


def indexes() -> list[str]:
    """The secondary indexes of the index table."""
    lines = []
    for index in TABLE["GlobalSecondaryIndexes"]:
        keys = [f"{{AttributeName: {key['AttributeName']}, KeyType: {key['KeyType']}}}" for key in index["KeySchema"]]
        projection = index["Projection"]
        lines += [
            f"- IndexName: {index['IndexName']}",
            f"  KeySchema: [{', '.join(keys)}]",
            f"  Projection: {{ProjectionType: {projection['ProjectionType']}, NonKeyAttributes: *}}",
        ]
        lines[-1] = lines[-1].replace("*", f"[{', '.join(projection['NonKeyAttributes'])}]")
    return lines


def block(text: str, key: str, lines: Sequence[str]) -> str:
    """`text` with the items below the line ``key:`` replaced by `lines`."""
    at = re.search(rf"^( +){key}:.*\n((?:\1  .*\n)+)", text, re.MULTILINE)
    assert at, f"no {key} in {TEMPLATE}"
    indent = at[1] + "  "
    return text[: at.start(2)] + "".join(f"{indent}{line}\n" for line in lines) + text[at.end(2) :]


def written(text: str) -> str:
    """The template with all of them."""
    for key, lines in (
        ("Columns", columns()),
        ("AttributeDefinitions", attributes()),
        ("GlobalSecondaryIndexes", indexes()),
    ):
        text = block(text, key, lines)
    return text


if __name__ == "__main__":
    TEMPLATE.write_text(written(TEMPLATE.read_text()))
