"""The texts of the program as its sources contain them: every string literal that can be part of a message."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pages import REPOSITORY

# The files with messages. What other files say is on pages of its own: the settings, and the entries of NO_PROXY.
WORDED = [
    "Certificates/BundleContents.swift", "Certificates/Certificate.swift", "Certificates/CertificateFault.swift",
    "Certificates/CertificateProblem.swift", "Certificates/StrictVerification.swift", "Proxies/ProxyNote.swift",
    "Proxies/ProxyURL+Pitfalls.swift", "Entry/*.swift",
]  # fmt: skip
ELSEWHERE = {"Help.swift", "Setting.swift", "JSON.swift", "Faults.swift"}

# Texts in those files that are not part of a message about a problem: results, and what is sent to peers.
NO_MESSAGES = re.compile(
    r"HTTP/1\.1|User-Agent|^psm-entry .*commit|^# |Proxy-Auth|^ok: |^not ok: | checks, "
    r"|^no certificates|^no store would change|^a start would change|^not every store could be read|^not ok$"
    # Cases of an enum that no message contains.
    r"|^by default$|^lacks the mounted CAs$"
)


@dataclass(frozen=True)
class Literal:
    """A literal of the sources, with None for each value that the program inserts."""

    place: str
    parts: tuple[str | None, ...]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile("".join("(?:.*?)" if part is None else re.escape(part) for part in self.parts))

    @property
    def shown(self) -> str:
        return "".join("…" if part is None else part for part in self.parts)

    @property
    def is_message(self) -> bool:
        """Whether it contains words: two of them in a row."""
        return bool(re.search(r"[a-z]{2,},? [a-z(*]|[a-z]{3,} [A-Z0-9.~%]", self.shown)) and not NO_MESSAGES.search(self.shown)


ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", '"': '"', "'": "'", "\\": "\\"}


def _string(text: str, at: int, place: str, found: list[Literal]) -> int:
    """Reads the literal whose opening quote is at `at`; returns the position after it."""
    quote = '"""' if text.startswith('"""', at) else '"'
    at += len(quote)
    parts: list[str | None] = [""]
    while not text.startswith(quote, at):
        if text[at] != "\\":
            parts[-1] = (parts[-1] or "") + text[at]
            at += 1
        elif text[at + 1] == "(":
            at = _code(text, at + 2, place, found)
            parts += [None, ""]
        elif text[at + 1] == "u":
            at = text.index("}", at) + 1
            parts[-1] = (parts[-1] or "") + "?"
        else:
            parts[-1] = (parts[-1] or "") + ESCAPES.get(text[at + 1], "")
            at += 2
    if quote == '"':
        found.append(Literal(place, tuple(part for part in parts if part != "")))
    return at + len(quote)


def _code(text: str, at: int, place: str, found: list[Literal]) -> int:
    """Reads code up to the parenthesis that closes it, or to the end."""
    depth = 1
    while at < len(text):
        if text.startswith("//", at):
            at = text.find("\n", at) if "\n" in text[at:] else len(text)
        elif text[at] == '"':
            at = _string(text, at, place, found)
        else:
            depth += (text[at] == "(") - (text[at] == ")")
            at += 1
            if depth == 0:
                break
    return at


def files(patterns: list[str]) -> Iterator[Path]:
    for pattern in patterns:
        for path in sorted((REPOSITORY / "Sources").glob(pattern)):
            if path.name not in ELSEWHERE:
                yield path


def literals(*, all_of_them: bool = False) -> list[Literal]:
    """All literals that may be a message or a part of one, without duplicates; optionally also single words, texts for
    machines, and those of NO_PROXY's page."""
    found: list[Literal] = []
    for path in files([*WORDED, "Proxies/NoProxyPortability.swift"] if all_of_them else WORDED):
        text = path.read_text(encoding="utf-8")
        at = 0
        while at < len(text):
            # A closing parenthesis that was not opened here only ends a piece of the file.
            at = _code(text, at, path.name, found)
    unique = {literal.shown: literal for literal in found if all_of_them or literal.is_message}
    return list(unique.values())
