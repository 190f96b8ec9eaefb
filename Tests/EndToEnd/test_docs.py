"""What the docs say is what the program says."""

from settings_table import REPO, section, table


def test_the_settings_in_the_readme_are_those_of_help(binary):
    shown = section((REPO / "README.md").read_text(encoding="utf-8"))
    assert shown == table(binary)
    assert shown.count("\n") == 17
