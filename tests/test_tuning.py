"""Settings come from tuning runs: the best of what every method tried on the owner's own models, and nothing judged."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from benchmark.paths import CONF, ROOT
from benchmark.plan.models import ModelJob
from benchmark.plan.plan import plan
from benchmark.plan.reading import read
from benchmark.report import reading
from tests.builder import composed

TUNED = {"digits": "digits_tuning", "deepjudge_digits": "digits_tuning"}  # experiment: where its settings come from


def best(name: str) -> dict[str, tuple[str, float]]:
    """By method the setting and the value of the largest AUC, mean over tasks and verifiers; ties by ARUC."""
    rows = reading.frame(ROOT / "results" / name, "ablations")
    means = rows.groupby(["fingerprint", "setting", "value"])[["auc", "aruc"]].mean().round(9).reset_index()
    order = means.sort_values(["auc", "aruc"], ascending=False, kind="stable").groupby("fingerprint").first()
    return {str(method): (str(row["setting"]), float(row["value"])) for method, row in order.iterrows()}


@pytest.mark.parametrize("experiment", TUNED)
def test_each_method_runs_at_the_best_that_tuning_found(experiment):
    config, tuning = composed(f"experiment={experiment}"), composed(f"experiment={TUNED[experiment]}")
    for method, (setting, value) in best(TUNED[experiment]).items():
        if method not in config["fingerprint"]:
            continue
        usual = OmegaConf.to_container(OmegaConf.load(CONF / "fingerprint" / f"{method}.yaml"))[method]
        for tried in tuning["ablation"]["settings"][method]:
            expected = value if tried == setting else usual[tried]
            assert config["fingerprint"][method][tried] == expected, f"fingerprint.{method}.{tried}"


@pytest.mark.parametrize("tuning", sorted(set(TUNED.values())))
def test_every_method_has_the_same_budget(tuning):
    settings = composed(f"experiment={tuning}")["ablation"]["settings"]
    assert {tuple(sorted(map(len, values.values()))) for values in settings.values()} == {(3, 5)}


@pytest.mark.parametrize(("experiment", "tuning"), TUNED.items())
def test_no_model_that_settings_were_chosen_on_is_judged(experiment, tuning):
    judged, chosen = (
        {job.key for job in plan(read(composed(f"experiment={name}", "ablation.settings={}"))).of_kind(ModelJob)}
        for name in (experiment, tuning)
    )
    assert judged and chosen and not judged & chosen
