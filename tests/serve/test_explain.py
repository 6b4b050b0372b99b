"""Explanations: each word's contribution, by leaving it out; and the command that prints them."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from claimwire import Explanation, Tagger, WordContribution
from claimwire.cli import app
from claimwire.data.errors import InputError
from claimwire.data.labels import LABELS, Label

SENTENCE = "Two drones struck the fuel depot at Maresk before dawn on Monday."
PLAIN = "The missile was intercepted over the harbour."


def log_odds(tagger: Tagger, sentence: str, label: Label) -> float:
    probability = tagger.tag_sentences([sentence])[0].scores[label]
    return math.log(probability / (1 - probability))


def texts(explanation: Explanation) -> list[str]:
    return [word.text for word in explanation.words]


class TestContributions:
    @pytest.mark.parametrize("label", LABELS)
    def test_a_contribution_is_the_drop_of_the_log_odds_without_the_word(
        self, tagger: Tagger, label: Label
    ) -> None:
        explanation = tagger.explain(SENTENCE, label)
        whole = log_odds(tagger, SENTENCE, label)
        assert explanation.label is label
        assert explanation.log_odds == pytest.approx(whole, abs=1e-9)
        for word in explanation.words:
            without = SENTENCE[: word.start] + SENTENCE[word.end :]
            drop = whole - log_odds(tagger, without, label)
            # Of float32 steps: the variants share a batch, which may add up in another order.
            assert word.contribution == pytest.approx(drop, abs=1e-7)
        # The tiny network is random, its outputs hardly move; they are compared far below that.
        assert max(abs(word.contribution) for word in explanation.words) > 1e-5

    def test_the_primary_label_is_explained_where_none_is_named(self, tagger: Tagger) -> None:
        [tagged] = tagger.tag_sentences([SENTENCE])
        explanation = tagger.explain(SENTENCE)
        assert explanation.label is tagged.label
        assert explanation.probability == tagged.confidence
        assert explanation == tagger.explain(SENTENCE, tagged.label.value)

    def test_the_same_sentence_gives_the_same_explanation(
        self, tagger: Tagger, tiny_release: Path
    ) -> None:
        again = Tagger.load(tiny_release, threads=1).explain(SENTENCE)
        assert tagger.explain(SENTENCE) == again

    def test_a_sentence_without_words_has_no_contributions(self, tagger: Tagger) -> None:
        for sentence in ("", " \n", "... – ?!"):
            explanation = tagger.explain(sentence)
            assert explanation.words == ()
            assert explanation.probability == tagger.tag_sentences([sentence])[0].confidence

    def test_the_one_word_of_a_sentence_is_compared_with_none(self, tagger: Tagger) -> None:
        explanation = tagger.explain("Struck", "attack_claim")
        [word] = explanation.words
        drop = explanation.log_odds - log_odds(tagger, "", Label.ATTACK_CLAIM)
        assert (word.start, word.end, word.text) == (0, 6, "Struck")
        assert word.contribution == pytest.approx(drop, abs=1e-9)
        assert word.contribution != 0

    def test_a_label_that_does_not_exist_is_refused(self, tagger: Tagger) -> None:
        with pytest.raises(InputError, match=r"label: expected one of attack_claim, .*'attack'"):
            tagger.explain(SENTENCE, "attack")

    def test_what_is_no_text_is_refused(self, tagger: Tagger) -> None:
        with pytest.raises(InputError, match=r"sentence: expected text \(str\), found bytes"):
            tagger.explain(b"A shell fell.")  # type: ignore[arg-type]


class TestLongSentences:
    def test_words_that_are_not_read_contribute_nothing(self, tagger: Tagger) -> None:
        # 64 tokens are read, two of them special, and these words have one token or more.
        explanation = tagger.explain("The drone hit the depot in the night. " * 500)
        assert explanation.truncated
        assert len(explanation.words) == 4_000
        assert any(word.contribution != 0 for word in explanation.words[:20])
        assert all(word.contribution == 0 for word in explanation.words[64:])

    def test_words_of_many_tokens_push_others_out_of_sight(self, tagger: Tagger) -> None:
        # Each of these words has several tokens: the 50th is run, and leaving it out is no change.
        explanation = tagger.explain("xqzvkw" + " xqzvkw" * 49)
        assert explanation.truncated
        assert explanation.words[50 - 1].contribution == 0

    @pytest.mark.parametrize("sentence", ["x" * 1_000_000, "a b" + " " * 1_000_000 + "c"])
    def test_very_long_texts_are_explained_in_bounded_memory(
        self, tagger: Tagger, sentence: str
    ) -> None:
        explanation = tagger.explain(sentence)
        assert explanation.truncated
        assert "".join(texts(explanation)) == sentence.replace(" ", "")


class TestWords:
    @pytest.mark.parametrize(
        ("sentence", "words"),
        [
            ("“Two”, he said: 1,200 (or 3.5).", ["Two", "he", "said", "1,200", "or", "3.5"]),
            ("The country’s U.S.-made S-300s", ["The", "country’s", "U.S", "made", "S-300s"]),
            ("Jose\u0301's man, Çelik; 3 км", ["Jose\u0301's", "man", "Çelik", "3", "км"]),
            ("🚀 Rocket🚀fire \ud800 at 北京", ["Rocket", "fire", "at", "北京"]),
        ],
    )
    def test_words_come_without_the_punctuation_around_them(
        self, tagger: Tagger, sentence: str, words: list[str]
    ) -> None:
        assert texts(tagger.explain(sentence)) == words

    @settings(max_examples=60, deadline=None)
    @given(sentence=st.text(max_size=60))
    def test_any_text_gives_its_words_in_order_at_their_places(
        self, tagger: Tagger, sentence: str
    ) -> None:
        explanation = tagger.explain(sentence)
        before = 0
        for word in explanation.words:
            assert before <= word.start < word.end
            assert sentence[word.start : word.end] == word.text
            assert math.isfinite(word.contribution)
            before = word.end


def test_a_record_is_json_with_rounded_numbers() -> None:
    words = (WordContribution(0, 1, "A", -0.00001), WordContribution(2, 4, "bc", 1.23456))
    explanation = Explanation("A bc", Label.BACKGROUND, 0.123456, -1.98766, words, False)
    assert json.dumps(explanation.to_record()) == (
        '{"text": "A bc", "label": "background", "probability": 0.1235, "log_odds": -1.9877, '
        '"truncated": false, "words": [{"start": 0, "end": 1, "text": "A", "contribution": 0.0}, '
        '{"start": 2, "end": 4, "text": "bc", "contribution": 1.2346}]}'
    )


@pytest.fixture(scope="module")
def shipped() -> Tagger:
    return Tagger.load()


class TestTheShippedRelease:
    def test_intercepted_counts_most_for_an_interception(self, shipped: Tagger) -> None:
        explanation = shipped.explain(PLAIN)
        assert explanation.label is Label.INTERCEPTION_CLAIM
        ranked = sorted(explanation.words, key=lambda word: -word.contribution)
        assert ranked[0].text == "intercepted"
        assert ranked[0].contribution > 2 * ranked[1].contribution

    def test_the_same_word_speaks_against_an_attack(self, shipped: Tagger) -> None:
        least = min(
            shipped.explain(PLAIN, "attack_claim").words, key=lambda word: word.contribution
        )
        assert least.text == "intercepted"
        assert least.contribution < -1


def test_explaining_needs_no_torch() -> None:
    program = (
        f"import sys\nfrom claimwire import Tagger\nassert Tagger.load().explain({PLAIN!r}).words\n"
        "assert not {'torch', 'transformers', 'sklearn', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


class TestCommand:
    def run(self, *arguments: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, ["explain", *arguments])
        return result.exit_code, result.stdout, result.stderr

    def test_json_is_the_record_and_the_model(self, tagger: Tagger, tiny_release: Path) -> None:
        code, out, _ = self.run(
            SENTENCE, "--model", str(tiny_release), "--label", "background", "--format", "json"
        )
        found = json.loads(out)
        assert code == 0
        assert found.pop("model") == tagger.model
        assert found.keys() == tagger.explain(SENTENCE).to_record().keys()
        assert found["label"] == "background"
        assert [word["text"] for word in found["words"]] == SENTENCE.rstrip(".").split()

    def test_bars_stand_on_the_side_of_their_sign(self) -> None:
        def line_of_intercepted(label: str) -> str:
            code, out, _ = self.run(PLAIN, "--label", label)
            assert code == 0
            assert "model: claimwire-small" in out
            return next(line for line in out.splitlines() if "intercepted" in line)

        speaks_for = line_of_intercepted("interception_claim")
        speaks_against = line_of_intercepted("attack_claim")
        assert "+" in speaks_for
        assert speaks_for.endswith(" " + "█" * 20)
        assert "-" in speaks_against
        assert speaks_against.endswith(" " + "█" * 20)
        assert len(speaks_against) == speaks_for.index("█")

    def test_steering_characters_do_not_reach_the_terminal(self, tiny_release: Path) -> None:
        code, out, _ = self.run("\x1b[31mRed\x1b[0m alert\u202e.", "--model", str(tiny_release))
        assert code == 0
        assert "\x1b" not in out
        assert "alert" in out

    def test_a_wrong_label_exits_with_2(self) -> None:
        code, _, err = self.run(PLAIN, "--label", "attack")
        assert code == 2
        assert err.startswith("claimwire: error: label: expected one of attack_claim")


class TestGuide:
    """docs/tagging.md shows what the command prints and names what it returns."""

    PAGE = (Path(__file__).parents[2] / "docs" / "tagging.md").read_text(encoding="utf-8")
    SECTION = PAGE.split("## Explanations")[1].split("\n## ")[0]

    def test_the_example_is_what_the_command_prints(self) -> None:
        shown = self.SECTION.split("<!-- explain -->\n```\n")[1].split("```")[0].splitlines()
        printed = CliRunner().invoke(app, ["explain", PLAIN]).stdout.splitlines()
        assert len(shown) == 3 + len(PLAIN.split())
        for expected, found in zip(shown, printed[: len(shown)], strict=True):
            # Other processors may differ in the last decimals: the words and numbers are compared.
            for one, other in zip(expected.split(), found.split(), strict=True):
                if re.fullmatch(r"[-+]?\d\.\d+", one):
                    assert float(one) == pytest.approx(float(other), abs=0.1)
                else:
                    assert one == other

    @pytest.mark.parametrize(
        "name", [f.name for kind in (Explanation, WordContribution) for f in fields(kind)]
    )
    def test_every_field_is_named(self, name: str) -> None:
        assert f"`{name}`" in self.SECTION

    def test_every_option_is_named(self) -> None:
        command = getattr(typer.main.get_command(app), "commands")["explain"]  # noqa: B009
        options = [max(p.opts, key=len) for p in command.params if p.param_type_name == "option"]
        assert {"--model", "--label", "--format"} == set(options) - {"--help"}
        assert all(option in self.SECTION for option in options if option != "--help")
