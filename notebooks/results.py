# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Reading an experiment's results
#
# `scores.csv.gz` has one row per suspect, method, repeat and channel (what stands between a query and the suspect). This
# notebook redraws the main figure from the rows of the experiment's main channel: robustness and uniqueness against
# the threshold. `WHOSENET_RESULTS` names another experiment's folder.

# %%
import json
import os
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from benchmark import metrics

folder = Path(os.environ.get("WHOSENET_RESULTS", "../results/digits"))
manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
scores = pd.read_csv(folder / "scores.csv.gz")
scores = scores[scores["channel"] == manifest["channel"]]
suspects = scores[(scores["family"] != "victim") & scores["score"].notna()]
suspects.groupby(["task", "fingerprint", "verifier"])["score"].describe().round(3)

# %% [markdown]
# ## Robustness and uniqueness
#
# Positives are the suspects for which the answer to the experiment's question is yes. A suspect is called positive if
# its score lies strictly above the threshold. R is the share of positives that are, U the share of negatives that are
# not; ARUC is the mean of the smaller of the two.

# %%
methods = suspects[["task", "fingerprint", "verifier"]].drop_duplicates().to_records(index=False)
columns = 4
rows = -(-len(methods) // columns)
figure, axes = plt.subplots(rows, columns, figsize=(3 * columns, 2.4 * rows), sharex=True, sharey=True, squeeze=False)
areas = {}
for axis in axes.flat[len(methods) :]:
    axis.set_axis_off()
for axis, (task, fingerprint, verifier) in zip(axes.flat, methods, strict=False):
    chosen = suspects.query("task == @task and fingerprint == @fingerprint and verifier == @verifier")
    areas[task, fingerprint, verifier] = []
    for _, repeat in chosen.groupby("repeat"):
        score, positive = repeat["score"].to_numpy(), repeat["positive"].to_numpy()
        curve = metrics.curve(score, positive)
        axis.plot(curve.rho, curve.robustness, color="tab:blue", linewidth=0.8)
        axis.plot(curve.rho, curve.uniqueness, color="tab:orange", linewidth=0.8, linestyle="--")
        areas[task, fingerprint, verifier].append(metrics.aruc(score, positive))
    axis.set_title(f"{task}\n{fingerprint} {verifier}", fontsize=8)
figure.supxlabel("threshold ρ")
figure.supylabel("share of suspects (R solid, U dashed)")
figure.tight_layout()

# %% [markdown]
# ## ARUC, beside what the report says

# %%
redrawn = pd.DataFrame(areas).mean().rename("redrawn")
redrawn.index.names = ["task", "fingerprint", "verifier"]
summary = pd.read_csv(folder / "summary.csv").query("suspects == 'all'")
reported = summary.set_index(["task", "fingerprint", "verifier"])["aruc"].rename("reported")
table = pd.concat([redrawn, reported], axis=1, join="inner")
assert (table["redrawn"] - table["reported"]).abs().max() < 1e-9
table.round(3)
