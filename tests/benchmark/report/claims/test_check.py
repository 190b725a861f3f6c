"""The checker in a folder of its own: what it lets pass, and what it does not."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from benchmark.report.claims.__main__ import claims_of, documents, main, told

READING = """# 20 suspects

IPGuard has an AUC of 0.87 where
saliency has 0.9. No method is below 0.5.

## Settings

| prints | 100 |
| rate | 5 % |
"""
CLAIMS = """
[define]
here = "suspects=all"

[[claim]]
text = "20 suspects"
is = ["distinct(summary.suspect)"]

[[claim]]
text = "AUC of 0.87 where saliency has 0.9"
is = ["max(summary.auc[method=ipguard, {here}])", "max(summary.auc[method=saliency, {here}])"]

[[claim]]
text = "No method is below 0.5"
holds = "min(summary.auc) >= 0.5"

[[claim]]
section = "Settings"
given = "settings"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with one experiment, whose reading is right in all."""
    folder = tmp_path / "results" / "mini"
    folder.mkdir(parents=True)
    rows = [("ipguard", "all", 0.8651), ("saliency", "all", 0.9049), ("ipguard", "kept", 0.5)]
    table = pd.DataFrame(rows, columns=["method", "suspects", "auc"]).loc[[i % 3 for i in range(20)]]
    table.assign(suspect=range(20)).to_csv(folder / "summary.csv", index=False)
    (folder / "manifest.json").write_text(json.dumps({}))
    (folder / "READING.md").write_text(READING)
    (folder / "claims.toml").write_text(CLAIMS)
    (tmp_path / "README.md").write_text("Nothing but words.")
    return tmp_path


def reading(root: Path) -> Path:
    return root / "results" / "mini" / "READING.md"


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_all_is_covered_and_true(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(reading(root), root) == []
    assert main([], root) == 0
    assert "every number is covered" in capsys.readouterr().out


def test_a_changed_csv_makes_a_sentence_stale(root: Path) -> None:
    replaced(root / "results/mini/summary.csv", "0.8651", "0.8649")
    (line,) = told(reading(root), root)
    assert line.startswith("results/mini/READING.md:3: claim 2 «AUC of 0.87")
    assert "0.87 is 0.8649 by max(summary.auc[method=ipguard, suspects=all])" in line


def test_a_changed_csv_makes_a_comparison_false(root: Path) -> None:
    replaced(root / "results/mini/summary.csv", "kept,0.5", "kept,0.49")
    (line,) = told(reading(root), root)
    assert "READING.md:4: claim 3" in line and "min(summary.auc) >= 0.5 is not so: 0.49 >= 0.5" in line


def test_a_changed_sentence_is_noticed(root: Path) -> None:
    replaced(reading(root), "0.87", "0.88")
    lines = told(reading(root), root)
    assert any("claims.toml: claim 2" in line and "does not say «AUC of 0.87" in line for line in lines)
    assert any("READING.md:3: 0.88 is covered by no claim" in line for line in lines)


def test_an_uncovered_number_is_named_with_its_line(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replaced(reading(root), "## Settings", "| LTRC | 0.31 |\n\n## Settings")
    assert main([str(reading(root))], root) == 1
    assert capsys.readouterr().out.startswith("results/mini/READING.md:6: 0.31 is covered by no claim: «")


def test_a_document_without_claims_is_named(root: Path) -> None:
    (root / "README.md").write_text("AUC 0.87")
    (line,) = told(root / "README.md", root)
    assert "docs/claims/README.toml: there is no such file" in line
    (root / "docs" / "claims").mkdir(parents=True)
    (root / "docs" / "more.md").write_text("AUC 0.87")
    path = claims_of(root / "README.md", root)
    path.write_text('[[claim]]\ntext = "AUC 0.87"\nis = "max(mini/summary.auc[method=ipguard])"\n')
    assert told(root / "README.md", root) == []
    assert [path.name for path in documents(root)] == ["README.md", "more.md", "READING.md"]
    assert told(root / "docs" / "more.md", root) != []


MALFORMED = {
    '[[claim]]\ntext = "20 suspects"\n': "claim 5 «20 suspects» wants one of is, holds, given",
    '[[claim]]\nis = "1"\n': "wants a text that it quotes",
    '[[claim]]\ntext = "20 suspects"\ngiven = ""\n': "wants a text that it quotes, and something said of it",
    '[[claim]]\ntext = "20 suspects"\nwas = "1"\n': "claim 5 «20 suspects» has was, wants text, section",
    '[[claim]]\ntext = ["20 suspects", "100"]\nis = "1"\n': "wants one quotation",
    '[[claim]]\nsection = "Settings"\nholds = "1 < 2"\n': "wants one quotation",
    "claim = 3\n": "claim 4 «Settings» has claim, wants text",
    "[other]\n": "other is unknown, wants [define] and [[claim]]",
    "[[claim]\n": "cannot be read",
}


@pytest.mark.parametrize("text", MALFORMED)
def test_a_malformed_claims_file_is_one_line(text: str, root: Path) -> None:
    path = root / "results/mini/claims.toml"
    path.write_text(CLAIMS + text)
    (line,) = told(reading(root), root)
    assert "claims.toml: " in line and MALFORMED[text] in line and "\n" not in line


FAULTY = {
    '[[claim]]\ntext = "0.87 where saliency has 0.9"\nis = "1"\n': "1 expressions for 2 numbers (0.87, 0.9)",
    '[[claim]]\ntext = "AUC of 0.8"\nis = "0.8"\n': "the quotation cuts 0.87 in two",
    '[[claim]]\ntext = "suspects"\ngiven = "a word"\n': "«suspects» has no number",
    '[[claim]]\ntext = "20 suspects"\nis = "given:"\n': "20 is given, but it does not say why",
    '[[claim]]\ntext = "20 suspects"\nis = "mean(summary.acu)"\n': "20: summary has no column acu, did you mean auc?",
    '[[claim]]\ntext = "below 0.5"\nholds = "min(summary.auc) >= 0.4"\n': "0.5 stands in none of its comparisons",
    '[[claim]]\ntext = "below 0.5"\nholds = "min(summary.auc) > "\n': "wants a number, a function",
    '[[claim]]\nsection = "Setting"\ngiven = "x"\n': "the document has no section «Setting»",
}


@pytest.mark.parametrize("text", FAULTY)
def test_a_faulty_claim_is_one_line(text: str, root: Path) -> None:
    (root / "results/mini/claims.toml").write_text(CLAIMS + text)
    (line,) = told(reading(root), root)
    assert "claim 5" in line and FAULTY[text] in line and "\n" not in line


def test_an_item_may_be_given(root: Path) -> None:
    replaced(root / "results/mini/claims.toml", '"distinct(summary.suspect)"', '"given: a setting"')
    assert told(reading(root), root) == []


def test_an_expression_is_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mini", "max(summary.auc)"], root) == 0
    assert capsys.readouterr().out == "0.9049\n"
    with pytest.raises(SystemExit) as stopped:
        main(["mini", "max(summary.aoc)"], root)
    assert stopped.value.code == 2 and capsys.readouterr().err.startswith("error: summary has no column aoc")
