"""`python -m benchmark [experiment=NAME] [overrides]`: a thin Hydra main. Heavy imports wait until they are needed."""

from __future__ import annotations

import os
import sys

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from benchmark.paths import CONF


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def run(config: DictConfig) -> None:
    """Hydra pickles this function by value for other launchers, so it only calls.

    It leaves by SystemExit: an exception would have Hydra print lines of its own.
    """
    from benchmark.cli.command import run as run_experiment
    from benchmark.cli.mistakes import fail
    from benchmark.cli.overrides import plain
    from benchmark.errors import InputError

    chosen = HydraConfig.get()
    overrides, swept = list(chosen.overrides.task), str(chosen.mode).endswith("MULTIRUN")
    try:
        code = run_experiment(plain(config, overrides), overrides, swept=swept)
    except InputError as error:
        fail(str(error))
    if code:
        raise SystemExit(code)


def main() -> None:
    """Runs, and turns what the user can mend into one line and exit code 2."""
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # errors reach the handlers below instead of Hydra's own exit
    try:
        run()
    except (HydraException, OmegaConfBaseException, YAMLError) as error:
        from benchmark.cli.mistakes import explain, fail

        fail(explain(error, sys.argv[1:], CONF))
    except KeyboardInterrupt:
        print("interrupted: what was done is kept, run again to continue", file=sys.stderr)
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
