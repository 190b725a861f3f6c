"""Experiments that take every yaml of a group: a component that is added takes part in them unasked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omegaconf import OmegaConf

from benchmark.errors import InputError, near_misses
from benchmark.paths import CONF
from benchmark.plan.values import mapping

GROUPS = ("task", "suspect", "fingerprint", "channel", "detector")  # those of which an experiment has several


def with_every(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with all yamls of the groups that `every` names, less those that it lists for each.

    What the configuration says of one of them goes on top of its yaml.

    Raises:
        InputError: such a group or a yaml to be left out does not exist.
    """
    completed = dict(config)
    wanted = mapping(config, "every", optional=True)  # e.g. {suspect: []}
    for group, left_out in wanted.items():
        yamls = {path.stem: path for path in sorted((CONF / group).glob("*.yaml"))}
        if group not in GROUPS:
            raise InputError(f"every.{group}: wants one of {', '.join(GROUPS)}")
        if not isinstance(left_out or [], list):
            raise InputError(f"every.{group}: wants a list of names to leave out, got {left_out!r}")
        for name in left_out or ():
            if name not in yamls:
                raise InputError(f"every.{group}: conf/{group} has no {name}.yaml, {near_misses(name, yamls)}")
        given = dict(mapping(config, group, optional=True))
        for name, path in yamls.items():
            if name not in (left_out or ()):
                node = OmegaConf.merge(
                    OmegaConf.select(OmegaConf.load(path), name), mapping(given, name, optional=True)
                )
                given[name] = OmegaConf.to_container(node, resolve=True)
        completed[group] = given
    return completed
