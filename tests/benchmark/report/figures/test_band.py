"""Means over victims and their spread, against numbers by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmark.report.figures import band


def test_victims_weigh_alike_however_many_repeats_they_have() -> None:
    values = [[0.0, 1.0], [0.4, 1.0], [1.0, 0.5]]
    mean, sd = band.over_victims(values, [0, 0, 1])
    assert mean.tolist() == pytest.approx([0.6, 0.75])  # of 0.2 and 1.0, of 1.0 and 0.5
    assert sd is not None and sd.tolist() == pytest.approx([0.8 / np.sqrt(2), 0.5 / np.sqrt(2)])


def test_one_victim_spreads_over_its_repeats_and_one_set_not_at_all() -> None:
    mean, sd = band.over_victims([[0.2], [0.4]], [3, 3])
    assert mean.tolist() == pytest.approx([0.3])
    assert sd is not None and sd.tolist() == pytest.approx([0.2 / np.sqrt(2)])
    assert band.over_victims([[0.2]], [0])[1] is None


def test_the_caption_says_what_the_band_is() -> None:
    frame = pd.DataFrame({"victim": [0, 0, 1, 1], "repeat": [0, 1, 0, 1]})
    assert "over 2 victims" in band.explained(frame) and "deviation over victims" in band.explained(frame)
    assert "repeats of one victim" in band.explained(frame[frame["victim"] == 0])
    assert band.explained(frame.head(1)) == "One victim, one repeat."
