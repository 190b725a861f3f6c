"""A sweep through Hydra's submitit launcher: each run is a task, all on one store."""

from __future__ import annotations

import pytest

from tests.stores import swept


@pytest.mark.slurm
def test_the_runs_of_a_sweep_share_a_store(tmp_path):
    table = swept(tmp_path, "hydra/launcher=submitit_slurm", "hydra.launcher.timeout_min=10", "hydra.launcher.mem_gb=2")
    assert sorted(set(table["override count"])) == [5, 6]
