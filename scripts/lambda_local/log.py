"""What happens on the platform and what a function prints → lines, for people or as JSON."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, field

Emit = Callable[["Line"], None]


@dataclass(frozen=True)
class Line:
    """One line: its source is `platform`, `extension` or `runtime`; environment 0 is the platform as a whole."""

    text: str
    source: str = "platform"
    environment: int = 0
    at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))

    def __str__(self) -> str:
        where = f"env {self.environment} {self.source}" if self.environment else self.source
        return f"{self.at:%H:%M:%S.%f}"[:-3] + f" [{where}] {self.text}"

    def as_json(self) -> str:
        """One JSON object, as CloudWatch would keep it with a timestamp in ISO 8601."""
        time = self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        pairs = {"time": time, "environment": self.environment, "source": self.source, "text": self.text}
        return json.dumps(pairs, ensure_ascii=False)
