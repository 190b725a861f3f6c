"""VGG-11 (Simonyan and Zisserman 2015, configuration A), timm's, at any width."""

from __future__ import annotations

from torch import nn

from benchmark.compat import ensure_torchvision
from benchmark.networks.network import Network, assemble
from benchmark.networks.weights import Startable
from benchmark.spec.component import setting


class VGG11(Startable, name="network/vgg11"):
    """timm's VGG-11; `width` 64 and `hidden` 4096 are the original, whose last map is H/32 wide (7x7 at 224).

    The two hidden layers are timm's ConvMlp, a 7x7 and a 1x1 convolution, which are linear layers on a map of 7x7; a
    smaller map is enlarged to 7x7 first. A start from a file fills the convolutions, not the hidden layers.

    Attributes:
        width: channels of the first stage; the later ones have 2, 4, 8 and 8 times as many.
        hidden: width of the two hidden layers.
        batch_norm: after each convolution (timm's vgg11_bn).
        dropout: after each hidden layer.
        pools: of its five max pools the first so many are kept: with 3 the last map is H/8 wide, 7x7 at 56.
    """

    width: int = setting(default=64, low=4)
    hidden: int = setting(default=4096, low=4)
    batch_norm: bool = True
    dropout: float = setting(default=0.5, low=0, high=0.9)
    pools: int = setting(default=5, low=1, high=5, later=True)

    def network(self, outputs: int, *, unit: tuple[float, float] | None = None, classes: int = 0) -> Network:
        ensure_torchvision()
        from timm.models.vgg import VGG, ConvMlp, cfgs

        pools = [place for place, step in enumerate(cfgs["vgg11"]) if step == "M"]
        steps = [step for place, step in enumerate(cfgs["vgg11"]) if place not in pools[self.pools :]]
        stages = [self.width * step // 64 if isinstance(step, int) else step for step in steps]
        norm = nn.BatchNorm2d if self.batch_norm else None
        # timm's hidden layers are 4096 wide whatever the width: the least of them are drawn, and replaced
        body = VGG(stages, num_classes=0, norm_layer=norm, mlp_ratio=1 / 4096)
        body.pre_logits = ConvMlp(body.num_features, self.hidden, 7, drop_rate=self.dropout)
        body.head = nn.Linear(self.hidden, outputs)
        body._initialize_weights()
        pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(self.dropout))
        head = nn.Sequential(body.pre_logits, *pool, body.head)
        body.pre_logits = body.head = nn.Identity()
        return assemble(body, head, unit, classes)
