"""Hydra's launchers: the runs of a sweep at the same time, on one store, into one table."""

from __future__ import annotations

from tests.stores import swept


def test_joblibs_launcher(tmp_path):
    table = swept(tmp_path, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    assert sorted(set(table["override count"])) == [5, 6]
