"""What the harness relies on, for every architecture of the real tasks: parts, units, pruning and rebuilding."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from benchmark.networks.network import PoolLinear, load
from benchmark.store.artefacts import write_tensors
from suspects.prune import remove_filters


@pytest.fixture
def lived(narrow):
    """A network with BatchNorm statistics of its own, in eval mode, and pixels for it."""
    architecture, side, _ = narrow
    torch.manual_seed(3)
    network, pixels = architecture.network(5, classes=4), torch.rand(3, 3, side, side)
    network.train()(pixels)
    return network.eval(), pixels


def test_forward_is_head_of_features(narrow, lived):
    network, pixels = lived
    maps = network.features(pixels)
    assert torch.equal(network(pixels), network.head(maps))
    assert maps.shape[2:] == (narrow[2], narrow[2])
    assert network(pixels).shape == (3, 5)
    assert torch.equal(maps, network.body(pixels * 2 - 1))


def test_the_last_layer_is_linear_and_registered_once(lived):
    network, _ = lived
    assert isinstance(network.last, nn.Linear) and network.last.out_features == 5
    assert sum(module is network.last for module in network.modules()) == 1


def test_answers_in_real_units(narrow):
    architecture, side, _ = narrow
    network = architecture.network(1, unit=(16.0, 13.0)).eval()
    with torch.no_grad():
        network.last.weight.zero_()
        assert network(torch.rand(2, 3, side, side)).tolist() == [16, 16]


def test_networks_are_drawn_from_the_global_generator_alone(narrow):
    def drawn(seed):
        torch.manual_seed(seed)
        return narrow[0].network(5).state_dict()

    one, again, other = drawn(1), drawn(1), drawn(2)
    assert all(torch.equal(one[name], again[name]) for name in one)
    weights = [name for name in one if name.endswith("weight") and one[name].ndim > 1]
    assert not any(torch.equal(one[name], other[name]) for name in weights)


def test_the_closed_form_of_grad_cam_holds_where_it_is_offered(lived):
    network, pixels = lived
    weights = network.class_weights()
    assert (weights is not None) == isinstance(network.head, PoolLinear)
    if weights is not None:
        maps = network.features(pixels).detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(network.head(maps)[:, 2].sum(), maps)
        expected = (weights[2] / maps[0, 0].numel())[None, :, None, None].expand_as(gradient)
        torch.testing.assert_close(gradient, expected)


def widths(network):
    return {name: m.out_channels for name, m in network.named_modules() if isinstance(m, nn.Conv2d)}


def sums(network):
    """The convolutions whose outputs a residual sum joins; only their widths may stay."""
    joined = {"body.conv1", "body.0.0", "body.1.0"}
    for name, module in network.named_modules():
        if type(module).__name__ == "BasicBlock":
            joined |= {f"{name}.conv2", f"{name}.downsample.0"}
        if type(module).__name__ == "Bottleneck":
            joined.add(f"{name}.branch.2")
        if type(module).__name__ == "Residual":
            joined |= {f"{name}.branch.3", f"{name}.shortcut.0"}
    return joined


@pytest.mark.parametrize("keep", [True, False], ids=["inner", "coupled"])
def test_filters_really_go_and_the_rest_can_be_rebuilt(narrow, lived, tmp_path, keep):
    network, pixels = lived
    before = widths(network)
    remove_filters(network, pixels[:2], 0.3, keep_residual_widths=keep)
    after = widths(network)
    unchanged = {name for name in before if after[name] == before[name]}
    assert unchanged <= (sums(network) if keep else set())
    assert all(after[name] == before[name] - int(0.3 * before[name]) for name in set(before) - unchanged)
    write_tensors(tmp_path / "weights.safetensors", network.state_dict())
    again = load(narrow[0].network(5, classes=4), load_file(tmp_path / "weights.safetensors")).eval()
    assert torch.equal(again(pixels), network(pixels))
    for one, other in zip(again.modules(), network.modules(), strict=True):
        assert repr(one) == repr(other)  # channels, groups, features and PReLU's parameters as declared
    again.train()(pixels).sum().backward()
    assert all(p.grad.shape == p.shape for name, p in again.named_parameters() if name != "prototypes")
