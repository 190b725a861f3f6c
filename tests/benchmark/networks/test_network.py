"""Networks: features and head apart, pixels in, real units out, and rebuilt from stored tensors."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from benchmark.errors import Inapplicable, InputError
from benchmark.networks.mlp import MLP
from benchmark.networks.network import Network, PoolLinear, RealUnits, load
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


def test_load_refuses_what_the_network_has_not(architecture):
    state = dict(architecture.network(5).state_dict())
    with pytest.raises(ValueError, match=r"^more is stored"):
        load(architecture.network(5), state | {"more": torch.zeros(1)})
    with pytest.raises(ValueError, match=r"^prototypes is stored"):
        load(architecture.network(5), architecture.network(5, classes=4).state_dict())
    name = next(name for name in state if name.endswith("weight") and state[name].ndim == 4)
    with pytest.raises(ValueError, match=rf"^{name.removesuffix('.weight')}: no widths make"):
        load(architecture.network(5), state | {name: torch.zeros(4, 3, 7, 7)})


def test_load_says_which_layer_takes_on_no_other_widths():
    def normed(width):
        head = PoolLinear(width, 3)
        return Network(nn.Sequential(nn.Conv2d(3, width, 1), nn.GroupNorm(1, width)), head, head[2])

    with pytest.raises(ValueError, match=r"^body\.1: how a GroupNorm takes on other widths is not known"):
        load(normed(6), normed(4).state_dict())
    again = load(normed(4).double(), (stored := normed(4)).state_dict())
    assert torch.equal(again(x := torch.rand(2, 3, 4, 4)), stored(x))  # the stored numbers' own precision


def test_features_that_are_no_maps_say_so(pixels):
    network = MLP(widths=(8, 6)).network(5)
    assert network.features(pixels).shape == (3, 6)
    with pytest.raises(Inapplicable, match="no map: its features are vectors"):
        network.maps(pixels)
    with pytest.raises(Inapplicable, match="no convolutions"):
        network.filters()
    assert list(network.weighted()) == ["body.1", "body.3", "head.0"]


def test_a_convolutional_network_has_all_its_convolutions_for_filters(architecture, pixels):
    network = architecture.network(5)
    convolutions = [name for name, module in network.named_modules() if isinstance(module, nn.Conv2d)]
    assert list(network.filters()) == convolutions and set(convolutions) < set(network.weighted())
    assert torch.equal(network.eval().maps(pixels), network.features(pixels))


def test_stages_and_numbers_of_convolutions_must_agree():
    with pytest.raises(InputError, match=r"^convs: wants one number a stage, 2, got \[1\]"):
        SmallVGG(widths=(8, 16), convs=(1,))
