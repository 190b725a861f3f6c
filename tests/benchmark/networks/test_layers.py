"""Layers by name: the shallow one of every architecture, and what a layer's neurons answer."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from benchmark.errors import Inapplicable, InputError
from benchmark.networks.layers import largest, neuron_outputs, rectifiers, shallow
from benchmark.networks.mlp import MLP
from benchmark.networks.mobilefacenet import MobileFaceNet
from benchmark.networks.network import Architecture, Network
from benchmark.networks.resnet import ResNet18
from benchmark.networks.small import SmallMobileFaceNet, SmallResNet, SmallVGG
from benchmark.networks.vgg import VGG11

KNOWN: list[tuple[Architecture, str, str]] = [
    (SmallResNet(widths=(4, 8)), "1", "Residual"),
    (SmallVGG(widths=(4, 8, 8), hidden=8), "6", "ReLU"),
    (SmallVGG(widths=(4, 8), convs=(2, 1), hidden=8), "5", "ReLU"),
    (SmallMobileFaceNet(widths=(4, 8), side=8), "3", "InvertedResidual"),
    (ResNet18(width=4, stem="small"), "layer1.0", "BasicBlock"),
    (VGG11(width=4, hidden=8), "features.6", "ReLU"),
    (VGG11(width=4, hidden=8, batch_norm=False), "features.4", "ReLU"),
    (MobileFaceNet(width=4, side=2), "1.2", "PReLU"),
    (MLP(widths=(8, 6, 4)), "4", "ReLU"),
]


def built(architecture: Architecture) -> Network:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return architecture.network(5).eval()


@pytest.mark.parametrize(("architecture", "name", "kind"), KNOWN, ids=lambda value: getattr(value, "name", str(value)))
def test_the_shallow_layer_ends_the_second_convolution_or_the_first_block(architecture, name, kind):
    network = built(architecture)
    assert shallow(network.body) == name
    assert type(network.body.get_submodule(name)).__name__ == kind
    assert neuron_outputs(network, name, torch.rand(2, 3, 32, 32)).ndim == 2


def test_outputs_are_spatial_means_and_the_rest_is_not_run():
    network, x = built(SmallResNet(widths=(4, 8))), torch.rand(3, 3, 32, 32)
    maps = network.body[1](network.body[0]((x - 0.5) / 0.5))
    ran: list[int] = []
    network.body[2].register_forward_hook(lambda *_: ran.append(1))
    found = neuron_outputs(network, "1", x)
    assert found.shape == (3, 4) and maps.shape[2] > 1
    for n in range(3):
        for c in range(4):
            assert found[n, c].item() == pytest.approx(maps[n, c].flatten().double().sum().item() / maps[n, c].numel())
    assert not ran
    network(x)
    assert ran and not network.body[1]._forward_hooks  # no hook is left behind


def test_gradients_reach_the_image():
    network, x = built(SmallVGG(widths=(4, 8, 8), hidden=8)), torch.rand(2, 3, 32, 32, requires_grad=True)
    (gradient,) = torch.autograd.grad(neuron_outputs(network, "6", x)[0].sum(), x)
    assert gradient[0].abs().max() > 0 and gradient[1].abs().max() == 0


class Odd(nn.Module):
    """A body whose layers answer with vectors, tokens, five dimensions, and never."""

    def __init__(self) -> None:
        super().__init__()
        self.dense, self.tokens, self.five, self.idle = nn.Linear(12, 6), nn.Identity(), nn.Identity(), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        dense = self.dense(x.flatten(1))
        return self.five(self.tokens(torch.stack([dense, 3 * dense], dim=1))[:, :, None, None])


def test_vectors_as_they_are_tokens_by_their_mean_and_others_refused():
    network, x = Network(Odd(), nn.Identity(), nn.Linear(1, 1)), torch.rand(4, 3, 2, 2)
    dense = network.body.dense((2 * x - 1).flatten(1))
    torch.testing.assert_close(neuron_outputs(network, "dense", x), dense)
    torch.testing.assert_close(neuron_outputs(network, "tokens", x), 2 * dense)
    with pytest.raises(InputError, match="answers with neither maps, tokens nor vectors"):
        neuron_outputs(network, "five", x)
    with pytest.raises(InputError, match="is never run"):
        neuron_outputs(network, "idle", x)


def test_a_layer_of_channels_last_maps_has_its_channels_last():
    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.dense = nn.Conv2d(3, 4, 1), nn.Linear(4, 6)

        def forward(self, x: Tensor) -> Tensor:
            return self.dense(self.conv(x).permute(0, 2, 3, 1))

    network = Network(Last(), nn.Identity(), nn.Linear(1, 1), channels_last=True)
    x = torch.rand(2, 3, 5, 7)
    assert network.maps(x).shape == (2, 6, 5, 7)
    conv = network.body.conv(2 * x - 1).mean(dim=(2, 3))
    torch.testing.assert_close(neuron_outputs(network, "conv", x), conv)
    torch.testing.assert_close(neuron_outputs(network, "dense", x), network.body.dense(conv))


def test_a_body_of_fewer_than_two_layers_has_no_inner_one():
    with pytest.raises(Inapplicable, match="no layer with two convolutions or linear layers"):
        shallow(MLP(widths=(4,)).network(3).body)


def test_rectifiers_are_there_or_the_network_says_so():
    assert [type(module) for module in rectifiers(MLP(widths=(4, 3)).network(3))] == [nn.ReLU, nn.ReLU]
    with pytest.raises(Inapplicable, match="no rectified linear units"):
        rectifiers(nn.Sequential(nn.Linear(2, 2), nn.GELU()))


def test_the_largest_output_is_over_all_batches():
    network, x = built(SmallResNet(widths=(4, 8))), torch.rand(7, 3, 32, 32)
    whole = neuron_outputs(network, "1", x).amax(dim=0)
    torch.testing.assert_close(largest(network, "1", iter(x.split(3))), whole)
