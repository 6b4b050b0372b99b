"""Cue words for the four labels: the baseline that needs no training and can be read in a minute.

Each clause of a sentence is judged in the decision order of the annotation guidelines: who is
responsible, then what was stopped, then a particular attack, else background. The sentence's
labels are those of its clauses, the first claim first. The words come from the guidelines and
from reading training sentences; no validation or test sentence was read for them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from claimwire.data.labels import Label

_ATTACK_NOUN: Final = (
    r"(?:attacks?|strikes?|airstrikes?|raids?|bombings?|blasts?|explosions?|shelling|shootings?|"
    r"ambush(?:es)?|assaults?|killings?|massacres?|murders?|assassinations?|sabotage|hijackings?)"
)
_MUNITION: Final = (
    r"(?:drones?|missiles?|rockets?|shells?|uavs?|projectiles?|munitions?|balloons?|"
    r"unmanned|uncrewed|(?:aerial|air) targets?)"
)
_CREWED: Final = r"(?:jets?|helicopters?|bombers?|fighter aircraft|warplanes?|airliners?|pilots?)"
_BROUGHT_DOWN: Final = (
    r"(?:shot (?:\S+ ){0,3}down|shoot(?:s|ing)? down|br(?:ought|ing|ings|inging) (?:\S+ ){0,4}down|"
    r"down(?:ed|ing)|felled)"
)


@dataclass(frozen=True, slots=True)
class Cue:
    """A pattern that speaks for a label.

    Attributes:
        name: the rule of the guidelines that it stands for.
        label: what it speaks for.
        pattern: its words.
        unless: words beside which it says nothing.
    """

    name: str
    label: Label
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None = None

    def match(self, clause: str) -> str | None:
        """Return the words that speak, or None."""
        if self.unless is not None and self.unless.search(clause):
            return None
        found = self.pattern.search(clause)
        return found.group() if found else None


@dataclass(frozen=True, slots=True)
class Hit:
    """What a clause was judged by.

    Attributes:
        label: what the clause is taken for.
        cue: name of the cue.
        words: the words of the sentence that matched.
    """

    label: Label
    cue: str
    words: str


def _cue(name: str, label: Label, *alternatives: str, unless: str | None = None) -> Cue:
    return Cue(name, label, _any_of(*alternatives), None if unless is None else _any_of(unless))


def _any_of(*alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(alternatives)})\b", re.IGNORECASE)


_NO_ONE: Final = r"(?:no (?:one|group|party|side|organi[sz]ation)|nobody)"
_OWN_CLAIM: Final = _cue(
    "an attacker's own claim",
    Label.ATTACK_CLAIM,
    r"claim(?:s|ed|ing)? responsibility",
    unless=_NO_ONE,
)
_ATTRIBUTION: Final = (
    _cue(
        "unclaimed or unknown",
        Label.ATTRIBUTION_INFERENCE,
        rf"{_NO_ONE}\b.{{0,20}}\bclaim(?:s|ed)?",
        r"not (?:yet )?(?:been )?claimed",
        r"un(?:clear|known|certain) who",
        r"(?:not|never|nobody|no one|cannot|could(?: not|n't))\b.{0,25}\b(?:who(?:se)?|by whom)",
        r"who (?:had |has )?(?:fired|launched|ordered|planted|planned|gave|given|carried out)",
        r"(?:origin|authorship) (?:could|remains|is|was|of)|ascertain(?:ed)?|whose hands?",
    ),
    _cue(
        "blame and accusation",
        Label.ATTRIBUTION_INFERENCE,
        r"blam(?:e|ed|es|ing)",
        r"accus(?:e|ed|es|ing|ations?)",
        r"point(?:s|ed|ing)? (?:the|a) finger",
        r"at the door of",
        r"(?:is|are|was|were|be|been|held|holds?|bears?|bore) (?:\w+ )?responsib(?:le|ility)",
        r"responsibility (?:for|lies|rests)",
        r"culprits?|perpetrators?|masterminds?|masterminded|orchestrated|false[- ]flag",
    ),
    _cue(
        "suspicion",
        Label.ATTRIBUTION_INFERENCE,
        r"suspicions?",
        r"suspects?",
        r"(?:is|are|was|were) suspected",
        r"suspected of",
        r"(?:is|are|was|were|be|stood|believed) behind",
        r"believed to (?:be|have)",
        r"hallmarks?",
        r"work of",
    ),
    _cue(
        "denial of a role",
        Label.ATTRIBUTION_INFERENCE,
        r"den(?:y|ied|ies|ying)|denials?",
        r"(?:no|any) (?:part|role|hand|involvement|connection|relation)",
        r"nothing to do with",
        r"disown(?:s|ed)?|reject(?:s|ed) (?:the|any|this|that|as) \w+",
    ),
    _cue(
        "evidence of origin",
        Label.ATTRIBUTION_INFERENCE,
        r"trac(?:ed|es|ing)\b.{0,30}\bto",
        r"(?:points?|pointed|pointing) to",
        r"(?:\w+-(?:made|built|supplied)|made in|assembled (?:in|from)|manufacture[dr]?|maker)"
        r"\b(?=.{0,80}\b(?:fragments?|debris|wreckage|casings?|fins?|serial))",
        r"(?:fragments?|debris|wreckage|casings?|fins?|serial numbers?)\b.{0,60}\b"
        r"(?:\w+-(?:made|built)|made in|manufacture[dr]?|maker|prove[sd]?|match(?:es|ed)?|shows?)",
        r"attribut(?:e|ed|es|ing|ion|able)",
        r"(?:indicat|suggest|conclud|establish|assess|infer)\w* (?:\S+ ){0,3}that",
        r"(?:evidence|investigat(?:ors|ion)|forensic)\b.{0,40}\b(?:that|found|shows?|identified)",
    ),
    _cue(
        "arrest or trial over an attack",
        Label.ATTRIBUTION_INFERENCE,
        rf"(?:arrest|detain|charg|indict|convict|sentenc)\w*\b.{{0,40}}\b{_ATTACK_NOUN}",
    ),
)
_CREWED_DOWN: Final = _cue(
    "crewed aircraft brought down",
    Label.ATTACK_CLAIM,
    rf"{_CREWED}\b.{{0,40}}\b{_BROUGHT_DOWN}",
    rf"{_BROUGHT_DOWN}\b.{{0,40}}\b{_CREWED}",
    unless=_MUNITION,
)
_INTERCEPTION: Final = (
    _cue(
        "stopped in the air",
        Label.INTERCEPTION_CLAIM,
        _BROUGHT_DOWN,
        r"intercept(?:s|ed|ing|ions?)?",
        r"knocked (?:out|down)|splashed|jamm(?:ed|ing)",
        rf"destroy(?:s|ed)? (?:\S+ ){{0,4}}{_MUNITION}",
        rf"{_MUNITION} (?:\S+ ){{0,3}}destroyed",
        r"out of the (?:sky|air)|in (?:mid-)?flight|destroyed in the air",
    ),
    _cue(
        "pushed back or foiled",
        Label.INTERCEPTION_CLAIM,
        r"repel(?:s|led|ling)?|repuls(?:e|ed|es|ing)",
        r"(?:beat|beaten|pushed|thrown|threw|turned|driven|drove|fought) (?:back|off)",
        r"(?:beat|pushed|threw|turned|drove|fought) (?:\S+ ){1,4}(?:back|off)",
        r"foil(?:s|ed|ing)?|thwart(?:s|ed|ing)?|avert(?:s|ed)",
        r"(?:stop|stopped|halted) (?:\S+ ){0,4}(?:attempt|advance|assault|attack)",
        r"defus(?:e|ed|es|ing)|disarm(?:ed|s)|neutrali[sz](?:e|ed|es|ing)",
    ),
    _cue(
        "defences activated or beaten",
        Label.INTERCEPTION_CLAIM,
        r"(?:air|anti-aircraft) defen[cs]es? (?:\S+ ){0,4}"
        r"(?:activat|open|engag|fir|work|respond|repel|went|destroy)\w*",
        rf"(?:evad|penetrat|slipp|gett?|got)\w* (?:past|through|by|under|\S+ defen[cs]es?)"
        rf"(?=.*defen[cs]e)|(?:not|un)[ -]?engaged|{_MUNITION} (?:\S+ )?got through",
        rf"(?:stop|stopped) (?:\S+ ){{0,4}}{_MUNITION}|{_MUNITION} (?:\S+ ){{0,4}}stopped",
    ),
)
_ATTACK: Final = (
    _cue(
        "an attack",
        Label.ATTACK_CLAIM,
        r"struck|hit(?:s|ting)?|attack(?:ed|s|ing)?|bomb(?:ed|ing|ings)|shell(?:ed|ing)",
        r"fire[ds]? (?:on|at|upon|into)|opened fire|gunfire|rammed|torpedoed",
        r"launched|struck|targeted|strafed|pounded|landed|slammed|rained",
        r"ambush(?:ed)?|raid(?:ed)?|storm(?:ed|ing)|assault(?:ed)?|clash(?:ed|es)|overran",
        r"explo(?:ded|des|sions?)|detonat(?:ed|ion)|blew (?:up|out)|blasts?|dynamited",
        r"airstrikes?|(?:air|drone|missile|rocket|suicide)[ -](?:strikes?|raids?|attacks?|bomb\w*)",
        r"gunmen|sirens sounded|sabotaged|shot (?!down)(?:dead|at|and|the|a|his|her|two|three)",
    ),
    _cue(
        "what an attack did",
        Label.ATTACK_CLAIM,
        r"kill(?:ed|ing|s)|wound(?:ed|ing)|injur(?:ed|ing)|dead|died|casualt(?:y|ies)|shrapnel",
        r"damag(?:ed|ing)|destroy(?:ed|ing)|flattened|(?:set|caught) (?:\S+ ){0,3}(?:fire|ablaze)",
        r"burn(?:ed|t)|collapsed",
    ),
    _cue(
        "other force",
        Label.ATTACK_CLAIM,
        r"abduct(?:ed|ions?)|kidnap(?:ped|s)?|hijack(?:ed)?|hostages?|boarded|assassinat(?:ed|ion)",
        r"execut(?:ed)|captured|seized|retook|looted|torched",
    ),
)
CUES: Final = (_OWN_CLAIM, *_ATTRIBUTION, _CREWED_DOWN, *_INTERCEPTION, *_ATTACK)
"""In the order in which they are asked: the guidelines' order, and its two exceptions."""

