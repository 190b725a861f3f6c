"""What is true of a suspect, and what an experiment asks: a relation to the victim, and a question about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from benchmark.errors import Reason


class Relation(StrEnum):
    """How a model came to be, seen from the victim. It is a fact of the recipe, whatever is asked about it."""

    INDEPENDENT = "independent"  # nothing of the victim is in it
    EQUIVALENT = "equivalent"  # the victim's own function, written down in another way
    MODIFIED = "modified"  # the victim's weights, changed
    DERIVED = "derived"  # other weights, which learnt from the victim's answers

    @property
    def distance(self) -> int:
        """How far from the victim: a chain of recipes is as far as its farthest step."""
        return {"equivalent": 0, "modified": 1, "derived": 2, "independent": 3}[self.value]


@dataclass(frozen=True)
class Question:
    """What is to be told apart: suspects of which the answer is yes (`positive`) and of which it is no (`negative`)."""

    name: str
    text: str
    positive: frozenset[Relation]
    negative: frozenset[Relation]

    def inapplicable(self, relation: Relation) -> Reason:
        """Why the question is not asked of a suspect."""
        asked = relation in self.positive | self.negative
        return "" if asked else f"the question of {self.name} is not asked where the relation is «{relation}»"


OWNERSHIP = Question(
    "ownership",
    "does the suspect come of the victim?",
    frozenset({Relation.EQUIVALENT, Relation.MODIFIED, Relation.DERIVED}),
    frozenset({Relation.INDEPENDENT}),
)
INTEGRITY = Question(
    "integrity", "was the victim tampered with?", frozenset({Relation.MODIFIED}), frozenset({Relation.EQUIVALENT})
)
QUESTIONS = {question.name: question for question in (OWNERSHIP, INTEGRITY)}
