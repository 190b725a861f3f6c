"""`whosenet run [experiment=NAME] [overrides]`: a thin Hydra main. Heavy imports wait until they are needed."""

from __future__ import annotations

import os
import sys

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from benchmark.cli.mistakes import mended
from benchmark.cli.version import version
from benchmark.paths import CONF, ROOT

OmegaConf.register_new_resolver("checkout", lambda path: str(ROOT / path))  # for what Hydra itself puts somewhere


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def run(config: DictConfig) -> None:
    """Hydra hands this function to other launchers, so it only calls.

    It leaves by SystemExit: an exception would have Hydra print lines of its own.
    """
    from benchmark.cli.command import run as run_experiment
    from benchmark.cli.overrides import plain

    chosen = HydraConfig.get()
    overrides, swept = list(chosen.overrides.task), str(chosen.mode).endswith("MULTIRUN")
    with mended(overrides):
        code = run_experiment(plain(config, overrides), overrides, swept=swept)
    if code:
        raise SystemExit(code)


def main() -> None:
    """Runs what `sys.argv` asks for, and turns what the user can mend into one line and exit code 2."""
    if "--version" in sys.argv[1:]:
        print(version())  # Hydra would tell its own
        return
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # errors reach us instead of Hydra's own exit
    try:
        with mended(sys.argv[1:]):
            run()
    except KeyboardInterrupt:
        print("interrupted: what was done is kept, run again to continue", file=sys.stderr)
        raise SystemExit(130) from None
