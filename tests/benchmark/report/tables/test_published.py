"""The paper's numbers, and which of ours stand beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.errors import InputError
from benchmark.paths import ROOT
from benchmark.report import Findings
from benchmark.report import summary as summaries
from benchmark.report.findings import checked, of_main_channel
from benchmark.report.summary import summarise
from benchmark.report.tables import published
from benchmark.report.tables.table import Cell, Table

Make = Callable[..., Findings]
HEADER = "paper,place,task,method,verifier,metric,value,sd,unit,note\n"
RESULTS = ROOT / "results" / "published"


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "RESAMPLES", 20)


def compared(findings: Findings, folder: Path) -> Table:
    ready = checked(findings)
    return published.table(ready, summarise(of_main_channel(ready).scores), published.read(folder))


def positives_at_09(fingerprint: str, repeat: int, suspect: str, positive: bool) -> int:
    return 90 if positive else 10


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
            "0.792",
            "−0.105",
            "6+6 × 1 × 2",
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
        "A,T,classification,saliency,squeezing,detection_rate,0,,%,X\n"
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


def test_detection_rates_stand_beside_the_named_detectors_own(make_whole: Make, tmp_path: Path) -> None:
    claims = "".join(f"A,T,classification,saliency,{name},detection_rate,5,,%,X\n" for name in ("squeezing", "svdd"))
    (tmp_path / "a.csv").write_text(HEADER + claims + "A,T,regression,saliency,squeezing,detection_rate,5,,%,X\n")
    table = compared(make_whole(), tmp_path)
    squeezing, svdd = table.rows  # the fixed threshold only; on the regression squeezing does not apply
    assert squeezing[1:3] == ("Detection rate % (squeezing, fixed)", "digits_class")
    assert squeezing[5:] == ("5.0", "50.5 ± 0.7", "+45.5", "100 prints × 2")
    assert svdd[1] == "Detection rate % (svdd, q95)"
    assert svdd[6] == "75.5 ± 0.7"
    assert "1 published values have no counterpart in this experiment." in table.notes


def by_method(fingerprint: str, repeat: int, suspect: str, positive: bool) -> int:
    """ARUC (h - 1) / 101 with all positives at h %: 59, 39 and 29 of 101, the third with another repeat."""
    high = {"saliency": 60, "ipguard": 40 - 10 * repeat, "tafa": 30}.get(fingerprint, 90)
    return high if positive else 0


GAIN = "A,T,classification,saliency,black,aruc_gain_over_best_baseline,140,,%,X\n"
SALIENCY = [("saliency", "white", "white box"), ("saliency", "black", "probability")]


def test_the_gain_is_over_the_best_of_the_papers_baselines(make_findings: Make, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + GAIN)
    others = [(name, "label", "label") for name in ("tafa", "ipguard", "akh")]
    findings = make_findings(methods=[*SALIENCY, *others], matched=by_method, tasks=["digits_class"])
    findings.marks["ipguard"] = "Reconstructed."
    table = compared(findings, tmp_path)
    [row] = table.rows  # akh is far better, and no baseline of the paper's
    assert row[0] == "saliency black"
    assert row[1] == Cell("ARUC gain % over ipguard, the best of 2 baselines", ("a",))
    gain = 100 * (60 / 35 - 1)  # of ARUC: R is 1 and U is 1 on 60 thresholds; on (40 + 30) / 2 for ipguard
    assert row[5:] == ("140", f"{gain:.0f}", f"−{140 - gain:.0f}", "6+6 × 1 × 2")


def test_there_is_no_gain_without_a_baseline_and_none_over_a_baseline_at_zero(
    make_findings: Make, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(HEADER + GAIN)
    alone = compared(make_findings(methods=[*SALIENCY, ("akh", "label", "label")]), tmp_path)
    assert alone.rows == []
    assert "1 published values have no counterpart in this experiment." in alone.notes

    def failed(fingerprint: str, repeat: int, suspect: str, positive: bool) -> int:
        return 50 if positive and fingerprint == "saliency" else 0

    methods = [*SALIENCY, ("ipguard", "label", "label")]
    [row] = compared(make_findings(methods=methods, matched=failed, tasks=["digits_class"]), tmp_path).rows
    assert row[5:8] == ("140", "–", "–")


def test_a_metric_that_the_paper_has_no_value_for_stands_beside_a_dash(make_findings: Make, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + "A,T,classification,akh,,psnr,,,dB,X; undefined\n")
    table = compared(make_findings(), tmp_path)
    assert [row[5:] for row in table.rows] == [("–", "–", "–", "–")]
    assert len(table.notes) == 1


def test_a_marked_method_carries_its_footnote(make_findings: Make, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + "A,T,classification,saliency,,psnr,25.0,,dB,X\n")
    findings = make_findings()
    findings.marks["saliency"] = "Reconstructed."
    table = compared(findings, tmp_path)
    assert table.rows[0][0] == Cell("saliency", ("a",))
    assert table.footnotes == {"a": "Reconstructed."}


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
    rates = found.xs(("detection_rate", "classification"), level=("metric", "task")).to_dict()
    squeezed = {("saliency", "squeezing"): 0, ("ipguard", "squeezing"): 91, ("conferae", "squeezing"): 93}
    assert rates == squeezed | {("saliency", "svdd"): 0, ("ltrc", "svdd"): 100, ("tafa", "svdd"): 100}
    assert claims.loc[claims["metric"] == "aruc", "sd"].tolist() == [0.005]
