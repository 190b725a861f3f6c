"""One tiny architecture of each make, for pictures of 32 x 32 pixels: what recipes and methods are tried on."""

from __future__ import annotations

from benchmark.networks.lenet import LeNet5
from benchmark.networks.mlp import MLP
from benchmark.networks.mobilefacenet import MobileFaceNet
from benchmark.networks.network import Architecture
from benchmark.networks.resnet import ResNet18
from benchmark.networks.small import SmallMobileFaceNet, SmallResNet, SmallVGG
from benchmark.networks.timm_models import TimmModel
from benchmark.networks.vgg import VGG11

VIT = ("img_size=32", "patch_size=8", "embed_dim=24", "depth=2", "num_heads=3")
SWIN = ("img_size=32", "patch_size=4", "window_size=4", "embed_dim=12", "depths=(1, 1)", "num_heads=(1, 2)")
CONVOLUTIONAL: dict[str, Architecture] = {
    "small_resnet": SmallResNet(widths=(8, 12, 16)),
    "small_vgg": SmallVGG(widths=(8, 12, 16), hidden=10),
    "small_mobilefacenet": SmallMobileFaceNet(widths=(8, 12, 16)),
    "lenet5": LeNet5(widths=(8, 12), hidden=(20, 10)),
    "resnet18": ResNet18(width=8, stem="small", last_stride=1),
    "vgg11": VGG11(width=8, hidden=16),
    "mobilefacenet": MobileFaceNet(width=8, side=2),
    "densenet": TimmModel(name="densenet121", options=("growth_rate=4", "block_config=(2, 2)")),
}
OTHERS: dict[str, Architecture] = {
    "vit": TimmModel(name="vit_tiny_patch16_224", options=VIT),
    "swin": TimmModel(name="swin_tiny_patch4_window7_224", options=SWIN),
    "convnext": TimmModel(name="convnext_atto", options=("depths=(1, 1, 1, 1)", "dims=(4, 8, 12, 16)")),
    "mlp": MLP(widths=(24, 16)),
}
TINY = CONVOLUTIONAL | OTHERS
