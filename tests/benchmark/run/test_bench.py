"""What the bench keeps of a job: its files, the reason why there are none, nothing of what could not be used again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from benchmark.access.access import LABEL, LabelAPI
from benchmark.contracts.fingerprint import Matcher, Verifier
from benchmark.contracts.owner import Asset, Needs, Owner, Preparation, State
from benchmark.contracts.prints import Prints
from benchmark.contracts.suspect import Ingredients, Suspect
from benchmark.contracts.truth import Relation
from benchmark.errors import Inapplicable
from benchmark.networks.network import Network
from benchmark.plan.job import Bench as Given
from benchmark.plan.job import Job
from benchmark.run.bench import Bench
from benchmark.run.executor import missing
from benchmark.run.process import failure_note
from benchmark.store.artefacts import Store, write_json, write_tensors
from benchmark.store.reasons import INAPPLICABLE, reason_of
from benchmark.tasks.base import Payload, Task
from fingerprints.labels import LabelMatch
from fingerprints.random import Random
from tests.builder import configuration
from tests.recipes import WHY
from tests.stores import Done, carried_out


class Unmade(Asset, name="asset/test_unmade"):
    """An asset that there cannot be for any victim."""

    def prepare(self, given: Preparation) -> State:
        raise Inapplicable(WHY)


class Choosy(Matcher):
    """Judges no copies: whatever answers as the victim did is refused."""

    access: ClassVar[str] = LABEL

    def measure(self, prints: Prints, suspect: LabelAPI) -> Tensor:
        if (suspect.labels(prints.samples) == prints.payload["answer"]).all():
            raise Inapplicable(WHY)
        return torch.zeros(len(prints.samples))

    def matches(self, measured: Tensor, payload: Payload) -> Tensor:
        return measured > 0


class Helpless(Random, name="fingerprint/test_helpless"):
    """Random test images, where `at` says that there can be none: nowhere, or without an asset."""

    at: str = ""

    def needs(self) -> Needs:
        return Needs(assets={"unmade": Unmade()} if self.at == "prepare" else {})

    def generate(self, owner: Owner, count: int, generator: torch.Generator) -> Prints:
        if self.at == "generate":
            raise Inapplicable(WHY)
        return super().generate(owner, count, generator)

    def verifiers(self, task: Task) -> Mapping[str, Verifier]:
        return {"label": LabelMatch(), "choosy": Choosy()}


def reasons(done: Done) -> dict[str, str]:
    """The reasons in the store, by the job's title; such an artefact holds nothing else."""
    found = {}
    for job in done.plan.jobs:
        artefact = done.store.open(job.key)
        if reason := reason_of(artefact):
            found[job.title] = reason
            assert set(artefact.files) == {INAPPLICABLE}
    return found


def below(done: Done, *titles: str) -> set[str]:
    """The titles of these jobs and of all that is made from them."""
    keys = {done.job(title).key for title in titles}
    for job in done.plan.jobs:  # parents come first
        if keys & set(job.parents.values()):
            keys.add(job.key)
    return {job.title for job in done.plan.jobs if job.key in keys}


def test_a_suspect_that_there_cannot_be_leaves_its_reason_to_all_that_need_it(tmp_path):
    chosen = configuration(tmp_path)
    chosen["suspect"]["refused"] = {"_target_": "suspect/test_refused"}
    done = carried_out(chosen)
    assert not done.failures and not missing(done.plan, done.store)
    expected = below(done, "suspect refused")
    assert (
        reasons(done) == dict.fromkeys(expected, WHY) and len(expected) == 5
    )  # its worth, measured twice, in the gallery


@pytest.mark.parametrize(("at", "root"), [("generate", "prints, repeat 0"), ("prepare", "digits: asset/test_unmade")])
def test_prints_that_there_cannot_be_leave_their_reason_to_all_that_need_them(tmp_path, at, root):
    chosen = configuration(tmp_path, repeats=1)
    chosen["fingerprint"] = {"helpless": {"_target_": "fingerprint/test_helpless", "at": at}}
    chosen["suspect"]["leaked"] = {"_target_": "suspect/leaked", "method": "helpless", "epochs": 1}
    done = carried_out(chosen)
    assert not done.failures and not missing(done.plan, done.store)
    expected, found = below(done, root), reasons(done)
    of_it = WHY if at == "generate" else f"asset/test_unmade: {WHY}"
    assert found.keys() == expected and set(found.values()) <= {WHY, of_it} and of_it in found.values()
    kinds = {job.kind for job in done.plan.jobs if job.title in expected}
    assert {"prints", "measurement", "visibility", "exhibit", "model"} <= kinds  # the thief's model too


