from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from claimwire.data.sources import READERS
from claimwire.data.sources.markdown import plain, unwrapped, without_front_matter
from claimwire.data.sources.voa_gmb import detokenise

SOURCES = Path(__file__).parent / "fixtures" / "sources"


def test_wikinews_gives_articles_with_the_name_of_their_page() -> None:
    raw = (SOURCES / "example+news" / "data" / "news_2019.csv").read_bytes()
    first, second = READERS["wikinews"](raw)
    assert first.doc_id == "Rockets_fall_on_Port_Tamsa"
    assert second.doc_id == "Bakers_win_a_prize"
    assert '"We saw the flashes. Then the cranes burned," a docker said.' in first.text


def test_wikipedia_gives_prose_without_marks() -> None:
    (path,) = (SOURCES / "example+encyclopedia" / "pages").iterdir()
    (article,) = READERS["wikipedia"](path.read_bytes())
    assert article.text.split("\n\n") == [
        "The Siege of Oru was a siege of the town of Oru by the Lowland Army.",
        "Course",
        "On 4 May the Lowland Army shelled the bridge at Oru.  Its gunners were said to have "
        "fired 1,200 rounds.",
        "The garrison claimed that it had shot down a balloon.",
    ]


def test_white_house_gives_unwrapped_paragraphs_without_stage_notes() -> None:
    (path,) = (SOURCES / "example+house").rglob("*.md")
    (article,) = READERS["white-house"](path.read_bytes())
    assert article.text.split("\n\n") == [
        "THE SPOKESWOMAN: Last night, drones struck the grain store at Oru, and our partners "
        "brought down eleven [eleven] of them.",
        "Q Who sent them?",
        "THE SPOKESWOMAN: We assess that the Lowland Army sent them — — and nobody else could "
        "have.",
        "Aid for Oru: The government will send forty tents to the town.",
    ]


def test_voa_gmb_gives_sentences_and_both_forms_of_a_regrouped_number() -> None:
    articles = list(READERS["voa-gmb"]((SOURCES / "example+bank/ner_dataset.csv.zip").read_bytes()))
    assert all(article.is_sentence for article in articles)
    assert [article.text for article in articles] == [
        "Gunmen killed 440,000 bees near Oru's hives.",
        "Gunmen killed 4,40,000 bees near Oru's hives.",
        'The keeper said "they didn\'t leave (at all)", and called the denial false.',
        "Honey costs $5 a jar.",
    ]


def test_voa_gmb_without_its_table_or_archive_raises(tmp_path: Path) -> None:
    path = tmp_path / "other.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other.csv", "")
    with pytest.raises(KeyError):
        list(READERS["voa-gmb"](path.read_bytes()))
    with pytest.raises(zipfile.BadZipFile):
        list(READERS["voa-gmb"](b"Sentence #,Word,POS,Tag\n"))


@pytest.mark.parametrize(
    ("tokens", "sentence"),
    [
        ("It is n't over , they 're told .", "It isn't over, they're told."),
        ("The boys ' boat sank ; 40 % drowned !", "The boys' boat sank; 40% drowned!"),
        ('" Fire " is a word .', '"Fire" is a word.'),
        ("Costs rose ( to $ 5 ) .", "Costs rose (to $5)."),
        ("", ""),
    ],
)
def test_tokens_are_put_together(tokens: str, sentence: str) -> None:
    assert detokenise(tokens.split()) == sentence


@pytest.mark.parametrize(
    ("marked", "prose"),
    [
        ("**Bold**, *slanted* and __both__", "Bold, slanted and both"),
        ('The *"Lark"* sank', 'The "Lark" sank'),
        ("**Glued: **text", "Glued: text"),
        ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"),
        ("A \\[senior\\] official\\_s &ndash; word[12]", "A [senior] official_s – word"),
        ("Seen ![a](b.png) from [the ridge](x_(y))", "Seen  from the ridge"),
        ("## Course\n- one\n> two", "Course\none\ntwo"),
        ("He [sic] said a < b", "He [sic] said a < b"),
    ],
)
def test_markdown_becomes_prose(marked: str, prose: str) -> None:
    assert plain(marked) == prose


def test_front_matter_goes_only_where_it_is() -> None:
    assert without_front_matter("---\na: b\n---\ntext\n---\nmore") == "text\n---\nmore"
    assert without_front_matter("text\n---\na: b\n---\n") == "text\n---\na: b\n---\n"


def test_unwrapping_keeps_paragraphs() -> None:
    assert unwrapped("one\ntwo  \n \nthree\n\n\nfour") == "one two\n\nthree\n\nfour"
