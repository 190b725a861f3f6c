"""Settings come from tuning runs: the best of what every method tried on the owner's own models, and nothing judged."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from benchmark.paths import CONF, ROOT
from benchmark.report import reading
from tests.builder import composed

TUNED = {  # experiment: where its settings come from
    "age_utkface": "age_utkface_tuning",
    "deepjudge_digits": "digits_tuning",
    "deepjudge_small": "deepjudge_small_tuning",
    "digits": "digits_tuning",
    "face_folder": "face_folder_tuning",
    "ham10000": "ham10000_tuning",
}
UNTOUCHED = {  # methods of which no setting that was tried changes a print, since the victim makes mistakes enough
    "deepjudge_small_tuning": {"akh"},
    "ham10000_tuning": {"akh"},
}
UNMADE = {  # settings with which a victim that is judged gets no prints, as its owner sees before anything is judged
    "deepjudge_small": {"deepjudge_white": ("m", 3.0)},
}
PLACE = ["task", "verifier"]


def usual(method: str) -> dict[str, object]:
    """The settings of the method's own yaml."""
    return OmegaConf.to_container(OmegaConf.load(CONF / "fingerprint" / f"{method}.yaml"))[method]


def best(name: str, unmade: dict[str, tuple[str, object]]) -> dict[str, tuple[str, object]]:
    """By method the setting and the value of the largest AUC, mean over tasks and verifiers; ties by ARUC.

    Configurations with an unmade value are passed over.

    A verifier that a setting does not touch has no rows for it: the usual value's stand in, so that every mean is over
    the same verifiers.
    """
    rows = reading.frame(ROOT / "results" / name, "ablations")
    rows["value"] = [float(value) if str(value)[0].isdigit() else str(value) for value in rows["value"]]
    found: dict[str, tuple[str, object]] = {}
    for method, here in rows.groupby("fingerprint"):
        own = here[here["value"] == here["setting"].map(usual(str(method)))]
        stand_in = own.groupby(PLACE)[["auc", "aruc"]].first()
        barred, means = unmade.get(str(method)), []
        for (setting, value), point in here.groupby(["setting", "value"], sort=False):
            if barred and (usual(str(method)) | {setting: value})[barred[0]] == barred[1]:
                continue
            areas = point.groupby(PLACE)[["auc", "aruc"]].first().reindex(stand_in.index).fillna(stand_in)
            means.append((*areas.mean().round(9), (str(setting), value)))
        found[str(method)] = max(means, key=lambda mean: mean[:2])[2]
    return found


@pytest.mark.parametrize("experiment", TUNED)
def test_each_method_runs_at_the_best_that_tuning_found(experiment):
    config, tuning = composed(f"experiment={experiment}"), composed(f"experiment={TUNED[experiment]}")
    for method, (setting, value) in best(TUNED[experiment], UNMADE.get(experiment, {})).items():
        if method not in config["fingerprint"]:
            continue
        for tried in tuning["ablation"]["settings"][method]:
            expected = value if tried == setting else usual(method)[tried]
            assert config["fingerprint"][method][tried] == expected, f"fingerprint.{method}.{tried}"


@pytest.mark.parametrize("tuning", sorted(set(TUNED.values())))
def test_every_method_has_the_same_budget(tuning):
    settings = composed(f"experiment={tuning}")["ablation"]["settings"]
    assert len({tuple(sorted(map(len, values.values()))) for values in settings.values()}) == 1
    for method, tried in settings.items():
        assert len(tried) == 2 and all(usual(method)[name] in values for name, values in tried.items()), method


@pytest.mark.parametrize("tuning", sorted(set(TUNED.values())))
def test_every_value_that_was_tried_has_its_areas(tuning):
    rows = reading.frame(ROOT / "results" / tuning, "ablations")
    tried = composed(f"experiment={tuning}")["ablation"]["settings"]
    assert set(tried) - set(rows["fingerprint"]) == UNTOUCHED.get(tuning, set())
    for (method, setting), here in rows.groupby(["fingerprint", "setting"]):
        assert here.groupby(PLACE)["value"].nunique().eq(len(tried[method][setting])).all(), (method, setting)


@pytest.mark.parametrize(("experiment", "tuning"), TUNED.items())
def test_no_model_that_settings_were_chosen_on_is_judged(experiment, tuning):
    judged, chosen = (set(reading.frame(ROOT / "results" / name, "models")["key"]) for name in (experiment, tuning))
    assert judged and chosen and not judged & chosen
