"""What Hydra composed, made plain, with whole components replaced where the command line says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, open_dict


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
