"""The language of the program: spelling, and phrases that no message, page, help text or comment contains."""

import ast
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

from pages import REPOSITORY, pages, tracked

# Phrases that are not idiomatic, or not the usual term: a pattern, and what to write instead.
PHRASES = {
    r"\bhonour": "honor",
    r"\bmend(?:s|ed|ing)?\b": "repair, correct",
    r"\banew\b": "again, rebuilt, rewritten",
    r"\bmostly\b": "usually",
    r"\bfolders?\b": "directory",
    r"\bbehaviour|\bcolour|\brecognis|\bunrecognis|\bneighbour": "American spelling",
    r"\bmis-?spelt\b": "misspelled",
    r"\bsomebody(?: else)?'s (?:matter|doing)\b": "say who or what",
    r"\b(?:store|caller|client|service)'s matter\b": "say who decides",
    r"\b(?:lies|lie) (?:here|there|in|on|at|beside|behind|elsewhere|outside)\b": "is, is in",
    r"\bwhat (?:lies|stands) there\b": "what it contains",
    r"\bstands? (?:here|there|in the|in a|in an|in it|in both|in its|in this|in that|in some|in README|beside|behind|above this|at the end)\b": "is in, is there",
    r"\b(?:could not|cannot|can) be had\b|\bto be had\b": "be read, be taken",
    r"\bthere are none here\b|\bthose that there are\b|\bthat there (?:is|are)\b": "say it directly",
    r"\bthe default holds\b": "using the default",
    r"\bis none of\b|\bis neither lower nor upper\b": "invalid value (expected …)",
    r"\b(?<!there )(?<!there )(?:is|are) no (?:number|regular|variable|directory|path|program|settings?|address|HTTP proxy|certificates?\b(?! in))": "is not a …",
    r"\btaken? (?:it )?out of (?:the|any|every|each|its) (?:store|bundle|file|directory)": "removed from",
    r"\bleads? (?:nowhere|somewhere|back)\b": "dangling, loop",
    r"\bmore of the kind\b": "more problems not shown",
    r"\bof one's own\b": "your own",
    r"\bexclude each other\b": "cannot be combined",
    r"\bwas taken out\b": "removed",
    r"\bas it stands\b|\bas they stand\b": "as it is",
    r"\bdoes not serve\b|\bserves instead\b|\bbundle serves\b": "is used",
    r"\bhas gone (?:away|over)\b": "gone, over",
    r"\bask for (?:its|the) successor\b": "replace it",
    r"\bbrings? (?:it|them|along|its own)\b": "contains, has",
    r"\bnot whole\b": "incomplete",
    r"\bgoes on behind\b": "continues after",
    r"\bin the place of\b": "instead of",
    r"\bon its way\b": "in transit",
}

# The same for comments, doc comments and docstrings, in addition to PHRASES.
COMMENT_PHRASES = {
    r"\bwho(?:m\b|ever\b)": "name the person or the program",
    r"\b(?:some|any)body\b": "the user, another process",
    r"(?<!there )\b(?:is|are) none\b(?! (?:of|if)\b)": "is not a …, does not exist",
    r"\bnil where\b": "nil if",
    r"\bwhere (?:it|that|this|there) (?:is|are) (?:no|not|none|one|any)\b": "if …",
    r"\bwhere (?:one is|nobody|something)\b": "if …",
    r"\bwhat (?:there is|is there)\b": "what exists",
    r"\bfor (?:it|that|which) is\b": "because …",
    r"\bwant of\b": "lack of",
    r"\bbut (?:for|that)\b": "except",
    r"\bnot so\b|\bsuch a one\b|\bof ours\b|\bone's\b": "say it directly",
    r"\bgive[sn]? back\b|\bgives? the (?:path|name|number|status)\b": "return",
    r"\bpass(?:es|ed) over\b": "skip, ignore",
    r"\bput together\b": "made, assembled",
    r"\bholds? (?:what|all|every|nothing|more|no|one|certificates)\b": "contain",
    r"\bso (?:many|much)\b(?! (?:that|as))": "this many, this much",
    r"\bhand(?:s|ed)? (?:on|out)\b": "pass on, release",
    r"\bin force\b": "in effect",
    r"\bmeanwhile\b": "in the meantime",
}

# Names in a file format or a language, and mistakes that tests make on purpose.
NO_MISSPELLINGS = ["inout", "inforce", "servce", "chek", "certificat"]

SWIFT_STRING = re.compile(r'"""\n(.*?)"""|"((?:[^"\\\n]|\\.)*)"', re.S)


def literals(path: Path) -> str:
    """The string literals of a Swift file, a line each."""
    text = re.sub(r"^\s*//.*$", "", path.read_text(encoding="utf-8"), flags=re.M)
    return "\n".join(block or line for block, line in SWIFT_STRING.findall(text))


def without_quotations(page: str) -> str:
    """A page without the output of other programs."""
    return re.sub(r"^ *>.*$", "", page, flags=re.M)


def docstrings(code: str) -> list[str]:
    """The docstrings of Python code, and the strings that describe attributes."""
    bodies = [node.body for node in ast.walk(ast.parse(code)) if isinstance(getattr(node, "body", None), list)]
    statements = [statement for body in bodies for statement in body]
    values = [statement.value for statement in statements if isinstance(statement, ast.Expr)]
    return [value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]


