"""`whosenet run [experiment=NAME] [overrides]`: a thin Hydra main. Heavy imports wait until they are needed."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from benchmark.cli.mistakes import composing, mended
from benchmark.cli.version import version
from benchmark.errors import InputError
from benchmark.paths import CONF, ROOT

OmegaConf.register_new_resolver("checkout", lambda path: str(ROOT / path))  # for what Hydra itself puts somewhere


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def run(config: DictConfig) -> None:
    """Hydra hands this function to other launchers, so it only calls.

    It leaves by SystemExit: an exception would have Hydra print lines of its own, and pass for a wrong setting.
    """
    from benchmark.cli.command import run as run_experiment
    from benchmark.cli.overrides import as_written, plain

    chosen = HydraConfig.get()
    try:
        with mended():
            overrides, swept = as_written(chosen.overrides), str(chosen.mode).endswith("MULTIRUN")
            code = run_experiment(plain(config, overrides), overrides, swept=swept)
    except Exception:
        traceback.print_exc()
        code = 1
    if code:
        raise SystemExit(code)


def main() -> None:
    """Runs what `sys.argv` asks for, and turns what the user can mend into one line and exit code 2."""
    words = sys.argv[1:]
    if "--version" in words:
        print(version())  # Hydra would tell its own
        return
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors reach us instead of Hydra's own exit
    try:
        with mended():
            _check_options(words)
            with composing([word for word in words if not word.startswith("-")]):
                run()
    except KeyboardInterrupt:
        print("interrupted: what was done is kept, run again to continue", file=sys.stderr)
        raise SystemExit(130) from None


def _check_options(words: Sequence[str]) -> None:
    """Looks whether Hydra will take the options, since argparse tells it in many lines.

    Raises:
        InputError: it will not.
    """

    def refuse(message: str) -> NoReturn:
        raise InputError(f"run: {message}; options come before settings, which are key=value; see whosenet run --help")

    parser = get_args_parser()
    parser.error = refuse  # type: ignore[method-assign]
    options = parser.parse_args(list(words))
    if options.package and not options.cfg:
        refuse("--package goes with --cfg")
    if options.experimental_rerun:
        refuse("--experimental-rerun would run what a pickle says")
