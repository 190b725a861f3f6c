"""Networks: features and head apart, pixels in, real units out, and rebuilt from stored tensors."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from benchmark.errors import InputError
from benchmark.networks.network import Network, RealUnits, load
from benchmark.networks.small import SmallMobileFaceNet, SmallResNet, SmallVGG
from benchmark.store.artefacts import write_tensors
from suspects.prune import remove_filters

ARCHITECTURES = {
    "resnet": SmallResNet(widths=(8, 12, 16)),
    "vgg": SmallVGG(widths=(8, 12, 16), hidden=16),
    "mobilefacenet": SmallMobileFaceNet(widths=(8, 12, 16)),
}


@pytest.fixture(params=sorted(ARCHITECTURES))
def architecture(request):
    return ARCHITECTURES[request.param]


@pytest.fixture
def pixels():
    return torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def lived(network: Network, pixels: torch.Tensor) -> Network:
    """The network with BatchNorm statistics of its own, in eval mode."""
    network.train()(pixels)
    return network.eval()


def test_forward_is_head_of_features(architecture, pixels):
    network = lived(architecture.network(5), pixels)
    maps = network.features(pixels)
    assert torch.equal(network(pixels), network.head(maps))
    assert maps.shape[0] == 3 and maps.shape[2:] == (4, 4)
    assert network(pixels).shape == (3, 5)


def test_normalisation_is_inside(architecture, pixels):
    network = lived(architecture.network(5), pixels)
    assert torch.equal(network.features(pixels), network.body(pixels * 2 - 1))


def test_real_units(architecture, pixels):
    network = lived(architecture.network(1, unit=(40.0, 12.0)), pixels)
    raw = network.features(pixels)
    for layer in list(network.head)[:-1]:
        raw = layer(raw)
    assert isinstance(network.head[-1], RealUnits)
    assert network(pixels).shape == (3,)
    torch.testing.assert_close(network(pixels), 40 + 12 * raw[:, 0])
    assert network.last.bias.item() == 0  # so that an untrained network answers near the centre


def test_prototypes_only_for_a_margin_loss(architecture):
    assert architecture.network(6).prototypes is None
    network = architecture.network(6, classes=10)
    assert network.prototypes.shape == (10, 6)
    assert "prototypes" in network.state_dict()


def test_class_weights_only_for_the_pooled_head(pixels):
    network = lived(ARCHITECTURES["resnet"].network(5), pixels)
    maps = network.features(pixels).detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(network.head(maps)[:, 2].sum(), maps)
    expected = network.class_weights()[2] / 16
    torch.testing.assert_close(gradient, expected[None, :, None, None].expand_as(gradient))
    for name in ("vgg", "mobilefacenet"):
        assert ARCHITECTURES[name].network(5).class_weights() is None


def test_no_class_weights_where_the_answer_is_scaled():
    assert ARCHITECTURES["resnet"].network(1, unit=(0.0, 26.0)).class_weights() is None


def test_the_last_layer_is_registered_once(architecture):
    network = architecture.network(5)
    assert sum(module is network.last for module in network.modules()) == 1
    assert not any("_last" in name for name in network.state_dict())


@pytest.mark.parametrize("ratio", [0.0, 0.3])
@pytest.mark.parametrize("residual", [True, False])
def test_load_rebuilds_what_was_stored(architecture, pixels, tmp_path, ratio, residual):
    network = lived(architecture.network(5, classes=4), pixels)
    remove_filters(network, pixels[:2], ratio, keep_residual_widths=residual)
    write_tensors(tmp_path / "weights.safetensors", network.state_dict())
    state = load_file(tmp_path / "weights.safetensors")
    again = load(architecture.network(5, classes=4), state).eval()
    assert torch.equal(again(pixels), network(pixels))
    assert all(torch.equal(tensor, network.state_dict()[name]) for name, tensor in again.state_dict().items())
    for one, other in zip(again.modules(), network.modules(), strict=True):
        assert repr(one) == repr(other)  # channels, groups and features as declared


def test_a_rebuilt_network_can_be_trained_on(pixels):
    network = lived(ARCHITECTURES["mobilefacenet"].network(5), pixels)
    remove_filters(network, pixels[:2], 0.3, keep_residual_widths=False)
    again = load(ARCHITECTURES["mobilefacenet"].network(5), network.state_dict())
    again.train()(pixels).sum().backward()
    assert all(parameter.grad.shape == parameter.shape for parameter in again.parameters())


def test_load_keeps_no_hold_on_the_stored_tensors(pixels):
    network = lived(ARCHITECTURES["vgg"].network(5), pixels)
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    again = load(ARCHITECTURES["vgg"].network(5), state)
    with torch.no_grad():
        again.last.weight.zero_()
    assert torch.equal(state["head.3.weight"], network.last.weight)


def test_load_misses_a_tensor(architecture):
    state = dict(architecture.network(5).state_dict())
    del state["body.0.0.weight" if "body.0.0.weight" in state else "body.0.weight"]
    with pytest.raises(KeyError, match=r"body\.0"):
        load(architecture.network(5), state)


def test_stages_and_numbers_of_convolutions_must_agree():
    with pytest.raises(InputError, match=r"^convs: wants one number a stage, 2, got \[1\]"):
        SmallVGG(widths=(8, 16), convs=(1,))
