"""Pruning: which weights and filters go, what shrinks with them, and that no recipe touches the stored victim."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from benchmark.contracts.truth import Relation
from benchmark.errors import Inapplicable
from benchmark.networks.mlp import MLP
from benchmark.networks.network import load
from benchmark.networks.small import SmallMobileFaceNet, SmallResNet, SmallVGG
from benchmark.plan.plan import plan
from benchmark.plan.reading import read
from benchmark.plan.recipes import Recipe
from benchmark.run.bench import Bench
from benchmark.store.artefacts import Store, write_tensors
from suspects.distill import Distill
from suspects.finetune import FineTune, Retrain
from suspects.independent import Independent
from suspects.prune import FilterPruning, WeightPruning, remove_filters
from tests.builder import configuration

PIXELS = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def prunable(network):
    """The names of the weights that may be cut."""
    kinds = (nn.Conv2d, nn.Linear)
    return {f"{name}.weight" for name, module in network.named_modules() if isinstance(module, kinds)}


@pytest.mark.parametrize("ratio", [0.1, 0.37, 0.5])
def test_the_smallest_weights_of_each_layer_become_zero(task, ingredients_of, victim_of, ratio):
    before, after = victim_of(task), WeightPruning(ratio=ratio).derive(ingredients_of(task)).state_dict()
    for name in prunable(before):
        old, new = before.state_dict()[name].flatten().tolist(), after[name].flatten().tolist()
        weakest = sorted(range(len(old)), key=lambda i, w=old: abs(w[i]))[: round(ratio * len(old))]
        assert [i for i, weight in enumerate(new) if weight == 0] == sorted(weakest)
        assert all(a == b for a, b in zip(old, new, strict=True) if b != 0)


def test_biases_norms_and_prototypes_are_left_alone(task, ingredients_of, victim_of):
    before, after = victim_of(task), WeightPruning(ratio=0.5).derive(ingredients_of(task))
    assert after.state_dict().keys() == before.state_dict().keys()  # no _orig, no _mask
    for name in set(before.state_dict()) - prunable(before):
        assert torch.equal(after.state_dict()[name], before.state_dict()[name])


def test_recovery_trains_what_is_left_and_zeros_stay(task, ingredients_of):
    once = WeightPruning(ratio=0.4).derive(ingredients_of(task))
    later = WeightPruning(ratio=0.4, recovery_epochs=1).derive(ingredients_of(task))
    for name in prunable(once):
        one, other = once.state_dict()[name], later.state_dict()[name]
        assert torch.equal(one == 0, other == 0)
        assert not torch.equal(one, other)
    assert later.state_dict().keys() == once.state_dict().keys()
    statistics = [name for name in once.state_dict() if name.endswith("running_mean")]
    assert not any(torch.equal(once.state_dict()[name], later.state_dict()[name]) for name in statistics)


@pytest.mark.parametrize("recovery_epochs", [0, 1])
@pytest.mark.parametrize("family", [WeightPruning, FilterPruning])
def test_what_comes_back_is_ready_to_be_asked(task, ingredients_of, family, recovery_epochs):
    network = family(ratio=0.3, recovery_epochs=recovery_epochs).derive(ingredients_of(task))
    assert not any(module.training for module in network.modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert family.relation is Relation.MODIFIED


@pytest.mark.parametrize("family", [WeightPruning, FilterPruning])
def test_recovery_takes_its_own_settings(tasks, ingredients_of, family):
    calls = []

    def fit(network, data, loss, training, seed, frozen=()):
        calls.append((training.epochs, training.learning_rate, training.batch, seed, list(frozen)))
        return network

    task = tasks["regression"]
    family(ratio=0.3).derive(ingredients_of(task, fit=fit))
    assert calls == []
    family(ratio=0.3, recovery_epochs=7, learning_rate=0.02).derive(ingredients_of(task, seed=5, fit=fit))
    assert calls == [(7, 0.02, task.training.batch, 5, [])]


def test_no_recipe_touches_the_victim_in_the_store(tasks, trainer, tmp_path):
    thieves = [FineTune(epochs=1), Retrain(epochs=1), WeightPruning(), FilterPruning(), Distill(epochs=1)]
    recipes = tuple(Recipe(type(suspect).__name__, "", suspect) for suspect in (*thieves, Independent()))
    angle = tasks["regression"]
    quick = dataclasses.replace(angle, training=dataclasses.replace(angle.training, epochs=1, batch=256))
    only = {"tasks": {"angle": quick}, "recipes": recipes, "fingerprints": {}, "trainer": trainer}
    jobs = plan(dataclasses.replace(read(configuration()), **only)).jobs
    bench = Bench(Store(tmp_path), trainer)
    bench.do(jobs[0])
    victim = bench.loaded(jobs[0])
    before = {name: tensor.clone() for name, tensor in victim.state_dict().items()}
    x = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    answer = victim(x)
    assert jobs[0].parents == {} and len(jobs) == 1 + 2 * 6  # each model, and what it is worth
    for job in jobs[1:]:
        bench.do(job)
        assert bench.loaded(jobs[0]) is victim  # comparing the two has not loaded it anew either
        assert all(torch.equal(tensor, before[name]) for name, tensor in victim.state_dict().items()), job.title
        assert torch.equal(victim(x), answer) and not victim.last.weight.requires_grad, job.title


def strongest(weight, ratio):
    """Indices, in order, of the filters that stay when floor(ratio * width) of least mean |w| go."""
    means = [filter.abs().mean().item() for filter in weight]
    by_strength = sorted(range(len(means)), key=means.__getitem__)
    return sorted(by_strength[math.floor(ratio * len(means) + 1e-9) :])


def widths(network):
    return {name: module.out_channels for name, module in network.named_modules() if isinstance(module, nn.Conv2d)}


def cut(architecture, ratio, keep=True, **kwargs):
    """A network whose filters differ in strength and whose norms are no identity, before and after the cut."""
    torch.manual_seed(4)
    network = architecture.network(5, **kwargs).eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.weight *= torch.empty(module.out_channels, 1, 1, 1).uniform_(0.1, 1)
            if isinstance(module, nn.BatchNorm2d):
                for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                    tensor.uniform_(0.5, 1.5)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    remove_filters(network, PIXELS, ratio, keep_residual_widths=keep)
    return before, network


@pytest.mark.parametrize("ratio", [1 / 16, 0.25, 7 / 16])
def test_vgg_is_the_victim_less_its_weakest_filters(tasks, ingredients_of, victim_of, ratio):
    task = tasks["regression"]
    old = victim_of(task).state_dict()
    found = FilterPruning(ratio=ratio).derive(ingredients_of(task)).state_dict()
    expected, read = dict(old), [0, 1, 2]
    for conv, norm in (("body.0", "body.1"), ("body.4", "body.5"), ("body.8", "body.9"), ("body.11", "body.12")):
        kept = strongest(old[f"{conv}.weight"], ratio)
        expected[f"{conv}.weight"] = old[f"{conv}.weight"][kept][:, read]
        for part in ("weight", "bias", "running_mean", "running_var"):
            expected[f"{norm}.{part}"] = old[f"{norm}.{part}"][kept]
        read = kept
    columns = [16 * channel + place for channel in read for place in range(16)]  # 4x4 places a channel
    expected["head.1.weight"] = old["head.1.weight"][:, columns]
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name


@pytest.mark.parametrize("ratio", [1 / 16, 0.1, 0.29, 0.3, 0.9, 0.99])
def test_floor_of_ratio_times_width_filters_go(ratio):
    _, network = cut(SmallVGG(widths=(10, 24, 100), convs=(1, 1, 1)), ratio)
    exact = {1 / 16: (10, 23, 94), 0.1: (9, 22, 90), 0.29: (8, 18, 71), 0.3: (7, 17, 70)}
    exact |= {0.9: (1, 3, 10), 0.99: (1, 1, 1)}
    assert tuple(widths(network).values()) == exact[ratio]
    assert network(PIXELS).shape == (2, 5)


def test_inner_leaves_the_widths_that_sums_join():
    before, network = cut(SmallResNet(widths=(10, 20, 30)), 0.3)
    inner = {"body.1.branch.0": 7, "body.2.branch.0": 14, "body.3.branch.0": 21}
    joined = {"body.0.0": 10, "body.1.branch.3": 10, "body.2.branch.3": 20, "body.2.shortcut.0": 20}
    joined |= {"body.3.branch.3": 30, "body.3.shortcut.0": 30}
    assert widths(network) == inner | joined
    for name in inner:
        kept = strongest(before[f"{name}.weight"], 0.3)
        assert torch.equal(network.state_dict()[f"{name}.weight"], before[f"{name}.weight"][kept])


def test_coupled_cuts_the_members_of_a_sum_together():
    before, network = cut(SmallResNet(widths=(10, 20, 30)), 0.3, keep=False)
    assert set(widths(network).values()) == {7, 14, 21}
    members = [before[f"body.3.{name}.weight"].abs().mean((1, 2, 3)) for name in ("branch.3", "shortcut.0")]
    kept = strongest((members[0] + members[1])[:, None], 0.3)
    after = network.state_dict()
    inner = strongest(before["body.3.branch.0.weight"], 0.3)
    assert torch.equal(after["body.3.branch.3.weight"], before["body.3.branch.3.weight"][kept][:, inner])
    assert torch.equal(after["body.3.shortcut.1.bias"], before["body.3.shortcut.1.bias"][kept])
    assert torch.equal(after["head.2.weight"], before["head.2.weight"][:, kept])


@pytest.mark.parametrize("keep", [True, False])
def test_depthwise_filters_follow_what_feeds_them(keep):
    before, network = cut(SmallMobileFaceNet(widths=(10, 20, 30)), 0.3, keep, classes=4)
    stem = 10 if keep else 7
    found = widths(network)
    assert (found["body.0"], found["body.3.branch.6"]) == (stem, stem)  # joined by the sum of the first block
    assert (found["body.4.branch.6"], found["body.6"], found["head.0.0"]) == (14, 42, 42)
    after = network.state_dict()
    blocks = [(f"body.{i}.branch.0", f"body.{i}.branch.3") for i in (3, 4, 5)]
    for feeding, depthwise in (*blocks, ("body.6", "head.0.0")):
        kept = strongest(before[f"{feeding}.weight"], 0.3)
        assert torch.equal(after[f"{depthwise}.weight"], before[f"{depthwise}.weight"][kept])
        layer = network.get_submodule(depthwise)
        assert layer.in_channels == layer.out_channels == layer.groups == found[feeding] == len(kept)
    assert torch.equal(after["prototypes"], before["prototypes"])
    assert network(PIXELS).shape == (2, 5)


def test_neurons_go_where_all_layers_are_linear():
    before, network = cut(MLP(widths=(10, 20)), 0.3)
    after = network.state_dict()
    one, two = (strongest(before[f"body.{i}.weight"], 0.3) for i in (1, 3))
    assert torch.equal(after["body.1.weight"], before["body.1.weight"][one])
    assert torch.equal(after["body.3.weight"], before["body.3.weight"][two][:, one])
    assert torch.equal(after["head.0.weight"], before["head.0.weight"][:, two])
    assert torch.equal(after["head.0.bias"], before["head.0.bias"])


def test_a_victim_that_would_stay_as_it_is_makes_no_suspect(tasks, ingredients_of):
    with pytest.raises(Inapplicable, match="no filter could go: .* of which 0.01 is one or more"):
        FilterPruning(ratio=0.01).derive(ingredients_of(tasks["classification"]))


def test_suspects_of_both_residual_kinds(tasks, ingredients_of, victim_of):
    task = tasks["classification"]
    inner, coupled = (
        FilterPruning(ratio=0.5, residual=kind).derive(ingredients_of(task)) for kind in ("inner", "coupled")
    )
    full = widths(victim_of(task))
    assert {name for name, width in widths(inner).items() if width == full[name] // 2} == {
        f"body.{i}.branch.0" for i in (1, 2, 3)
    }
    assert widths(coupled) == {name: width // 2 for name, width in full.items()}


@pytest.mark.parametrize("recovery_epochs", [0, 1])
@pytest.mark.parametrize("residual", ["inner", "coupled"])
def test_the_pruned_network_is_rebuilt_from_the_store(task, ingredients_of, tmp_path, residual, recovery_epochs):
    recipe = FilterPruning(ratio=0.3, residual=residual, recovery_epochs=recovery_epochs)
    network = recipe.derive(ingredients_of(task))
    write_tensors(tmp_path / "weights.safetensors", network.state_dict())
    again = load(task.network(), load_file(tmp_path / "weights.safetensors")).eval()
    x = ingredients_of(task).data.test.pixels(slice(0, 5))
    assert torch.equal(again(x), network(x))
    assert sum(p.numel() for p in again.parameters()) < sum(p.numel() for p in task.network().parameters())
