"""Running jobs: order, failures, reruns, several workers. Kills, races and disks are in tests/faults."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest
from benchmark.plan.jobs import MeasureJob, ModelJob

from benchmark.cli.command import run
from benchmark.plan.experiment import read
from benchmark.plan.plan import plan
from benchmark.run.local import Local, _Queue, missing
from benchmark.store.artefacts import Store

TASK = {
    "_target_": "task/classification",
    "data": {"_target_": "data/digits"},
    "architecture": {"_target_": "network/small_resnet", "widths": [4, 4, 4]},
    "training": {"_target_": "training/one_cycle", "epochs": 1, "batch": 256},
}


def config(folder: Path, **changes: object) -> dict:
    """A whole experiment in about two seconds: one task, four suspects, one method."""
    return {
        "name": "mini",
        "task": {"digits": TASK},
        "suspect": {
            "weight_pruning": {"_target_": "suspect/weight_pruning", "ratio": [0.1, 0.5]},
            "independent": {"_target_": "suspect/independent", "replicate": [0, 1]},
        },
        "fingerprint": {"random": {"_target_": "fingerprint/random"}},
        "auxiliary": {
            "surrogate": [{"_target_": "suspect/finetune"}],
            "reference": [{"_target_": "suspect/independent"}],
        },
        "trainer": {"_target_": "trainer/lightning", "device": "cpu"},
        "executor": {"_target_": "executor/local", "workers": 1},
        "count": 10,
        "repeats": 2,
        "repeat_zoo": False,
        "gallery": 1,
        "degraded": 5.0,
        "ablation": {"counts": [], "settings": {}, "repeats": 2},
        "compute": True,
        "store": str(folder / "store"),
        "results": str(folder / "results"),
        **changes,
    }


def built(store: Path) -> dict[str, float]:
    """When each artefact's manifest was written, by key: a rebuilt artefact shows."""
    manifests = (path for path in store.glob("??/*/manifest.json") if not path.parent.name.startswith("."))  # no drafts
    return {path.parent.name: path.stat().st_mtime_ns for path in manifests}


def digests(store: Path) -> dict[str, dict]:
    """The checksums of what was computed: weights, prints, measurements (not of records with seconds in them)."""
    manifests = [json.loads(path.read_text()) for path in store.glob("??/*/manifest.json")]
    return {
        m["key"]: {name: f["sha256"] for name, f in m["files"].items() if name.endswith("safetensors")}
        for m in manifests
    }


@pytest.mark.parametrize("trainer", [{"channels_last": True}, {"precision": "bf16"}], ids=str)
def test_every_recipe_and_method_works_in_every_format(tmp_path, trainer):
    changed = config(tmp_path, repeats=1)
    changed["trainer"] = {"_target_": "trainer/lightning", "device": "cpu", **trainer}
    changed["suspect"] |= {
        "recovered": {"_target_": "suspect/weight_pruning", "recovery_epochs": 1},
        "filters": {"_target_": "suspect/filter_pruning", "ratio": 0.25, "recovery_epochs": 1},
        "retrain": {"_target_": "suspect/retrain", "layers": ["last", "all"], "epochs": 1},
        "distill": {"_target_": "suspect/distill", "epochs": 1},
    }
    changed["fingerprint"] |= {
        "saliency": {"_target_": "fingerprint/saliency", "steps": 2, "rounds": 1},
        "ipguard": {"_target_": "fingerprint/ipguard", "steps": 2},
        "akh": {"_target_": "fingerprint/akh"},
    }
    assert run(changed) == 0


def test_a_second_run_does_nothing_and_reports_the_same(tmp_path):
    assert run(config(tmp_path)) == 0
    before, scores = built(tmp_path / "store"), (tmp_path / "results/mini/scores.csv").read_bytes()
    assert run(config(tmp_path)) == 0
    assert built(tmp_path / "store") == before
    assert (tmp_path / "results/mini/scores.csv").read_bytes() == scores


def test_two_workers_make_the_same_bits_as_one(tmp_path):
    one, two = config(tmp_path / "one"), config(tmp_path / "two")
    two["executor"] = {"_target_": "executor/local", "workers": 2}
    assert run(one) == 0 and run(two) == 0
    assert digests(tmp_path / "one/store") == digests(tmp_path / "two/store") != {}


def test_a_failed_job_stops_only_what_needs_it(tmp_path, monkeypatch, capsys):
    from suspects.prune import WeightPruning

    def break_down(self, case):
        raise ArithmeticError("ratio\nis cursed")

    monkeypatch.setattr(WeightPruning, "derive", break_down)
    jobs = plan(read(config(tmp_path)))
    store = Store(tmp_path / "store")
    failures = Local(workers=1).run(jobs.jobs, jobs, store)
    first = [failure for failure in failures if isinstance(failure.job, ModelJob)]
    assert {failure.error for failure in first} == {"ArithmeticError: ratio is cursed"} and len(first) == 2
    assert all("needs «digits: suspect weight_pruning" in f.error for f in failures if f not in first)
    left = {job.key for job in missing(jobs, store)}
    assert left == {failure.job.key for failure in failures}
    assert any(isinstance(job, MeasureJob) and job.suspect.recipe.family == "independent" for job in jobs.jobs)
    assert "(traceback: " in capsys.readouterr().err and len(list((store.root / "failures").iterdir())) == 2


def test_a_failure_is_reported_named_and_made_good_by_a_rerun(tmp_path, monkeypatch):
    from suspects.independent import Independent

    original = Independent.derive

    def derive(self, case):
        if self.replicate == 1:
            raise RuntimeError("out of luck")
        return original(self, case)

    monkeypatch.setattr(Independent, "derive", derive)
    assert run(config(tmp_path)) == 1
    page = (tmp_path / "results/mini/index.html").read_text()
    assert "independent replicate=1" in page and "out of luck" in page
    monkeypatch.setattr(Independent, "derive", original)
    before = built(tmp_path / "store")
    assert run(config(tmp_path)) == 0
    after = built(tmp_path / "store")
    assert before.items() < after.items()


def program(folder: Path, chosen: dict) -> list[str]:
    """A command that runs the experiment, workers and all."""
    path = folder / "program.py"
    text = json.dumps(json.dumps(chosen))
    path.write_text(
        f"import json; from benchmark.cli.command import run\n"
        f"if __name__ == '__main__': raise SystemExit(run(json.loads({text})))"
    )
    return [sys.executable, str(path)]


def test_ctrl_c_in_training_leaves_no_half_model(tmp_path, monkeypatch):
    from benchmark.tasks.classification import Classification

    monkeypatch.setattr(Classification, "loss", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(config(tmp_path))
    finally:
        signal.signal(signal.SIGINT, before)  # Lightning has it ignored from then on
    assert built(tmp_path / "store") == {} and not list((tmp_path / "store").glob("??/.*.tmp"))


def test_the_queue_hands_out_parents_first_and_in_order(tmp_path):
    jobs = plan(read(config(tmp_path))).jobs
    queue, seen = _Queue(jobs), set()
    keys = {job.key for job in jobs}
    while queue.ready:
        job = queue.take()
        assert set(job.parents.values()) & keys <= seen
        seen.add(job.key)
        queue.done(job)
    assert seen == keys
