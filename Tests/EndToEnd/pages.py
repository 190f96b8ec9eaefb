"""The project's Markdown pages: their command blocks, their links, their anchors."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
COMMANDS = {"sh", "bash", "shell", "console"}


def pages() -> list[Path]:
    return sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])


@dataclass(frozen=True)
class Block:
    """A fenced block; `run_by` is the comment on the line before it: `<!-- run by FILE::FUNCTION -->`."""

    page: Path
    line: int
    language: str
    text: str
    run_by: str

    @property
    def commands(self) -> str:
        """What a user types: the whole block, or in a console what follows the prompts."""
        if self.language != "console":
            return self.text
        return "".join(line[2:] for line in self.text.splitlines(keepends=True) if line.startswith(("$ ", "# ")))

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(REPOSITORY)}:{self.line}"


FENCE = re.compile(
    r"^(?P<indent> *)(?:<!-- run by (?P<run_by>\S+?)(?:,[^\n]*)? -->\n(?P=indent))?"
    r"```(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.M | re.S,
)


def blocks(page: Path) -> list[Block]:
    content = page.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(content):
        line = content.count("\n", 0, match.start()) + 1
        text = re.sub(f"^{match['indent']}", "", match["text"], flags=re.M)
        found.append(Block(page, line, match["language"].strip(), text, match["run_by"] or ""))
    return found


def without_code(content: str) -> str:
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", content))


def links(page: Path) -> list[str]:
    """The targets of a page's links and pictures."""
    content = without_code(page.read_text(encoding="utf-8"))
    return re.findall(r"\]\(\s*<?([^)\s>]+)", content) + re.findall(r"^\[[^\]]+\]:\s*(\S+)", content, re.M)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and GitLab name them."""
    found: set[str] = set()
    content = FENCE.sub("", page.read_text(encoding="utf-8"))
    for heading in re.findall(r"^#+ +(.+?) *$", content, re.M):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        base = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        name, number = base, 0
        while name in found:
            number += 1
            name = f"{base}-{number}"
        found.add(name)
    return found


def tracked() -> set[str]:
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=REPOSITORY, check=True, capture_output=True, timeout=30).stdout
    return set(filter(None, listed.decode().split("\0")))
