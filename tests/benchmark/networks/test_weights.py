"""Training that starts from a file of the user's: what fits, what does not, and what is part of the identity."""

from __future__ import annotations

import shutil

import pytest
import torch
from safetensors.torch import save_file

from benchmark.compat import ensure_torchvision
from benchmark.contracts.suspect import Ingredients
from benchmark.data.base import ImageSet, Splits
from benchmark.data.digits import Digits
from benchmark.errors import InputError
from benchmark.networks.resnet import ResNet18
from benchmark.networks.vgg import VGG11
from benchmark.spec.component import spec_of
from benchmark.tasks.base import Training
from benchmark.tasks.classification import Classification

KINDS = {ResNet18: {"width": 8, "stem": "small"}, VGG11: {"width": 8, "hidden": 16}}


@pytest.fixture(params=sorted(KINDS, key=lambda kind: kind.__name__))
def startable(request):
    """Builds each startable architecture, very narrow."""
    return lambda **more: request.param(**KINDS[request.param], **more)


@pytest.fixture
def state(startable):
    """What a file holds: a trained body, and a head for other classes."""
    torch.manual_seed(7)
    network = startable().network(5)
    body = {
        name: torch.rand_like(tensor) if tensor.is_floating_point() else tensor + 3
        for name, tensor in network.body.state_dict().items()
    }
    return body | {"fc.weight": torch.rand(1000, 64), "fc.bias": torch.rand(1000)}


def written(state, path):
    if path.suffix == ".safetensors":
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    else:
        torch.save(state, path)
    return str(path)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_the_body_is_the_files_and_the_head_stays_as_drawn(startable, state, tmp_path, suffix):
    architecture = startable(init=written(state, tmp_path / f"weights{suffix}"))
    network = architecture.network(7)
    head = {name: tensor.clone() for name, tensor in network.head.state_dict().items()}
    assert architecture.start(network) is network
    assert all(torch.equal(tensor, state[name]) for name, tensor in network.body.state_dict().items())
    assert all(torch.equal(tensor, head[name]) for name, tensor in network.head.state_dict().items())


def test_scratch_changes_nothing(startable):
    network = startable().network(7)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert startable().start(network) is network
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert startable().content() == ""


def test_training_starts_there(startable, state, tmp_path):
    """Victims, independent models and students ask for a fresh network, which is the started one."""
    images = ImageSet(torch.zeros(2, 3, 32, 32, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64))
    architecture = startable(init=written(state, tmp_path / "weights.pth"))
    task = Classification(data=Digits(), architecture=architecture, training=Training(), classes=7)
    fresh = Ingredients(task, Splits(images, images, images), None, 1, lambda *_: None).fresh()
    assert all(torch.equal(tensor, state[name]) for name, tensor in fresh.body.state_dict().items())


def test_a_file_without_counters_of_batches_fits(startable, state, tmp_path):
    """Older state dicts lack num_batches_tracked."""
    older = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    architecture = startable(init=written(older, tmp_path / "weights.pth"))
    body = architecture.start(architecture.network(7)).body.state_dict()
    assert all(torch.equal(body[name], older[name]) for name in older if name in body)


@pytest.mark.parametrize("fault", ["missing", "shape"])
def test_weights_that_do_not_fit(startable, state, tmp_path, fault):
    name = next(name for name, tensor in state.items() if tensor.ndim == 4)
    wrong = {key: tensor for key, tensor in state.items() if key != name}
    if fault == "shape":
        wrong[name] = torch.rand(9, 3, 3, 3)
    total = len(startable().network(7).body.state_dict())
    architecture = startable(init=written(wrong, tmp_path / "weights.safetensors"))
    with pytest.raises(InputError) as caught:
        architecture.start(architecture.network(7))
    assert f"does not fit this architecture, 1 of {total} tensors are missing" in str(caught.value)
    assert str(caught.value).startswith("init: ") and str(caught.value).endswith(f"the first is {name}")


def test_a_missing_file_is_found_out_before_any_work(startable, tmp_path):
    architecture = startable(init=str(tmp_path / "none.pth"))
    with pytest.raises(InputError, match=r"^init: no file .*none\.pth; give 'scratch' or a state dict"):
        spec_of(architecture)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_file_that_is_no_state_dict(startable, tmp_path, suffix):
    path = tmp_path / f"weights{suffix}"
    path.write_text("not weights")
    architecture = startable(init=str(path))
    with pytest.raises(InputError, match="^init: .* is no state dict"):
        architecture.start(architecture.network(7))


def test_the_identity_is_the_content_and_not_the_place(startable, state, tmp_path):
    here = startable(init=written(state, tmp_path / "one.pth"))
    there = startable(init=str(shutil.copy(tmp_path / "one.pth", tmp_path / "two.pth")))
    name = next(iter(state))
    other = startable(init=written(state | {name: state[name] + 1}, tmp_path / "three.pth"))
    assert spec_of(here) == spec_of(there)
    assert spec_of(here)["content"] != spec_of(other)["content"]
    assert "content" not in spec_of(startable())


@pytest.mark.parametrize(("kind", "name"), [(ResNet18, "resnet18"), (VGG11, "vgg11_bn")])
def test_timms_own_state_dict_fits_the_original(kind, name):
    ensure_torchvision()
    import timm

    with torch.device("meta"):
        theirs = {key: tensor.shape for key, tensor in timm.create_model(name).state_dict().items()}
        ours = kind().network(7).body.state_dict()
    assert all(theirs[key] == tensor.shape for key, tensor in ours.items())