_UNREAL: Final = _any_of(
    r"will|would|could|(?-i:may)|might|must|shall|should|if|unless",
    r"threat(?:s|en|ens|ened|ening)?|vow(?:s|ed)?|plan(?:s|ned|ning)? to|intends? to|able to|can",
    r"exercises?|drills?|trains?|training|test[- ]fired?|capable|designed",
)
"""Threats, plans, conditionals, capabilities and exercises report no event."""
_GENERAL: Final = _any_of(
    r"(?:this|last) year|(?:past|last) (?:\w+ )?(?:months|years|decades?)",
    r"since (?:the|\d|(?-i:[A-Z]))\w*",
    r"every (?:day|night|week|month|year)|each (?:day|night|year)|daily|often|frequent(?:ly)?",
    r"always|usually|never|on average|increas(?:ed|ing)|so far|total(?:s|led)? of",
)
"""Trends and long-run totals are no particular event."""
_REACTION: Final = _any_of(
    r"condemn(?:s|ed|ing)?|deplor(?:e|ed|es)|condolences|mourn(?:s|ed|ing)?|urg(?:e|ed|es)",
    r"call(?:s|ed)? (?:for|on)|summon(?:s|ed)|sanctions?|negotiat\w+|talks",
)
"""Reactions to an attack are not the attack."""
_VETOES: Final = (_UNREAL, _GENERAL, _REACTION)

_CLAUSE_END: Final = re.compile(
    r"[;:]\s+|\s[–—-]\s|[,—]?\s+(?:but|while|whereas|although|though)\s+|,\s+and\s+",
    re.IGNORECASE,
)


def cue_labels(sentence: str) -> tuple[Label, ...]:
    """Return the labels of a sentence, primary first, or background alone."""
    labels = dict.fromkeys(hit.label for hit in explain(sentence))
    return tuple(labels) or (Label.BACKGROUND,)


def explain(sentence: str) -> list[Hit]:
    """Return what each clause that claims something was judged by, in order."""
    hits = [_judge(clause) for clause in _CLAUSE_END.split(sentence)]
    return [hit for hit in hits if hit is not None]


def _judge(clause: str) -> Hit | None:
    """Return the first cue that speaks, in the decision order, or None for background."""
    vetoed = any(veto.search(clause) for veto in _VETOES)
    for cue in CUES:
        if vetoed and cue.label is not Label.ATTRIBUTION_INFERENCE:
            continue
        words = cue.match(clause)
        if words is not None:
            return Hit(cue.label, cue.name, words)
    return None
