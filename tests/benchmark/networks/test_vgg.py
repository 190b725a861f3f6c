"""VGG-11 against timm's own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmark.compat import ensure_torchvision
from benchmark.networks.vgg import VGG11


def timms(monkeypatch, width, batch_norm):
    """timm's own VGG-11 with its register of widths changed to the narrow ones."""
    ensure_torchvision()
    import timm
    from timm.models import vgg

    narrow = [step * width // 64 if isinstance(step, int) else step for step in vgg.cfgs["vgg11"]]
    monkeypatch.setitem(vgg.cfgs, "vgg11", narrow)
    return timm.create_model("vgg11_bn" if batch_norm else "vgg11", num_classes=3, mlp_ratio=1 / 64).eval()


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("side", [32, 224, 256])
def test_it_computes_what_timms_does(monkeypatch, batch_norm, side):
    torch.manual_seed(0)
    ours = VGG11(width=8, hidden=64, batch_norm=batch_norm).network(3).eval()
    theirs = timms(monkeypatch, 8, batch_norm)
    conv = theirs.pre_logits.fc1
    theirs.pre_logits.fc2 = nn.Conv2d(conv.out_channels, 64, 1)  # timm's second layer is 4096 wide at any width
    theirs.head.fc = nn.Linear(64, 3)
    state = theirs.state_dict()
    ours.body.load_state_dict({name: state[name] for name in ours.body.state_dict()})
    ours.head[0].load_state_dict({n.removeprefix("pre_logits."): v for n, v in state.items() if n.startswith("pre_")})
    ours.last.load_state_dict({"weight": state["head.fc.weight"], "bias": state["head.fc.bias"]})
    x = torch.rand(1, 3, side, side)
    torch.testing.assert_close(ours(x), theirs((x - 0.5) / 0.5))


@pytest.mark.parametrize(("batch_norm", "size"), [(False, 132_863_336), (True, 132_868_840)])
def test_size_of_the_original(batch_norm, size):
    with torch.device("meta"):  # no memory, no draws
        network = VGG11(batch_norm=batch_norm).network(1000)
        assert network.features(torch.rand(1, 3, 224, 224)).shape == (1, 512, 7, 7)
    assert sum(parameter.numel() for parameter in network.parameters()) == size


@pytest.mark.parametrize(("pools", "side"), [(5, 224), (4, 112), (3, 56), (1, 14)])
def test_of_its_pools_the_first_are_kept(pools, side):
    network = VGG11(width=8, hidden=16, pools=pools).network(3).eval()
    assert network.features(torch.rand(1, 3, side, side)).shape == (1, 64, 7, 7)
    assert network(torch.rand(2, 3, side, side)).shape == (2, 3)
    layers = [layer for layer in network.body.features if isinstance(layer, (nn.Conv2d, nn.MaxPool2d))]
    places = [place for place, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)]
    assert places == [1, 3, 6, 9, 12][:pools], "after one, one, two, two and two convolutions"
    assert len(layers) - pools == 8


def test_dropout_is_after_each_hidden_layer_in_training_only():
    network = VGG11(width=4, hidden=16, dropout=0.5).network(3)
    assert [module.p for module in network.modules() if isinstance(module, nn.Dropout)] == [0.5, 0.5]
    x = torch.rand(2, 3, 32, 32)
    assert torch.equal(network.eval()(x), network(x))
    maps = network.features(x).detach()
    network.train()
    assert not torch.equal(network.head(maps), network.head(maps))


def test_weights_are_drawn_as_timm_draws_them():
    torch.manual_seed(0)
    network = VGG11(width=16, hidden=256).network(64)
    assert network.last.weight.std().item() == pytest.approx(0.01, rel=0.05) and network.last.bias.abs().max() == 0
    for conv in (m for m in network.modules() if isinstance(m, nn.Conv2d) and m.weight.numel() > 4000):
        fan_out = conv.out_channels * conv.kernel_size[0] ** 2
        assert conv.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.05)
        assert conv.bias.abs().max() == 0
