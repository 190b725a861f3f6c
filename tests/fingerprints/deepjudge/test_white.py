"""DeepJudge's white box: test cases past their bars, and NOD, NAD, LOD and LAD against slow loops."""

from __future__ import annotations

import copy
import dataclasses
from collections import Counter

import pytest
import torch
from torch import nn

from benchmark.access.access import WHITE_BOX, grant
from benchmark.access.target import Target
from benchmark.errors import Inapplicable, InputError
from benchmark.networks.layers import neuron_outputs
from fingerprints.deepjudge.white import DeepJudgeWhite, activated, read, turns, written
from suspects.prune import FilterPruning

EASY = {"contrast": 2, "m": 1.5, "learning_rate": 0.03, "steps": 120}


@pytest.fixture
def white(task, owner_of, disturbed):
    """The owner of each kind of task in turn."""
    owner = owner_of(task)
    return dataclasses.replace(owner, references=tuple(disturbed(owner.victim, size) for size in (0.5, 1.0)))


@pytest.fixture
def owner(classifier, disturbed):
    return dataclasses.replace(classifier, references=tuple(disturbed(classifier.victim, size) for size in (0.5, 1.0)))


def slow_outputs(network, layer: str, x) -> list[list[float]]:
    """phi by a hook of its own and loops over channels, one image at a time."""
    found = []
    hook = network.body.get_submodule(layer).register_forward_hook(lambda _, __, out: found.append(out.detach()))
    for image in x:
        network(image[None])
    hook.remove()
    return [[float(sum(c.flatten().tolist()) / c.numel()) for c in out[0]] for out in found]


def test_every_test_case_drives_its_neuron_past_m_times_the_largest_output_seen(white, generator):
    method = DeepJudgeWhite(**EASY)
    prints = method.generate(white, 24, generator(0))
    layer = prints.notes["layer"]
    train = slow_outputs(white.victim, layer, white.data.train.pixels())
    outputs = slow_outputs(white.victim, layer, prints.samples)
    for row, neuron in zip(outputs, prints.payload["neuron"].tolist(), strict=True):
        assert row[neuron] > 1.5 * max(each[neuron] for each in train) > 0
    torch.testing.assert_close(prints.payload["outputs"], torch.tensor(outputs), rtol=1e-4, atol=1e-4)
    pool = {tuple(image.flatten().tolist()) for image in white.data.test.pixels()}
    assert all(tuple(image.flatten().tolist()) in pool for image in prints.origin)


def test_a_case_stops_at_the_first_sight_of_its_bar_as_adam_would_alone(tasks, owner_of, generator):
    """In double precision, by torch.optim.Adam, one pair at a time."""
    owner = owner_of(tasks["classification"], double=True)
    owner = dataclasses.replace(owner, references=(owner.victim, owner.victim))
    method = DeepJudgeWhite(**EASY)
    prints = method.generate(owner, 6, generator(0))
    layer = prints.notes["layer"]
    bars = 1.5 * neuron_outputs(owner.victim, layer, owner.data.train.pixels()).amax(dim=0)
    for x, neuron, sample in zip(prints.origin, prints.payload["neuron"], prints.samples, strict=True):
        x = x.clone().requires_grad_(True)
        optimiser = torch.optim.Adam([x], lr=0.03)
        for _ in range(120):
            output = neuron_outputs(owner.victim, layer, x[None])[0, neuron]
            if output > bars[neuron]:
                break
            optimiser.zero_grad()
            (-output).backward()
            optimiser.step()
            with torch.no_grad():
                x.clamp_(0, 1)
        torch.testing.assert_close(sample, x.detach(), rtol=0, atol=1e-6)


def test_neurons_are_covered_evenly(owner, generator):
    prints = DeepJudgeWhite(**EASY).generate(owner, 24, generator(0))
    counts = Counter(prints.payload["neuron"].tolist())
    assert len(counts) == prints.notes["neurons"] == 8  # the width of the first stage
    assert max(counts.values()) - min(counts.values()) <= 1
    assert len({tuple(s.flatten().tolist()) for s in prints.samples}) == 24


def test_neurons_that_no_image_reaches_are_dropped_and_counted(owner, generator):
    """A dead one has a bar of 0, one that saturates can never get past its bar."""
    block = owner.victim.body.get_submodule("1")
    with torch.no_grad():
        for branch in (block.branch[4], *(m for m in block.shortcut.modules() if isinstance(m, nn.BatchNorm2d))):
            branch.weight[0], branch.bias[0] = 0, -100
        block.branch[4].weight[3] = 0
        block.branch[4].bias[3] = 100  # nearly the same on every image
    prints = DeepJudgeWhite(**EASY).generate(owner, 20, generator(0))
    reached = set(prints.payload["neuron"].tolist())
    assert 0 not in reached and 3 not in reached and len(reached) == prints.notes["neurons"] == 6
    assert prints.notes["dead"] == 1 and prints.notes["unreached"] == 1
    assert prints.notes["accepted"] < 1


def test_too_few_cases_are_an_error_that_says_what_to_do(owner, generator):
    with pytest.raises(InputError, match=r"^count: 0 of \d+ seeds drove a neuron of layer 1 past its bar, 5 wanted"):
        DeepJudgeWhite(contrast=2, m=50.0, steps=3, starts=4).generate(owner, 5, generator(0))