def test_a_suspect_that_one_verifier_cannot_judge_is_judged_by_the_others(tmp_path):
    chosen = configuration(tmp_path, repeats=1)
    chosen["fingerprint"] = {"helpless": {"_target_": "fingerprint/test_helpless"}}
    done = carried_out(chosen)
    assert not done.failures and not reasons(done)
    found = done.store.open(done.job("as made, victim").key)
    assert found.tensors("measured.safetensors").keys() == {"label"}
    assert found.json("cost.json")["choosy"] == {"reason": WHY} and "seconds" in found.json("cost.json")["label"]


class Halfway(Job):
    """A kind of job of its own, which finds out late that there can be no such artefact."""

    kind: ClassVar[str] = "halfway"
    title = "halfway"

    def made_from(self) -> Mapping[str, Job]:
        return {}

    def identity(self) -> dict[str, str]:
        return {}

    def build(self, bench: Given, folder) -> None:
        (folder / "sub").mkdir()
        write_json(folder / "sub" / "half.json", {})
        write_json(folder / "half.json", {})
        raise Inapplicable(WHY)


def test_of_what_was_written_before_the_reason_nothing_stays(tmp_path, tasks, trainer):
    made = Bench(Store(tmp_path), trainer).do(Halfway("any", tasks["classification"]))
    assert reason_of(made) == WHY
    assert sorted(path.name for path in made.folder.rglob("*")) == [INAPPLICABLE, "manifest.json"]


class Block(Job):
    """A tensor of 4 KiB and its file's head, which counts its loads."""

    kind: ClassVar[str] = "block"
    loads: ClassVar[list[str]] = []

    @property
    def title(self) -> str:
        return self.task_name

    def made_from(self) -> Mapping[str, Job]:
        return {}

    def identity(self) -> dict[str, str]:
        return {"name": self.task_name}

    def build(self, bench: Given, folder) -> None:
        write_tensors(folder / "block.safetensors", {"block": torch.zeros(1024)})

    def load(self, bench: Given) -> Tensor:
        self.loads.append(self.title)
        return bench.open(self).tensors("block.safetensors")["block"]


@pytest.mark.parametrize(("kib", "left"), [(0, "c"), (5, "c"), (9, "bc"), (13, "abc"), (99, "abc")])
def test_what_stays_loaded_is_bound_in_bytes_and_the_last_always_does(tmp_path, tasks, trainer, monkeypatch, kib, left):
    bench = Bench(Store(tmp_path), trainer, keep=kib / 2**20)
    jobs = {name: Block(name, tasks["classification"]) for name in "abc"}
    for job in jobs.values():
        bench.do(job)
        bench.loaded(job)
        assert bench.loaded(job) is bench.loaded(job)
    monkeypatch.setattr(Block, "loads", [])
    for name in reversed(left):
        bench.loaded(jobs[name])
    assert not Block.loads
    for name in sorted(set("abc") - set(left)):
        bench.loaded(jobs[name])
    assert Block.loads == sorted(set("abc") - set(left))


class Wrapped(Suspect, name="suspect/test_wrapped"):
    """A copy that is no network of the task's: it has a layer more, or it has lost the last one."""

    layers: int = 1

    relation: ClassVar[Relation] = Relation.MODIFIED

    def derive(self, given: Ingredients) -> Network:
        network = given.copy_of_victim()
        head = list(network.head)
        network.head = nn.Sequential(*head, nn.Linear(10, 10)) if self.layers > 0 else nn.Sequential(*head[:-1])
        return network


@pytest.mark.parametrize(
    ("layers", "line"),
    [(-1, "cannot be built again"), (1, "head.3.weight is stored, and the network has no such tensor")],
)
def test_a_network_that_its_tensors_do_not_give_back_is_a_failed_job(tmp_path, layers, line):
    chosen = configuration(tmp_path, repeats=1, gallery=0)
    chosen["suspect"]["wrapped"] = {"_target_": "suspect/test_wrapped", "layers": layers}
    done = carried_out(chosen)
    (first,) = [failure for failure in done.failures if not failure.error.startswith("needs «")]
    assert first.job.recipe.family == "wrapped" and line in first.error and "\n" not in first.error
    assert {failure.job.title for failure in done.failures} == below(done, "suspect wrapped")
    assert not done.store.has(first.job.key) and failure_note(done.store.root, first.job.key).exists()
    assert not list(done.store.root.glob("??/.*.tmp"))
