"""Any timm name as an architecture: what its body answers with is found out, and what is wrong is one line."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from benchmark.compat import ensure_torchvision
from benchmark.errors import Inapplicable, InputError
from benchmark.networks.layers import neuron_outputs, shallow
from benchmark.networks.network import PoolLinear
from benchmark.networks.timm_models import TimmModel
from benchmark.spec.build import build
from benchmark.spec.component import spec_of

VIT = ("img_size=32", "patch_size=8", "embed_dim=24", "depth=2", "num_heads=3")
SWIN = ("img_size=32", "patch_size=4", "window_size=4", "embed_dim=12", "depths=(1, 1)", "num_heads=(1, 2)")
POOLED = (*VIT, "class_token=False")
MODELS = {  # architecture, shape of the features of 3 pictures of 32 pixels
    "maps": (TimmModel(name="resnet18"), (3, 512, 1, 1)),
    "a hidden layer before the classifier": (TimmModel(name="mobilenetv3_small_050"), (3, 1024, 1, 1)),
    "maps with channels last": (TimmModel(name="swin_tiny_patch4_window7_224", options=SWIN), (3, 24, 4, 4)),
    "a class token": (TimmModel(name="vit_tiny_patch16_224", options=VIT), (3, 17, 24)),
    "no class token": (TimmModel(name="vit_tiny_patch16_224", options=POOLED), (3, 16, 24)),
    "registers": (
        TimmModel(name="vit_tiny_patch16_224", options=(*POOLED, "reg_tokens=2")),
        (3, 18, 24),
    ),
    "a pooling of its own": (TimmModel(name="inception_next_atto", options=("depths=(1, 1, 1, 1)",)), (3, 960)),
}


@pytest.fixture(params=MODELS)
def model(request):
    """An architecture, the shape of its features, and a network of it."""
    architecture, shape = MODELS[request.param]
    torch.manual_seed(2)
    return architecture, shape, architecture.network(5).eval()


@pytest.fixture
def pixels():
    return torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def test_the_features_are_found_out(model, pixels):
    _, shape, network = model
    features = network.features(pixels)
    assert features.shape == shape
    assert network(pixels).shape == (3, 5) and torch.equal(network(pixels), network.head(features))
    assert isinstance(network.head, PoolLinear) == (len(shape) == 4)
    if len(shape) == 4:
        assert torch.equal(network.maps(pixels), features) and network.class_weights() is network.last.weight
    else:
        with pytest.raises(Inapplicable, match="no map: its features are (tokens|vectors)"):
            network.maps(pixels)


def test_values_in_their_unit_and_prototypes(model, pixels):
    architecture, _, _ = model
    network = architecture.network(1, unit=(40.0, 12.0)).eval()
    with torch.no_grad():
        network.last.weight.zero_()
        assert network(pixels).tolist() == [40, 40, 40]
    assert architecture.network(6, classes=4).prototypes.shape == (4, 6)


def test_weights_are_drawn_from_the_global_generator_alone(model):
    architecture, _, network = model
    torch.manual_seed(2)
    again = architecture.network(5).state_dict()
    assert all(torch.equal(tensor, again[name]) for name, tensor in network.state_dict().items())


def test_the_class_token_or_the_mean_of_the_picture_s_tokens_is_read(pixels):
    for name, own in (("a class token", slice(0, 1)), ("no class token", slice(0, 16)), ("registers", slice(2, 18))):
        network = MODELS[name][0].network(5).eval()
        tokens = network.features(pixels)
        torch.testing.assert_close(network.head(tokens), network.last(tokens[:, own].mean(dim=1)))


def test_channels_last_maps_are_brought_forward(pixels):
    network = MODELS["maps with channels last"][0].network(5).eval()
    raw = network.body(2 * pixels - 1)
    assert raw.shape == (3, 4, 4, 24) and torch.equal(network.features(pixels)[:, 7], raw[..., 7])
    inner = neuron_outputs(network, shallow(network.body), pixels)
    assert inner.shape == (3, 12)


def test_an_inner_layer_of_tokens(pixels):
    network, found = MODELS["a class token"][0].network(5).eval(), []
    assert shallow(network.body) == "blocks.0"
    hook = network.body.blocks[0].register_forward_hook(lambda _, __, output: found.append(output))
    network(pixels)
    hook.remove()
    torch.testing.assert_close(neuron_outputs(network, "blocks.0", pixels), found[0].sum(dim=1) / 17)


def test_a_transformer_is_no_convolutional_network():
    for name in ("a class token", "maps with channels last"):
        with pytest.raises(Inapplicable, match="no convolutional network: 1 of its body's"):
            MODELS[name][0].network(5).filters()


def test_training_starts_from_timms_own_state_dict(tmp_path):
    ensure_torchvision()
    import timm

    torch.manual_seed(4)
    options = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 3}
    theirs = timm.create_model("vit_tiny_patch16_224", **options).eval()
    save_file(theirs.state_dict(), tmp_path / "vit.safetensors")
    architecture = TimmModel(init=str(tmp_path / "vit.safetensors"), name="vit_tiny_patch16_224", options=VIT)
    network, x = architecture.start(architecture.network(1000)).eval(), torch.rand(2, 3, 32, 32)
    network.last.load_state_dict(theirs.head.state_dict())
    torch.testing.assert_close(network(x), theirs(2 * x - 1))


@pytest.mark.parametrize(
    ("name", "options", "error"),
    [
        ("resnet81", (), r"^name: timm has no model 'resnet81', did you mean resnet"),
        ("???", (), r"^name: timm has no model '\?\?\?', timm.list_models\(\) has them all"),
        ("resnet18", ("width",), r"^options: needs 'key=value' such as 'img_size=32', got 'width'"),
        ("resnet18", ("widht=3",), r"^options: resnet18 does not take \['widht=3'\] \(.*'widht'\)$"),
        ("resnet18", ("num_classes=3",), r"^options: 'num_classes' is given by the task"),
        ("resnet18", ("drop_rate=0.1", "drop_rate=0.2"), r"^options: 'drop_rate' is given twice"),
        ("vit_tiny_patch16_224", ("embed_dim=50",), r"^options: vit_tiny_patch16_224 does not take .*num_heads"),
        ("efficientvim_m1", (), r"^name: efficientvim_m1 answers with neither maps, tokens nor vectors"),
    ],
)
def test_what_is_wrong_is_said_before_any_work(name, options, error):
    with pytest.raises(InputError, match=error):
        TimmModel(name=name, options=options)


def test_pictures_of_another_size_are_refused():
    network = TimmModel(name="vit_tiny_patch16_224", options=VIT).network(5)
    with pytest.raises(InputError, match="takes pictures of 32x32 pixels, these have 48x48; give 'img_size=48'"):
        network(torch.rand(1, 3, 48, 48))


def test_a_yaml_alone_makes_one():
    node = {"_target_": "network/timm", "name": "vit_tiny_patch16_224", "options": list(VIT)}
    architecture = build(node, "task.architecture")
    assert architecture == TimmModel(name="vit_tiny_patch16_224", options=VIT)
    assert spec_of(architecture)["settings"] == {"name": "vit_tiny_patch16_224", "options": list(VIT)}
    with pytest.raises(InputError, match=r"^task.architecture.name: timm has no model 'vit_tiny'"):
        build(node | {"name": "vit_tiny"}, "task.architecture")
