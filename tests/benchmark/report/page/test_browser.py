"""The page as Chromium shows it, at the width of a desk and of a telephone."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next((path for name in BROWSERS if (path := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed")

# A window may be no narrower than 500 pixels, a frame may: the page is shown in one, and tells what a script finds.
FRAME = """<title>nothing</title><body style="margin:0">
<script>addEventListener("message", event => document.title = "FOUND " + event.data)</script>
<iframe src="probe.html" style="border:0;width:{width}px;height:900px"></iframe>"""
PROBE = """<script>addEventListener("load", () => {{
  const found = (() => {{ {script} }})();
  parent.postMessage(JSON.stringify(found), "*");
}})</script>"""


def asked(page: Path, folder: Path, width: int, script: str, *flags: str) -> Any:
    """What a script finds in the page, shown `width` pixels wide."""
    (folder / "probe.html").write_text(page.read_text(encoding="utf-8") + PROBE.format(script=script), encoding="utf-8")
    (folder / "frame.html").write_text(FRAME.format(width=width))
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1500,1000"]
    command += ["--virtual-time-budget=8000", "--dump-dom", *flags, f"file://{folder}/frame.html"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    title = re.search(r"<title>FOUND (.*?)</title>", done.stdout)
    assert title, done.stdout[:500]
    return json.loads(html.unescape(title[1]))


WIDE = """
const edge = document.documentElement.clientWidth;
const out = [...document.querySelectorAll("body *")].filter(
  each => !each.closest(".wide, figure") && each.getBoundingClientRect().right > edge + 1);
return {page: document.documentElement.scrollWidth, edge, out: out.map(each => each.outerHTML.slice(0, 80)),
        boxes: document.querySelectorAll(".wide").length};
"""


@pytest.mark.parametrize("width", [420, 1400])
def test_nothing_runs_over_the_edge_but_inside_a_box_of_its_own(whole: Path, tmp_path: Path, width: int) -> None:
    found = asked(whole / "index.html", tmp_path, width, WIDE)
    assert found["boxes"] > 10 and width - 30 <= found["edge"] <= width
    assert found["page"] <= found["edge"] and found["out"] == []


STICKY = """
const box = document.querySelector("#table-areas").parentElement, row = box.querySelector("tbody tr");
box.scrollLeft = 300;
const left = box.getBoundingClientRect().left;
return {scrolled: box.scrollLeft, cells: [...row.cells].slice(0, 3).map(
  cell => Math.round(cell.getBoundingClientRect().left - left))};
"""


def test_names_stay_in_sight_while_numbers_scroll(whole: Path, tmp_path: Path) -> None:
    narrow = asked(whole / "index.html", tmp_path, 420, STICKY)
    assert narrow["scrolled"] > 100
    task, method, access = narrow["cells"]
    assert method == 0 and task < 0 and access < method  # the method stays, what stands beside it goes below it
    middle = asked(whole / "index.html", tmp_path, 760, STICKY)
    assert middle["cells"][0] == 0 and middle["cells"][1] > 20


SORT = """
const table = document.querySelector("#table-headline"), heads = [...table.tHead.rows[0].cells];
const column = heads.findIndex(head => head.textContent.includes("AUC"));
const read = () => [...table.tBodies[0].rows].map(row => row.cells[column].textContent);
const names = () => [...table.tBodies[0].rows].map(row => row.cells[0].textContent);
const button = heads[column].querySelector("button");
button.click();
const down = read(), told = heads[column].getAttribute("aria-sort");
button.click();
const up = read();
heads[0].querySelector("button").click();
return {down, up, told, names: names()};
"""


def test_tables_are_sorted_by_a_click_and_turned_by_the_next(whole: Path, tmp_path: Path) -> None:
    found = asked(whole / "index.html", tmp_path, 1400, SORT)
    numbers = [float(text.split(" ")[0]) for text in found["down"]]
    assert len(numbers) == 3 and numbers == sorted(numbers, reverse=True) and found["told"] == "descending"
    assert found["up"] == found["down"][::-1]
    assert found["names"] == sorted(found["names"], key=str.lower)


COLOURS = """
const style = getComputedStyle(document.body);
return [style.color, style.backgroundColor].map(text => text.match(/\\d+/g).slice(0, 3).map(Number));
"""


def test_the_dark_page_is_light_on_dark(whole: Path, tmp_path: Path) -> None:
    ink, paper = asked(whole / "index.html", tmp_path, 1400, COLOURS)
    assert max(ink) < 100 and min(paper) > 200
    ink, paper = asked(whole / "index.html", tmp_path, 1400, COLOURS, "--blink-settings=preferredColorScheme=0")
    assert min(ink) > 200 and max(paper) < 60
