"""Feature permutation: another order of channels, the same answers, on every architecture."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
from torch import nn

from benchmark.errors import Inapplicable
from benchmark.networks.layers import over_places
from benchmark.networks.lenet import LeNet5
from benchmark.networks.mlp import MLP
from benchmark.networks.mobilefacenet import MobileFaceNet
from benchmark.networks.network import Network, PoolLinear
from benchmark.networks.resnet import ResNet18
from benchmark.networks.small import SmallMobileFaceNet, SmallResNet, SmallVGG
from benchmark.networks.vgg import VGG11
from suspects.permute import FeaturePermutation, permute_channels

NETWORKS = {
    "small resnet": (SmallResNet(widths=(8, 12, 16)), {}),
    "small vgg": (SmallVGG(widths=(8, 12, 16), hidden=10), {"unit": (3.0, 5.0)}),
    "small mobilefacenet": (SmallMobileFaceNet(widths=(8, 12, 16)), {"classes": 6}),
    "resnet18": (ResNet18(width=8), {}),
    "vgg11": (VGG11(width=8, hidden=16), {}),
    "vgg11 without norms": (VGG11(width=8, hidden=16, batch_norm=False), {}),
    "mobilefacenet": (MobileFaceNet(width=8, side=2), {"classes": 6}),
    "lenet5": (LeNet5(widths=(8, 12), hidden=(20, 10)), {}),
    "mlp": (MLP(widths=(20, 10)), {}),
}


def inner(network, x):
    """The output (N, C, ...) of every layer with weights but the last, by name."""
    found, handles = {}, []
    for name, module in network.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)) and module is not network.last:
            hook = lambda _, __, output, name=name: found.__setitem__(name, output)  # noqa: E731
            handles.append(module.register_forward_hook(hook))
    with torch.no_grad():
        found["answer"] = network(x)
    for handle in handles:
        handle.remove()
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_answers_stay_and_channels_move(name):
    architecture, settings = NETWORKS[name]
    torch.manual_seed(1)
    network = architecture.network(1 if "unit" in settings else 7, **settings).eval()
    for module in network.modules():  # norms and rectifiers that differ from channel to channel
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                tensor.data.uniform_(0.5, 1.5)
        if isinstance(module, nn.PReLU):
            module.weight.data.uniform_(0.1, 0.9)
    x = torch.rand(3, 3, 32, 32)
    before, features = inner(network, x), network.features(x).detach()
    prototypes = None if network.prototypes is None else network.prototypes.clone()
    permute_channels(network, x[:2], torch.Generator().manual_seed(2))
    after = inner(network, x)
    torch.testing.assert_close(after.pop("answer"), before.pop("answer"), rtol=1e-4, atol=1e-5)
    for layer, old in before.items():
        one, other = (over_places(found) for found in (old, after[layer]))  # one number a channel
        torch.testing.assert_close(other.sort(dim=1).values, one.sort(dim=1).values, rtol=1e-3, atol=1e-5)
        assert not torch.allclose(other, one, rtol=1e-2, atol=1e-4), layer
    assert not torch.allclose(network.features(x), features)
    assert prototypes is None or torch.equal(network.prototypes, prototypes)


class Concatenated(nn.Module):
    """Two convolutions side by side, whose channels a norm and a third read together."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 6, 3), nn.Conv2d(3, 4, 3)
        self.norm, self.both = nn.BatchNorm2d(10), nn.Conv2d(10, 5, 1)

    def forward(self, x):
        return self.both(self.norm(torch.cat([self.one(x), self.two(x)], dim=1)).relu())


def test_channels_keep_to_their_own_side_of_a_concatenation():
    torch.manual_seed(1)
    head = PoolLinear(5, 4)
    network = Network(Concatenated(), head, head[2]).eval()
    nn.init.uniform_(network.body.norm.weight, 0.5, 1.5)
    old, x = copy.deepcopy(network), torch.rand(3, 3, 8, 8)
    permute_channels(network, x[:2], torch.Generator().manual_seed(2))
    torch.testing.assert_close(network(x), old(x), rtol=1e-4, atol=1e-6)
    scales, before = network.body.norm.weight, old.body.norm.weight
    for part in (slice(0, 6), slice(6, 10)):
        assert torch.equal(scales[part].sort().values, before[part].sort().values)
        assert not torch.equal(scales[part], before[part])


class Halved(nn.Module):
    """One half of the channels weighs more than the other, by their number."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x):
        return self.conv(x) * torch.arange(1.0, 9.0)[:, None, None]


def test_an_operation_that_depends_on_the_order_is_found_out(tasks, ingredients_of):
    torch.manual_seed(1)
    head = PoolLinear(8, 10)
    given = dataclasses.replace(ingredients_of(tasks["classification"]), victim=Network(Halved(), head, head[2]).eval())
    with pytest.raises(Inapplicable, match="answers change with the order"):
        FeaturePermutation().derive(given)


def test_the_order_comes_of_the_seed(tasks, ingredients_of, same):
    task = tasks["classification"]
    one, again, other = (FeaturePermutation().derive(ingredients_of(task, seed=seed)) for seed in (1, 1, 2))
    assert same(one, again) and not same(one, other)


def test_a_permuted_victim_is_a_network_like_any_other(task, ingredients_of, victim_of):
    network, x = FeaturePermutation().derive(ingredients_of(task)), ingredients_of(task).data.test.pixels()
    torch.testing.assert_close(network(x), victim_of(task)(x), rtol=1e-4, atol=1e-4)
    assert not network.training and not any(p.requires_grad for p in network.parameters())
    assert network.last is [m for m in network.modules() if isinstance(m, nn.Linear)][-1]
    assert network.state_dict().keys() == victim_of(task).state_dict().keys()
