"""Headers, targets, bodies, JSON values and event streams → copies without credentials.

Two sources say what a credential is: its shape and place (`providers`, `contexts`), and the credentials of the very
request, whatever they look like (`names`). Most bodies have none: `Redactor.is_clean` tells with one look, and nothing
made of such a body need be looked at again. Pure; nothing given is changed.
"""

from mitmclaude.redact.finder import find
from mitmclaude.redact.names import MARK, credentials
from mitmclaude.redact.redactor import Redactor

__all__ = ["MARK", "Redactor", "credentials", "find"]
