"""Running jobs: order, failures, reruns, several workers. Kills, races and disks are in tests/faults."""

from __future__ import annotations

import signal

import pytest
import torch

from benchmark.cli.command import run
from benchmark.plan.models import ModelJob
from benchmark.plan.plan import plan
from benchmark.plan.reading import read
from benchmark.plan.verdicts import MeasureJob
from benchmark.run.executor import missing
from benchmark.run.local import Local, _Queue
from benchmark.store.artefacts import Store
from tests.builder import configuration
from tests.stores import built, carried_out, command, digests


@pytest.mark.parametrize("trainer", [{"channels_last": True}, {"precision": "bf16"}], ids=str)
def test_every_recipe_and_method_works_in_every_format(tmp_path, trainer):
    chosen = configuration(tmp_path, repeats=1)
    chosen["trainer"] |= trainer
    chosen["proof"]["drop"] = False  # prints of two steps work on no victim
    chosen["suspect"] |= {
        "recovered": {"_target_": "suspect/weight_pruning", "recovery_epochs": 1},
        "filters": {"_target_": "suspect/filter_pruning", "ratio": 0.25, "recovery_epochs": 1},
        "retrain": {"_target_": "suspect/retrain", "layers": ["last", "all"], "epochs": 1},
        "distill": {"_target_": "suspect/distill", "epochs": 1},
    }
    chosen["fingerprint"] |= {
        "saliency": {"_target_": "fingerprint/saliency", "steps": 2, "rounds": 1},
        "ipguard": {"_target_": "fingerprint/ipguard", "steps": 2},
        "akh": {"_target_": "fingerprint/akh"},
    }
    done = carried_out(chosen)
    assert not done.failures and not missing(done.plan, done.store)
    assert done.findings.scores["score"].notna().all()


def test_a_second_run_does_nothing_and_reports_the_same(tmp_path):
    assert run(configuration(tmp_path)) == 0
    before, scores = built(tmp_path / "store"), (tmp_path / "results/mini/scores.csv.gz").read_bytes()
    assert command(configuration(tmp_path)) == 0
    assert built(tmp_path / "store") == before
    assert (tmp_path / "results/mini/scores.csv.gz").read_bytes() == scores


def test_two_workers_make_the_same_bits_as_one(tmp_path):
    one, two = configuration(tmp_path / "one"), configuration(tmp_path / "two")
    two["executor"]["workers"] = 2
    assert not carried_out(one).failures and not carried_out(two).failures
    assert digests(tmp_path / "one/store") == digests(tmp_path / "two/store") != {}


def test_with_two_threads_the_bits_are_the_same_in_any_process_and_under_other_keys_than_with_one(tmp_path):
    trainer = {"_target_": "trainer/lightning", "device": "cpu"}
    threads = torch.get_num_threads()
    try:
        for name, number, workers in (("one", 1, 1), ("two", 2, 1), ("workers", 2, 2)):
            chosen = configuration(tmp_path / name, repeats=1, gallery=0, trainer=trainer | {"threads": number})
            chosen["executor"]["workers"] = workers
            assert not carried_out(chosen).failures
            assert torch.get_num_threads() == number or workers > 1
    finally:
        torch.set_num_threads(threads)
    one, two, workers = (digests(tmp_path / name / "store") for name in ("one", "two", "workers"))
    assert two == workers and len(one) == len(two) and not one.keys() & two.keys()


def test_a_failed_job_stops_only_what_needs_it(tmp_path, monkeypatch, capsys):
    from suspects.prune import WeightPruning

    def break_down(self, given):
        raise ArithmeticError("ratio\nis cursed")

    monkeypatch.setattr(WeightPruning, "derive", break_down)
    jobs = plan(read(configuration(tmp_path)))
    store = Store(tmp_path / "store")
    failures = Local(workers=1).run(jobs.jobs, jobs, store)
    first = [failure for failure in failures if isinstance(failure.job, ModelJob)]
    assert {failure.error for failure in first} == {"ArithmeticError: ratio is cursed"} and len(first) == 2
    assert all("needs «digits: suspect weight_pruning" in f.error for f in failures if f not in first)
    left = {job.key for job in missing(jobs, store)}
    assert left == {failure.job.key for failure in failures}
    judged = {job.suspect.recipe.family for job in jobs.of_kind(MeasureJob) if job.key not in left}
    assert judged == {"victim", "independent"}
    assert "(traceback: " in capsys.readouterr().err and len(list((store.root / "failures").iterdir())) == 2


def test_a_failure_is_reported_named_and_made_good_by_a_rerun(tmp_path, monkeypatch):
    from suspects.independent import Independent

    original = Independent.derive

    def derive(self, given):
        if self.replicate == 1:
            raise RuntimeError("out of luck")
        return original(self, given)

    monkeypatch.setattr(Independent, "derive", derive)
    assert command(configuration(tmp_path)) == 1
    page = (tmp_path / "results/mini/index.html").read_text()
    assert "independent replicate=1" in page and "out of luck" in page
    monkeypatch.setattr(Independent, "derive", original)
    before = built(tmp_path / "store")
    assert command(configuration(tmp_path)) == 0
    after = built(tmp_path / "store")
    assert before.items() < after.items()


def test_ctrl_c_in_training_leaves_no_half_model(tmp_path, monkeypatch):
    from benchmark.tasks.classification import Classification

    monkeypatch.setattr(Classification, "loss", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(configuration(tmp_path))
    finally:
        signal.signal(signal.SIGINT, before)  # Lightning has it ignored from then on
    assert built(tmp_path / "store") == {} and not list((tmp_path / "store").glob("??/.*.tmp"))


def test_the_queue_hands_out_parents_first_and_in_order(tmp_path):
    jobs = plan(read(configuration(tmp_path))).jobs
    queue, seen = _Queue(jobs), set()
    keys = {job.key for job in jobs}
    while queue.ready:
        job = queue.take()
        assert set(job.parents.values()) & keys <= seen
        seen.add(job.key)
        queue.done(job)
    assert seen == keys
