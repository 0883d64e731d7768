"""Say a record as one line of CloudWatch embedded metrics.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from typing import Any, Final

import orjson

from mitmclaude.record.record import Record
from mitmclaude.record.row import TOKENS, Row, row

NAMESPACE: Final = "mitmclaude"

DIMENSIONS: Final = [["model", "outcome"], ["principal", "outcome"], ["outcome"]]

UNITS: Final = {
    "calls": "Count",
    **dict.fromkeys(TOKENS, "Count"),
    "cost": "None",
    "ttft": "Seconds",
    "duration": "Seconds",
}


def emf(told: Record | Row) -> bytes:
    """One JSON object without line breaks: the row of the record and, of what has a value, metrics."""
    of = row(told) if isinstance(told, Record) else told
    said: dict[str, Any] = of._asdict()
    said["cost_usd"] = None if of.cost_usd is None else format(of.cost_usd, "f")
    said |= {"calls": 1, "cost": None if of.cost_usd is None else float(of.cost_usd)}
    said |= {name: said[name] or "none" for name in ("model", "principal")}
    present = [{"Name": name, "Unit": unit} for name, unit in UNITS.items() if said.get(name) is not None]
    directive = {"Namespace": NAMESPACE, "Dimensions": DIMENSIONS, "Metrics": present}
    meta = {"Timestamp": int(of.started_at.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    return orjson.dumps({"_aws": meta, **said}, option=orjson.OPT_UTC_Z)
