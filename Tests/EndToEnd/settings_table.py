"""The settings as a Markdown table, made from `psm-entry help settings`, so that docs and help cannot differ.

`python settings_table.py --write` updates the table in the page.
"""

import pathlib
import re
import subprocess
import sys

REPO = pathlib.Path(__file__).resolve().parents[2]
PAGES = [REPO / "docs/configuration.md"]
BEGIN, END = "<!-- settings:begin -->\n", "<!-- settings:end -->\n"


def table(binary: pathlib.Path) -> str:
    help_text = subprocess.run([binary, "help", "settings"], check=True, capture_output=True, text=True).stdout
    rows = ["| variable | option | default | meaning |", "|---|---|---|---|"]
    entry = re.compile(
        r"^(?:(?P<option>--[a-z-]+) [A-Z]+, )?(?P<variables>[A-Z_]+(?: [A-Z_]+)*)\n"
        r"    (?P<meaning>.+)\n(?:    default: (?P<default>.+)\n)?",
        re.M,
    )
    for match in entry.finditer(help_text):
        variables = ", ".join(f"`{name}`" for name in match["variables"].split())
        option = f"`{match['option']}`" if match["option"] else "–"
        default = f"`{match['default']}`" if match["default"] else "–"
        rows.append(f"| {variables} | {option} | {default} | {match['meaning']} |")
    return "\n".join(rows) + "\n"


def section(page: str) -> str:
    return page.split(BEGIN, 1)[1].split(END, 1)[0]


if __name__ == "__main__":
    made = table(REPO / "build/psm-entry")
    stale = []
    for path in PAGES:
        page = path.read_text(encoding="utf-8")
        renewed = page.replace(BEGIN + section(page) + END, BEGIN + made + END)
        if renewed != page:
            stale.append(path)
            if "--write" in sys.argv:
                path.write_text(renewed, encoding="utf-8")
    sys.exit(1 if stale and "--write" not in sys.argv else 0)
