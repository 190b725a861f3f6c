"""What a channel does to a verdict: every method asked through each channel, side by side."""

from __future__ import annotations

import pandas as pd

from benchmark import metrics
from benchmark.report import findings as found
from benchmark.report.findings import Findings
from benchmark.report.names import spaced
from benchmark.report.numbers import DASH, spread
from benchmark.report.summary import judged
from benchmark.report.tables.table import Footnotes, Row, Table

ABOUT = (
    "A channel is what stands between a query and the suspect, such as rounding to 8-bit pictures. Over all suspects, "
    "mean ± standard deviation over victims. Where no table or figure names a channel it is «{}»."
)


def table(findings: Findings) -> Table:
    """ARUC and AUC over all suspects, a pair of columns per channel, mean ± sd over victims."""
    notes = Footnotes()
    scores, names = findings.scores, found.channels(findings)
    suspects = scores[scores["family"] != "victim"]
    rows: list[Row] = []
    for (task, fingerprint, verifier), group in suspects.groupby(["task", "fingerprint", "verifier"], sort=False):
        name = found.label(scores, str(fingerprint), str(verifier))
        cells = [cell for key in names for cell in _pair(group[group["channel"] == key], notes)]
        rows.append((str(task), notes.cell(name, findings.marks.get(str(fingerprint), "")), *cells))
    pairs = (f"{area}, {spaced(key)}" for key in names for area in ("ARUC", "AUC"))
    about = ABOUT.format(spaced(findings.channel))
    return Table("channels", "Verdicts by channel", ("Task", "Method", *pairs), rows, 2, [about], notes.texts)


def _pair(group: pd.DataFrame, notes: Footnotes) -> Row:
    """ARUC and AUC of one method on one channel, or why there are none."""
    if group.empty:
        return DASH, DASH
    if not judged(group):
        reason = next((text for text in group["reason"] if text), "no scored positive or no scored negative")
        return notes.cell("n/a", str(reason)), DASH
    sets = {key: _areas(each) for key, each in group.groupby(["victim", "repeat"]) if judged(each)}
    areas = pd.DataFrame(sets).T.groupby(level=0).mean()
    aruc, auc = (spread(areas[name].mean(), areas[name].std(ddof=1)) for name in areas)
    return aruc, auc


def _areas(group: pd.DataFrame) -> dict[str, float]:
    scores, positive = group["score"].to_numpy(), group["positive"].to_numpy()
    return {"aruc": metrics.aruc(scores, positive), "auc": metrics.roc_auc(scores, positive)}
