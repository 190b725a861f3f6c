"""`python -m benchmark.report.page.readme`: copies the headline of results/digits into the README."""

from __future__ import annotations

import re

from benchmark.paths import ROOT

BEGIN, END = "<!-- headline: written by `make readme` -->", "<!-- end of headline -->"


def fill(readme: str, table: str) -> str:
    """The README's text with `table` between the two marks, less the methods that do not apply to a task.

    Raises:
        ValueError: the marks are missing.
    """
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if not pattern.search(readme):
        raise ValueError(f"README.md: the marks {BEGIN} and {END} are missing, put them where the table belongs")
    return pattern.sub(lambda _: f"{BEGIN}\n\n{_applying(table).strip()}\n\n{END}", readme, count=1)


def _applying(table: str) -> str:
    """The rows with numbers, and of the notes those that they refer to."""
    lines = [line for line in table.splitlines() if not ("| n/a<sup>" in line and line.startswith("|"))]
    body = "\n".join(line for line in lines if not line.startswith("<sup>"))
    kept = [line for line in lines if not line.startswith("<sup>") or line[: line.index("</sup>")] in body]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept))


def main() -> None:
    """Rewrites README.md in place."""
    table = (ROOT / "results" / "digits" / "tables" / "headline.md").read_text(encoding="utf-8")
    readme = ROOT / "README.md"
    readme.write_text(fill(readme.read_text(encoding="utf-8"), table), encoding="utf-8")


if __name__ == "__main__":
    main()