def test_without_clip_prints_are_pictures_still_and_the_notes_say_what_it_cost(owner, generator):
    free = DeepJudgeWhite(**EASY, clip=False).generate(owner, 10, generator(0))
    assert free.samples.min() >= 0 and free.samples.max() <= 1
    assert free.notes["outside [0,1]"] > 0 and 0 <= free.notes["below the bar"] <= 1
    assert "outside [0,1]" not in DeepJudgeWhite(**EASY).generate(owner, 10, generator(0)).notes


def test_the_distances_are_those_of_slow_loops(owner, disturbed, generator):
    method = DeepJudgeWhite(**EASY, theta=0.4, p=3.0)
    prints = method.generate(owner, 16, generator(0))
    suspect, layer = disturbed(owner.victim, 0.8), prints.notes["layer"]
    own, other = (slow_outputs(network, layer, prints.samples) for network in (owner.victim, suspect))

    def bits(row: list[float]) -> list[int]:
        return [int((value - min(row)) / (max(row) - min(row) + 1e-6) > 0.4) for value in row]

    expected = {"nod": 0.0, "nad": 0.0, "lod": 0.0, "lad": 0.0}
    for a, b, i in zip(own, other, prints.payload["neuron"].tolist(), strict=True):
        flips = [abs(u - v) for u, v in zip(bits(a), bits(b), strict=True)]
        expected["nod"] += abs(a[i] - b[i]) / 16
        expected["nad"] += flips[i] / 16
        expected["lod"] += sum(abs(u - v) ** 3 for u, v in zip(a, b, strict=True)) ** (1 / 3) / 16
        expected["lad"] += sum(flips) / len(flips) / 16
    verifiers = method.verifiers(owner.task)
    for name, value in expected.items():
        access = grant(WHITE_BOX, Target.of(owner.task, suspect))
        assert value > 0
        found = verifiers[name].statistic(verifiers[name].measure(prints, access), prints.payload)
        assert found == pytest.approx(value, rel=1e-4), name
        assert access.queries == 16
    whole = verifiers["white"].measure(prints, grant(WHITE_BOX, Target.of(owner.task, suspect)))
    assert whole.double().mean(dim=0).tolist() == pytest.approx(list(expected.values()), rel=1e-4)


def test_channels_are_neurons_not_columns(owner, generator):
    """The spatial mean of maps (N, C, h, w): as many neurons as channels, whatever the picture's width."""
    prints = DeepJudgeWhite(**EASY, layer="2").generate(owner, 8, generator(0))
    assert prints.payload["outputs"].shape == (8, 12)


def measure(suspect, prints, task):
    return DeepJudgeWhite(**EASY).verifiers(task)["nod"].measure(prints, grant(WHITE_BOX, Target.of(task, suspect)))


def test_another_head_is_no_hindrance(owner, generator):
    prints, suspect = DeepJudgeWhite(**EASY).generate(owner, 8, generator(0)), copy.deepcopy(owner.victim)
    suspect.last.weight, suspect.last.bias = (nn.Parameter(t[:4].clone()) for t in suspect.last.parameters())
    suspect.last.out_features = 4
    assert measure(suspect.requires_grad_(False), prints, owner.task).abs().max() == 0


def test_other_widths_layers_or_kinds_of_layer_do_not_apply(owner, ingredients_of, tasks, generator, victim_of):
    task = owner.task
    prints = DeepJudgeWhite(**EASY, layer="1.branch.2").generate(owner, 8, generator(0))
    pruned = FilterPruning(ratio=0.5).derive(ingredients_of(task))
    with pytest.raises(Inapplicable, match=r"^layer 1.branch.2 has 4 neurons instead of 8$"):
        measure(pruned, prints, task)
    with pytest.raises(Inapplicable, match=r"^the network has no layer 1.branch.2$"):
        measure(victim_of(tasks["regression"]), prints, task)
    blocks = DeepJudgeWhite(**EASY).generate(owner, 8, generator(0))  # a block's output is as wide as ever
    assert measure(pruned, blocks, task).shape == (8,)
    with pytest.raises(Inapplicable, match=r"^layer 1 is a BatchNorm2d instead of a Residual$"):
        measure(victim_of(tasks["regression"]), blocks, task)


@pytest.mark.parametrize("layer", ["9", "1.brnch"])
def test_a_layer_that_the_victim_lacks_is_named(owner, generator, layer):
    with pytest.raises(InputError, match=rf"^layer: the network's body has no «{layer}», "):
        DeepJudgeWhite(**EASY, layer=layer).generate(owner, 5, generator(0))


def test_the_step_function_has_no_scale():
    outputs = torch.tensor([[0.0, 1.0, 2.0, 4.0], [5.0, 5.0, 5.0, 5.0]])
    assert activated(outputs, 0.5).tolist() == [[False, False, False, True], [False] * 4]
    assert torch.equal(activated(10 * outputs, 0.4), activated(outputs, 0.4))


def test_turns_pair_every_seed_with_every_neuron_once():
    pairs = turns(torch.tensor([7, 2, 5]), 4).tolist()
    assert sorted(map(tuple, pairs)) == sorted((s, n) for s in range(4) for n in (2, 5, 7))
    assert [n for _, n in pairs[:6]] == [7, 2, 5, 7, 2, 5]


def test_a_text_survives_a_payload():
    assert read(written("Residual 1.é", 3)[1:]) == "Residual 1.é"
