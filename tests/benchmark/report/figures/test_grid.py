"""Places of panels in inches; every figure of a report fits its page, and nothing of it is cut off."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from benchmark.report import Findings
from benchmark.report.figures import every, style
from benchmark.report.figures.grid import TALLEST, Grid, Legend
from benchmark.report.figures.sheet import WIDTHS
from benchmark.report.findings import checked
from benchmark.report.summary import summarise
from benchmark.report.view import View, Width

Make = Callable[..., Findings]
MANY = [
    *(("deepjudge_white", name, "white box") for name in ("nod", "nad", "lod", "lad", "white")),
    *((f"a_method_of_long_name_{i}", "x", "label") for i in range(9)),
    ("saliency", "white", "white box"),
    ("saliency", "black", "probability"),
    ("akh", "label", "label"),
]


@pytest.fixture(scope="module")
def crowded(make_whole: Make) -> Findings:
    """Many methods, long names, three victims, distances, and an extraction."""
    findings = make_whole(tasks=["digits_class"], methods=MANY, victims=2, repeats=1)
    rows = findings.scores
    judge = rows["fingerprint"] == "deepjudge_white"
    rows["threshold"] = rows["threshold"].astype(float)
    rows.loc[judge, "statistic"] = 1 - rows.loc[judge, "score"]
    rows.loc[judge, "threshold"] = 0.5
    rows.loc[judge, "matched"] = float("nan")
    return checked(findings)


@pytest.fixture(scope="module", params=["column", "page"])
def drawn(crowded: Findings, request: pytest.FixtureRequest) -> tuple[Width, dict[str, Figure]]:
    """All figures of one width, rendered."""
    main = crowded.scores[crowded.scores["channel"] == crowded.channel]
    with style.styled(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmark.report.summary.RESAMPLES", 20)
        figures = {
            picture.name: figure for picture, figure in every.drawn(crowded, summarise(main), View((), request.param))
        }
        for figure in figures.values():
            figure.draw_without_rendering()
    return request.param, figures


def test_every_kind_of_figure_is_there(drawn: tuple[Width, dict[str, Figure]]) -> None:
    kinds = {name.partition("_digits")[0] for name in drawn[1]}
    assert kinds >= {
        "auc",
        "aruc",
        "families",
        "ru_curves",
        "strips",
        "separation",
        "radar",
        "conspicuity",
        "sensitivity",
    }


def test_no_figure_is_wider_than_the_sheet_or_taller_than_a_page(drawn: tuple[Width, dict[str, Figure]]) -> None:
    width, figures = drawn
    for name, figure in figures.items():
        assert figure.get_figwidth() <= WIDTHS[width] + 1e-6, name
        assert figure.get_figheight() <= TALLEST + 1e-6, name


def test_nothing_is_cut_off_and_no_legend_lies_on_a_panel(drawn: tuple[Width, dict[str, Figure]]) -> None:
    for name, figure in drawn[1].items():
        with style.styled():
            box = figure.get_tightbbox()  # of all texts and lines, in inches
        assert min(box.x0, box.y0) > -0.01, name
        assert box.x1 < figure.get_figwidth() + 0.01 and box.y1 < figure.get_figheight() + 0.01, name
        for legend, axes in itertools.product(figure.legends, figure.axes):
            assert not legend.get_window_extent().overlaps(axes.get_window_extent()), name


def test_titles_of_neighbours_do_not_touch(drawn: tuple[Width, dict[str, Figure]]) -> None:
    for name, figure in drawn[1].items():
        boxes = [axes.title.get_window_extent() for axes in figure.axes if axes.get_title()]
        for one, other in itertools.combinations(boxes, 2):
            assert not one.overlaps(other), name


def test_no_axes_has_more_than_eight_lines_with_a_meaning(drawn: tuple[Width, dict[str, Figure]]) -> None:
    for name, figure in drawn[1].items():
        if name.startswith(("ru_curves", "sensitivity", "extraction")):
            for axes in figure.axes:
                assert len({line.get_color() + str(line.get_marker()) for line in axes.get_lines()}) <= 8 + 1, name


def test_figures_keep_to_latin_1(drawn: tuple[Width, dict[str, Figure]]) -> None:
    for figure in drawn[1].values():
        for text in figure.findobj(Text):
            text.get_text().replace("−", "-").encode("latin-1")  # type: ignore[attr-defined]


@pytest.mark.parametrize(("count", "pages"), [(1, [1]), (4, [4]), (12, [12]), (13, [8, 5]), (25, [12, 12, 1])])
def test_pages_are_whole_rows_and_about_equally_full(count: int, pages: list[int]) -> None:
    grid = Grid(width=6.9, least=1.4, height=2.0, left=0.5, title=0.3, foot=0.3, below=0.1, columns=4)
    assert [len(page) for page in grid.pages(range(count), 0.3)] == pages
    assert [place for page in grid.pages(range(count), 0.3) for place in page] == list(range(count))


def test_a_grid_labels_its_edges_only() -> None:
    grid = Grid(width=6.9, least=1.4, height=1.0, left=0.5, columns=3)
    figure, panels = grid.figure(5, Legend((), 6.9))
    assert list(grid.first(panels)) == [panels[0], panels[3]]
    assert list(grid.lowest(panels)) == panels[2:]
    assert figure.get_figwidth() <= 6.9


def test_a_legend_takes_as_many_columns_as_there_is_room_for() -> None:
    handles = [Line2D([], [], label="a name of some length") for _ in range(7)]
    wide, narrow = Legend(handles, 6.9), Legend(handles, 1.0)
    assert 1 < wide.columns < 7 and narrow.columns == 1
    assert wide.needs <= 6.9 and narrow.height > wide.height
    assert Legend((), 3.3).height == 0.0
