"""The annotation guidelines in short, for the page and the overlay beside judging.

Every text here stands word for word in ``docs/annotation-guidelines.md``; a test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from claimwire.data.labels import GUIDELINES_VERSION, Label

VERSION: Final = GUIDELINES_VERSION
"""Version of the guidelines that these texts are from."""


@dataclass(frozen=True, slots=True)
class LabelHelp:
    """What a reviewer needs to know of one label.

    Attributes:
        definition: goes on from "The sentence ...".
        cases: readings that settle what reviewers most often ask.
    """

    definition: str
    cases: tuple[str, ...]


UNIT: Final = (
    "One sentence, read on its own. The sentences before and after may only be used to resolve "
    'what a pronoun or "the attack" refers to; they never add content.'
)

ORDER: Final = (
    "Does it assert something about who is responsible, as the point being made (blamed, accused, "
    "believed to be behind, traced to, bears the hallmarks of, denied any role, no one has "
    "claimed)? -> attribution_inference.",
    "Does it assert that something incoming was stopped or not stopped? -> interception_claim.",
    "Does it assert a particular attack, or a fact of one? -> attack_claim.",
    "Otherwise -> background.",
)

SEVERAL: Final = (
    "If more than one is answered yes and each could stand as a sentence of its own, give all of "
    "them; the primary is the main clause's (what the sentence is mainly there to say). A phrase "
    "that merely identifies the thing talked about adds no label"
)

EXAMPLES: Final = (
    '"The coalition destroyed a drone that had been launched from Saada." -> interception (the '
    "launch only identifies the drone).",
    '"Forty drones were launched at the port overnight and thirty-one were shot down." -> attack + '
    "interception.",
    '"The blast that killed six was the work of the northern command, investigators concluded." -> '
    "attribution (the deaths identify the blast).",
    '"Six people died in the blast and investigators blamed the northern command." -> attack + '
    "attribution.",
)

RULES: Final = (
    "Mark hard: true when two careful readers could differ, with a few words why.",
    "Never use a fact that you know from elsewhere. Never infer from a party's reputation.",
    "Swap test: replace the parties by their opponents. The labels must not change.",
)

HELP: Final[dict[Label, LabelHelp]] = {
    Label.ATTACK_CLAIM: LabelHelp(
        "says that a particular attack took place, is taking place, or was attempted, or tells "
        "what it did: launch, strike, shelling, bombing, shooting, ambush, raid, incursion by "
        "hostile aircraft or drones, sabotage, its means, target, time, place, casualties or "
        "damage. Anyone may be saying it: reporter, official, witness, or the attacker.",
        (
            'Naming an attacker is not attribution. "Rebels fired mortars at the depot" takes the '
            "attacker as known: attack_claim.",
            'An attacker\'s own claim ("we struck the depot", "the group claimed responsibility '
            'for the raid", "the brigade said its drones hit the refinery") -> attack_claim.',
            "Particular = one event or one wave that could be put on a calendar: a date or a "
            "bounded spell of up to about a week, or a named battle day or operation's strike",
            "Casualties, damage, fires, evacuations of a particular attack -> attack.",
            "Warning sirens sounded for a particular attack -> attack.",
            "A munition that destroys its target was not stopped: attack.",
            "A denial that the event happened -> attack; a denial of having done it -> attribution",
        ),
    ),
    Label.INTERCEPTION_CLAIM: LabelHelp(
        "says that a particular incoming attack or hostile object was, or was not, stopped: shot "
        "down, intercepted, destroyed in the air, jammed, repelled, foiled, defused; or that "
        "defences were activated against it. Success, failure and partial success all count.",
        (
            "Uncrewed or munition (drone, missile, rocket, shell, balloon) brought down -> "
            "interception, whoever brings it down. Crewed aircraft brought down -> attack, unless "
            "the sentence says that it was attacking, incoming or intruding -> interception.",
            'Repelling a ground assault ("troops beat back two assaults near the bridge") -> '
            "interception (+ attack only if the assault is asserted in its own clause).",
            "A plot that was foiled -> interception.",
            "An attempt that failed with nobody said to stop it, and attackers who withdraw by "
            "themselves -> attack.",
            "Totals of interceptions and foiled plots follow the rule for attacks: a night or a "
            "week's tally -> interception; a year's or an undated total -> background.",
        ),
    ),
    Label.ATTRIBUTION_INFERENCE: LabelHelp(
        "assigns, infers, suspects, disputes or denies who is responsible for an attack: who "
        "carried it out, ordered, enabled or supplied it; or says that responsibility is unknown "
        "or unclaimed. It is a statement about responsibility, made by reasoning, evidence, "
        "suspicion or accusation.",
        (
            'Denied, unclaimed, unknown ("Tehran rejected any involvement", "No group has claimed '
            'the attack", "It was not clear who fired") -> attribution.',
            '"A accused B of striking C" -> attribution; attack as well only if the strike is also '
            "asserted in a clause of its own.",
            'Suspicion inside a noun phrase ("a suspected rebel drone strike killed two", "a raid '
            'blamed on the north") leaves the sentence an attack claim.',
            'About a particular attack ("the missile used on Sunday was assembled in the '
            'capital\'s workshops", "debris points to a foreign maker") -> attribution. As a '
            'general fact ("the capital arms the militia") -> background.',
            "Arrested, charged, tried, convicted or wanted by name over a particular attack -> "
            "attribution.",
        ),
    ),
    Label.BACKGROUND: LabelHelp(
        "everything else: context, history without a particular attack, capabilities, deployments, "
        "exercises, diplomacy, reactions, law, economics, aid, trends and long-run totals.",
        (
            'Long-run totals and trends ("45 attacks this year", "attacks have increased", "all '
            'these bases have come under fire") -> background.',
            "Threats, plans, warnings, predictions, conditionals -> background.",
            "Reactions to it (condemnation, condolences, market moves, meetings, vows) -> "
            "background, unless the sentence also asserts a fact of the attack in a clause of its "
            "own.",
            '"Fighting continues along the front" with no place or event -> background.',
            'Cyber, economic, verbal and sports "attacks" -> background. Ordinary crime, accidents '
            "and natural disasters -> background.",
            'A sentence that, read alone, names only "the incident", "this action", "the '
            'operation", a place, a vehicle or an absence of details, and shows no violence -> '
            "background.",
        ),
    ),
}

GUIDE: Final[dict[str, Any]] = {
    "help": HELP,
    "unit": UNIT,
    "order": ORDER,
    "several": SEVERAL,
    "examples": EXAMPLES,
    "rules": RULES,
    "guideline_version": VERSION,
}
"""What the template of the guidelines is given."""
