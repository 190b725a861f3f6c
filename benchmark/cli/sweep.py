"""All runs of a sweep are looked through before the first one begins: the last value may be the one that is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hydra import compose
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from benchmark.cli.mistakes import composing, mended
from benchmark.cli.overrides import as_written, plain
from benchmark.errors import InputError
from benchmark.run.progress import doing


class Checked(Callback):
    """Hydra calls it before a sweep. What it finds ends the command: Hydra makes a warning of any other exception."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Looks through all runs of the sweep; other sweepers than Hydra's own choose their values as they go."""
        if not str(config.hydra.sweeper.get("_target_")).endswith(BasicSweeper.__name__):
            return
        with mended():
            for overrides in _runs(config):
                with doing(f"checking the run {' '.join(overrides)}"):
                    _check(str(kwargs["config_name"]), overrides)


def _runs(config: DictConfig) -> Iterator[list[str]]:
    """The overrides of each run, as Hydra's own sweeper makes them."""
    parameters = OmegaConf.to_container(config.hydra.sweeper.get("params") or OmegaConf.create(), resolve=False)
    assert isinstance(parameters, dict)
    words = [*(f"{key!s}={value!s}" for key, value in parameters.items()), *as_written(config.hydra.overrides)]
    with composing(words):
        batches = BasicSweeper.split_arguments(OverridesParser.create().parse_overrides(words), None)
    for batch in batches:
        yield from batch


def _check(config_name: str, overrides: list[str]) -> None:
    from benchmark.cli.command import checked

    try:
        with composing(overrides):
            config = compose(config_name, overrides)
        checked(plain(config, overrides), overrides, swept=True)
    except InputError as error:
        raise InputError(f"{error} (in the sweep's run {' '.join(overrides)}; none has begun)") from None
