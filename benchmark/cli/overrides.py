"""What Hydra composes, made plain, with whole components replaced where the overrides say so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, open_dict

from benchmark.paths import CONF


def composed(*overrides: str) -> dict[str, Any]:
    """The configuration that `whosenet run` makes of these overrides, as dicts and lists.

    Raises:
        HydraException: an override names nothing that there is; so do OmegaConf's and yaml's own exceptions.
    """
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return plain(compose("config", list(overrides)), overrides)


def plain(config: DictConfig, overrides: Sequence[str]) -> dict[str, Any]:
    """The configuration as dicts and lists.

    Hydra merges what `++task.mine.architecture={_target_: network/vgg11, width: 16}` says into the settings of the
    component that was there; a component of another kind wants none of them, so here it takes the old one's place.
    """
    replaced: list[str] = []
    with open_dict(config):
        for override in OverridesParser.create().parse_overrides(list(overrides)):
            key, value = override.key_or_group, override.value()
            if isinstance(value, dict) and "_target_" in value:
                OmegaConf.update(config, key, value, merge=False)
                replaced.append(f"{key}.")
            elif key.startswith(tuple(replaced)):
                OmegaConf.update(config, key, value)
    found = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(found, dict)
    return {str(key): node for key, node in found.items()}
