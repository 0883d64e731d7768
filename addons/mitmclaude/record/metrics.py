"""Say a record as one line of CloudWatch embedded metrics.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from typing import Any, Final

import orjson

from mitmclaude.record.line import TOKENS, fields
from mitmclaude.record.record import Record

NAMESPACE: Final = "mitmclaude"

DIMENSIONS: Final = [["model", "outcome"], ["principal", "outcome"], ["outcome"]]

UNITS: Final = {
    "calls": "Count",
    **dict.fromkeys(TOKENS, "Count"),
    "cost": "None",
    "ttft": "Seconds",
    "duration": "Seconds",
}


def emf(record: Record) -> bytes:
    """One JSON object without line breaks: the fields of the record's line and, of those that have a value, metrics."""
    said: dict[str, Any] = fields(record)
    said |= {"calls": 1, "cost": float(record.cost.total) if record.cost else None}
    said |= {name: said[name] or "none" for name in ("model", "principal")}
    present = [{"Name": name, "Unit": unit} for name, unit in UNITS.items() if said.get(name) is not None]
    directive = {"Namespace": NAMESPACE, "Dimensions": DIMENSIONS, "Metrics": present}
    meta = {"Timestamp": int(record.started_at.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    return orjson.dumps({"_aws": meta, **said}, option=orjson.OPT_UTC_Z)
