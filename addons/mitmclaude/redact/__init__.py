"""Headers, targets, bodies, JSON values and event streams → copies without credentials.

Two sources say what a credential is: its shape (`shapes`), and the credentials of the very request, whatever they look
like (`names`). Pure; nothing given is changed.
"""

from mitmclaude.redact.names import MARK, credentials
from mitmclaude.redact.redactor import Redactor

__all__ = ["MARK", "Redactor", "credentials"]
