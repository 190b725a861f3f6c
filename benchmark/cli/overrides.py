"""What Hydra composes, made plain, with whole components replaced where the overrides say so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, open_dict

from benchmark.cli.mistakes import composing
from benchmark.errors import InputError
from benchmark.paths import CONF


def composed(*overrides: str) -> dict[str, Any]:
    """The configuration that `whosenet run` makes of these overrides, as dicts and lists.

    Raises:
        InputError: they name nothing that there is, or a yaml cannot be read.
    """
    with composing(overrides), initialize_config_dir(str(CONF), version_base="1.3"):
        return plain(compose("config", list(overrides)), overrides)


def as_written(overrides: Any) -> list[str]:
    """The words of `hydra.overrides`, without a look at what `${...}` in them refers to."""
    found = OmegaConf.to_container(overrides, resolve=False)
    assert isinstance(found, dict)
    return [str(word) for word in found["task"]]


def plain(config: DictConfig, overrides: Sequence[str]) -> dict[str, Any]:
    """The configuration as dicts and lists.

    Hydra merges what `++task.mine.architecture={_target_: network/vgg11, width: 16}` says into the settings of the
    component that was there; a component of another kind wants none of them, so here it takes the old one's place.

    Raises:
        InputError: the experiment's yaml sets nothing, a setting has no value, or refers to one that there is not.
    """
    if "experiment" in config:
        content = ", ".join(map(str, config.experiment or ())) or "nothing"
        line = "let its first line be '# @package _global_'"
        raise InputError(f"experiment: its yaml has {content} and sets none of it; {line}")
    with composing(overrides):
        return _resolved(config, overrides)


def _resolved(config: DictConfig, overrides: Sequence[str]) -> dict[str, Any]:
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
