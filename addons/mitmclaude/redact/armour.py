"""The first line of a private key in PEM → where its base64 stands (https://www.rfc-editor.org/rfc/rfc7468)."""

import re
from collections.abc import Iterator

from mitmclaude.redact.rule import Span

_PEM = re.compile(  # to its last line or, when that is missing, to the end of the base64
    rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    rb"(?=[\\nrt\s>|0-9#*;/\xe2\x86\x92-]{1,60}(?:[A-Za-z0-9+/=]{16}|[A-Z][A-Za-z-]{3,12}: ))"
    rb"(?:(?:\\++[nrt]|[\r\n\t]|\xe2\x86\x92)[ >|#*;]*+(?:--? )?+"  # line ends, also escaped; indents, comments
    rb"|(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset|MessageID): [^\r\n\"\\]*+"
    rb"|[A-Za-z0-9+/=]++| (?=[A-Za-z0-9+/=]{16}|-----END))*+"
    rb"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?"
)
_PEM_NEXT = re.compile(  # one more line of it, after quotes and operators
    rb"(?:[\s\"'`+.,()&_;#/*>|\\]|\\[nrt]|<<){1,80}?(?<![A-Za-z0-9+/=])"
    rb"((?:[A-Za-z0-9+/]{16,}+|[A-Za-z0-9+/]{1,15}=)={0,2}+)(?=[\s\"'`\\])"
)


def armour(b: bytes, m: re.Match[bytes]) -> Iterator[Span]:
    """A private key in one piece, or the lines of one that is put together from strings.

    Its first line is a long one: what else may stand there is the name of a variable.
    """
    if whole := _PEM.match(b, m.start()):
        yield whole.span()
        at = whole.end()
        if b.endswith(b"-----", 0, at):
            return
    else:
        at = m.end()
    wanted = 40
    while (line := _PEM_NEXT.match(b, at)) and len(line[1]) >= wanted:
        yield line.span(1)
        at, wanted = line.end(), 1