def comments(path: Path) -> str:
    """The comments of a source file, without what is in backquotes or quoted."""
    text = path.read_text(encoding="utf-8")
    first = text.partition("\n")[0]
    if path.suffix == ".py" or first.endswith("python3"):
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        parts = [token.string for token in tokens if token.type == tokenize.COMMENT] + docstrings(text)
    elif path.suffix in (".swift", ".c", ".h", ".js", ".go", ".rs", ".java"):
        parts = re.findall(r"^\s*//[/!]?(.*)$|\s// (.*)$", text, re.M)
        parts = [line or trailing for line, trailing in parts]
    else:
        parts = re.findall(r"^\s*#(?!!)(.*)$|\s# (.*)$", text, re.M)
        parts = [line or trailing for line, trailing in parts]
    return re.sub(r"`[^`]*`|\"[^\"]*\"", "", "\n".join(parts))


def commented() -> list[str]:
    """The tracked files that have comments: sources, tests, scripts, recipes and manifests."""
    other = (".md", ".svg", ".json", ".txt", ".pem", ".lock", ".toml", "LICENSE", "test_words.py")
    return [name for name in sorted(tracked()) if (REPOSITORY / name).is_file() and not name.endswith(other)]


def found(text: str, phrases: dict[str, str] = PHRASES) -> list[str]:
    joined = re.sub(r"\s+", " ", text)
    return [
        f"…{joined[max(0, match.start() - 30):match.end() + 20]}… : {better}"
        for pattern, better in phrases.items()
        for match in re.finditer(pattern, joined, re.I)
    ]


def sources() -> list[Path]:
    return sorted(REPOSITORY.glob("Sources/**/*.swift"))


def test_no_message_has_a_phrase_that_is_not_ours():
    wrong = {str(path.relative_to(REPOSITORY)): found(literals(path)) for path in sources()}
    assert {name: phrases for name, phrases in wrong.items() if phrases} == {}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_no_page_has_a_phrase_that_is_not_ours(page):
    assert found(without_quotations(page.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", sorted(REPOSITORY.glob("docs/schema/*.json")), ids=lambda path: path.name)
def test_no_schema_has_a_phrase_that_is_not_ours(path):
    assert found(path.read_text(encoding="utf-8")) == []


def test_no_help_has_a_phrase_that_is_not_ours(binary):
    topics = ["settings", "plan", "check", "certs", "env", "apply", "write-bundle", "install"]
    for words in (["--help"], *(["help", topic] for topic in topics)):
        shown = subprocess.run([binary, *words], capture_output=True, timeout=30, check=True).stdout.decode()
        assert found(shown) == [], words


def test_no_comment_has_a_phrase_that_is_not_ours():
    wrong = {name: found(comments(REPOSITORY / name), PHRASES | COMMENT_PHRASES) for name in commented()}
    assert {name: phrases for name, phrases in wrong.items() if phrases} == {}


def test_every_error_and_warning_has_a_subject():
    """Except wrong usage, whose subject is the command line."""
    without = [
        f"{path.name}: {line.strip()}"
        for path in sources()
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r'\.(?:error|warning)\(\s*""', line)
    ]
    assert without == [
        'Child.swift: basics.log.write(.error("", error.message, "usage.wrong"))',
        'Commands.swift: log.write(.error("", "\\(error.message); see psm-entry --help", "usage.wrong"))',
    ]


def test_every_word_is_spelled_right():
    files = [name for name in sorted(tracked()) if not name.endswith((".svg", ".pem", ".der", ".lock"))]
    files = [name for name in files if (REPOSITORY / name).is_file()]
    command = [sys.executable, "-m", "codespell_lib", "--ignore-words-list", ",".join(NO_MISSPELLINGS), *files]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, timeout=120, check=False)
    assert done.stdout.decode() == "" and done.returncode == 0, done.stderr.decode()


def test_each_phrase_is_found_where_it_is():
    """A pattern that matches nothing would find nothing."""
    samples = (
        "honour mend anew mostly folder behaviour misspelt somebody else's matter. store's matter. lies in. what lies there. "
        "stands in the. could not be had. those that there are. the default holds. is none of. it is no number. "
        "taken out of any store. leads nowhere. more of the kind. of one's own. exclude each other. was taken out. "
        "as it stands. bundle serves. has gone away. ask for its successor. brings it. not whole. "
        "goes on behind. in the place of. on its way."
    )
    assert [pattern for pattern in PHRASES if not re.search(pattern, samples, re.I)] == []
    samples = (
        "whoever. somebody. is none. nil where. where there is no. where nobody. what there is. for it is. want of. but for. "
        "of ours. passed over. put together. holds all. so many. handed on. in force. meanwhile. gives the name."
    )
    assert [pattern for pattern in COMMENT_PHRASES if not re.search(pattern, samples, re.I)] == []


def test_comments_are_found(tmp_path):
    for name, text in {
        "a.swift": 'let a = "no"  // yes 1\n/// yes 2\nlet b = 1  // yes 3\n',
        "b.py": '"""yes 1"""\na: int = 0\n"""yes 2"""\nb = "# no"  # yes 3\n',
        "c": "#!/bin/sh\n# yes 1\necho no # yes 2\n  # yes 3\n",
    }.items():
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        found_in_it = comments(path)
        assert "no" not in found_in_it and [found_in_it.count(f"yes {number}") for number in (1, 2, 3)] == [1, 1, 1], name
