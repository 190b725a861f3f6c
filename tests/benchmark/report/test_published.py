"""The paper's numbers, and which of ours stand beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.errors import InputError
from benchmark.report import Findings, published
from benchmark.report import summary as summaries
from benchmark.report.findings import checked
from benchmark.report.summary import summarise
from benchmark.report.tables import Table

Make = Callable[..., Findings]
HEADER = "paper,place,task,method,verifier,metric,value,sd,unit,note\n"
RESULTS = Path(__file__).parents[3] / "results" / "published"


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "RESAMPLES", 20)


def compared(findings: Findings, folder: Path) -> Table:
    ready = checked(findings)
    return published.table(ready.scores, summarise(ready.scores), ready.prints, published.read(folder))


def positives_at_09(fingerprint: str, repeat: int, suspect: str, stolen: bool) -> int:
    return 90 if stolen else 10


def test_difference_n_and_both_data_sets_stand_beside_the_published_value(make_findings: Make, tmp_path: Path) -> None:
    claim = 'A 2024,Table 1,classification,saliency,white,aruc,0.897,0.005,share,"DermaMNIST, ResNet-18; N = 100"\n'
    (tmp_path / "a.csv").write_text(HEADER + claim)
    table = compared(make_findings(matched=positives_at_09), tmp_path)
    assert table.rows == [
        (
            "saliency white",
            "ARUC",
            "digits_class",
            "DermaMNIST, ResNet-18",
            "A 2024, Table 1 (N = 100)",
            "0.897 ± 0.005",
            "0.792 ± 0.000",
            "−0.105",
            "6+6 × 2",
        )
    ]


def test_prints_are_compared_in_the_published_unit(make_findings: Make, tmp_path: Path) -> None:
    claims = "A,T,classification,saliency,,label_accuracy,90,,%,X\nA,T,classification,saliency,,psnr,25.0,,dB,X\n"
    (tmp_path / "a.csv").write_text(HEADER + claims)
    accuracy, psnr = compared(make_findings(), tmp_path).rows
    assert accuracy[5:] == ("90.0", "100.0 ± 0.0", "+10.0", "100 prints × 2")
    assert psnr[5:8] == ("25.00", "24.50 ± 0.71", "−0.50")


def test_a_value_without_counterpart_is_counted_and_invents_no_row(make_findings: Make, tmp_path: Path) -> None:
    claims = (
        "A,T,classification,ltrc,,psnr,10,,dB,X\n"
        "A,T,classification,saliency,,detection_rate,0,,%,X\n"
        "A,T,regression,akh,,best,1,,share,X\n"
        "A,T,classification,ltrc,,psnr,,,dB,no value\n"
    )
    (tmp_path / "a.csv").write_text(HEADER + claims)
    table = compared(make_findings(), tmp_path)
    assert table.rows == []
    assert "3 published values have no counterpart in this experiment." in table.notes


def test_a_claim_without_verifier_stands_beside_each_of_ours(make_findings: Make, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + "A,T,regression,saliency,,best,1,,share,X\n")
    rows = compared(make_findings(), tmp_path).rows
    assert [(row[0], row[2]) for row in rows] == [
        ("saliency white", "digits_angle"),
        ("saliency black", "digits_angle"),
    ]


def test_a_file_without_a_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("paper,place\nA,B\n")
    with pytest.raises(InputError, match=r"bad\.csv: column task, method, .* is missing"):
        published.read(tmp_path)


def test_nothing_published_gives_no_rows(make_findings: Make, tmp_path: Path) -> None:
    assert published.read(None).empty
    assert published.read(tmp_path).empty
    assert compared(make_findings(), tmp_path).rows == []


def test_the_saliency_papers_numbers() -> None:
    claims = published.read(RESULTS)
    claims = claims[claims["paper"] == "Zhang, Pan, Zhang 2024"]
    found = claims.set_index(["method", "verifier", "metric", "task"])["value"]
    assert found["saliency", "white", "aruc", "classification"] == 0.897
    table_2 = {"saliency": 25.8253, "ipguard": 19.4149, "conferae": 39.8914, "tafa": 10.2424}
    assert {name: found[name, "", "psnr", "classification"] for name in table_2} == table_2
    rates = {"saliency": 0, "ipguard": 91, "conferae": 93, "ltrc": 100, "tafa": 100}
    assert {name: found[name, "", "detection_rate", "classification"] for name in rates} == rates
    assert claims.loc[claims["metric"] == "aruc", "sd"].tolist() == [0.005]
