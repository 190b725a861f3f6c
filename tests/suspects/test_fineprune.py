"""Fine-pruning: which channels go, that nothing of them is left, and that they stay away."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmark.networks.resnet import ResNet18
from benchmark.networks.small import SmallMobileFaceNet, SmallResNet, SmallVGG
from benchmark.networks.vgg import VGG11
from suspects.fineprune import FinePruning, first_reader, mean_activity, reader_mask

NETWORKS = {
    "resnet": SmallResNet(widths=(8, 12, 16)),
    "vgg": SmallVGG(widths=(8, 12, 16), hidden=10),
    "mobilefacenet": SmallMobileFaceNet(widths=(8, 12, 16)),
    "resnet18": ResNet18(width=8),
    "vgg11": VGG11(width=8, hidden=16),
}


def idle(task, given, ratio):
    """The channels of least mean |activation|, image by image."""
    with torch.no_grad():
        maps = [
            given.victim.features(given.data.train.pixels(torch.tensor([i])))[0] for i in range(len(given.data.train))
        ]
    activity = sum(a.abs().mean(dim=(1, 2)) for a in maps) / len(maps)
    torch.testing.assert_close(mean_activity(given.victim, given.data.train, chunk=50), activity, rtol=1e-4, atol=1e-5)
    by_activity = sorted(range(len(activity)), key=activity.tolist().__getitem__)
    return by_activity[: int(ratio * len(activity))]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_masked_reader_answers_as_if_the_channels_were_zero(name):
    torch.manual_seed(0)
    network = NETWORKS[name].network(5).eval()
    maps = network.features(torch.rand(3, 3, 32, 32)).detach()
    maps += torch.rand(maps.shape)  # none of them idle
    channels = torch.tensor([0, 2, 5])
    silent = maps.clone()
    silent[:, channels] = 0
    expected = network.head(silent)
    reader = first_reader(network.head)
    reader.weight.data *= reader_mask(reader, channels, maps.shape[1])
    torch.testing.assert_close(network.head(maps), expected)
    assert not torch.allclose(expected, NETWORKS[name].network(5).eval().head(maps))


@pytest.mark.parametrize("ratio", [0.3, 0.75])
def test_the_idle_channels_are_cut_and_stay_cut(task, ingredients_of, ratio):
    gone = idle(task, ingredients_of(task), ratio)
    network = FinePruning(ratio=ratio, epochs=1).derive(ingredients_of(task))
    maps = torch.rand(4, *network.features(torch.rand(1, 3, 32, 32)).shape[1:])
    answer = network.head(maps)
    changed = [c for c in range(maps.shape[1]) if not torch.equal(network.head(with_zero(maps, c)), answer)]
    assert sorted({*range(maps.shape[1])} - {*changed}) == sorted(gone)
    assert network.state_dict().keys() == ingredients_of(task).victim.state_dict().keys()  # no _orig, no _mask
    assert not any(p.requires_grad for p in network.parameters()) and not network.training


def with_zero(maps, channel):
    maps = maps.clone()
    maps[:, channel] = 0
    return maps


def test_the_rest_is_fine_tuned(tasks, ingredients_of, recorded):
    given = ingredients_of(tasks["regression"], fit=recorded)
    FinePruning(ratio=0.5, epochs=4, learning_rate=0.02).derive(given)
    (call,) = recorded.calls
    assert (call.training.epochs, call.training.learning_rate, call.frozen) == (4, 0.02, [])
    assert torch.equal(call.data.images, given.data.train.images)
    cut = isinstance(first_reader(call.network.head), nn.Linear) and (first_reader(call.network.head).weight == 0)
    assert cut.float().mean() == pytest.approx(0.5)
