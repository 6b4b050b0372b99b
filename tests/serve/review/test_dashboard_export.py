"""The dashboard as a file, on the command line, and on the release's run in MLflow."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from claimwire.cli import app
from claimwire.data.errors import InputError, MissingExtraError, TrackingError
from claimwire.serve.review.dashboard import Dashboard, Figures
from claimwire.serve.review.dashboard_html import dashboard_html, write_dashboard
from claimwire.serve.review.dashboard_log import log_dashboard, metrics_of
from claimwire.serve.review.store import ReviewStore

from .dashboard_support import REVIEWERS, Plan
from .out_support import ATTACK, FIRST, SECOND, judge, load, tagged

Run = Callable[..., Result]


@pytest.fixture
def desk(judged_desk: tuple[Path, Plan], tmp_path: Path) -> Path:
    shutil.copy(judged_desk[0], tmp_path / "review.db")
    return tmp_path / "review.db"


@pytest.fixture
def figures(desk: Path) -> Iterator[Figures]:
    with ReviewStore.open(str(desk)) as store:
        yield Dashboard(store).board().figures


@pytest.fixture
def run(desk: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call ``claimwire review dashboard``."""
    monkeypatch.chdir(desk.parent)

    def call(*arguments: object, code: int = 0) -> Result:
        result = CliRunner().invoke(
            app, ["review", "dashboard", "--db", str(desk), *map(str, arguments)]
        )
        assert result.exit_code == code, result.output
        return result

    return call


class Outline(HTMLParser):
    """Collects tags and addresses; complains of tags that are not closed in order."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not {"style", "onclick", "onload"} & dict(attrs).keys()
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def test_the_page_is_whole_and_fetches_nothing(figures: Figures) -> None:
    page = dashboard_html(figures, str)
    outline = Outline(page)
    assert not {"script", "link", "img", "iframe"} & set(outline.tags)
    assert outline.addresses
    assert all(address.startswith("#") for address in outline.addresses)
    assert "url(" not in page
    assert "@import" not in page
    for address in outline.addresses:
        assert f'id="{address[1:]}"' in page
    assert outline.tags.count("svg") > 6
    assert figures.head in page


def test_reviewers_bear_pseudonyms_unless_told_otherwise(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "out" / "dashboard.html"
    result = run("-o", file)
    assert f"{file}: figures of {SECOND}" in result.stderr
    page = file.read_text(encoding="utf-8")
    assert not any(f">{name}<" in page for name in REVIEWERS)
    assert len(set(re.findall("reviewer-[0-9a-f]{8}", page))) == 3
    run("--names")
    page = (tmp_path / "artifacts" / "review" / "dashboard.html").read_text(encoding="utf-8")
    assert all(f">{name}<" in page for name in REVIEWERS)


def test_another_release_can_be_chosen(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "first.html"
    run("-o", file, "--release", FIRST)
    assert f"Of <bdi>{FIRST}</bdi>" in file.read_text(encoding="utf-8")
    result = run("-o", file, "--release", "first", code=2)
    assert "release: expected one of those imported" in result.output


def test_a_missing_database_is_told(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["review", "dashboard", "--db", str(tmp_path / "none.db")])
    assert result.exit_code == 2
    assert "expected a review database, found no such file" in result.output


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="expected to write there"):
        write_dashboard(tmp_path / "file" / "dashboard.html", "page")
    with pytest.raises(InputError, match="expected to write there"):
        write_dashboard(tmp_path, "page")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_hostile_names_are_only_text(sqlite_store: ReviewStore) -> None:
    nasty = '</style><script>alert(1)</script>"'
    load(sqlite_store, [tagged(f"Sentence {n}.", [ATTACK], nasty, id=str(n)) for n in range(3)])
    for number in range(3):
        judge(sqlite_store, f"Sentence {number}.", ATTACK, reviewer=nasty)
        judge(sqlite_store, f"Sentence {number}.", ATTACK, reviewer="<b>bob</b>")
    page = dashboard_html(Dashboard(sqlite_store).board().figures, str)
    assert "script" not in Outline(page).tags
    assert "<b>bob" not in page


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A registry in SQLite with the second release as the second version of a model."""
    import mlflow

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
    experiment = client.create_experiment("claims", (tmp_path / "artifacts").as_uri())
    client.create_registered_model("claimwire")
    for release in ("other 0.1 dddddddddddd", SECOND):
        run = client.create_run(experiment)
        client.set_terminated(run.info.run_id)
        client.create_model_version(
            "claimwire", f"{run.info.artifact_uri}/release", run.info.run_id, {"release": release}
        )
    return client


def test_figures_go_to_the_run_of_the_release(
    run: Run, registry: Any, figures: Figures, tmp_path: Path
) -> None:
    result = run("-o", tmp_path / "page.html", "--log-to-mlflow")
    assert "logged to version 2 of claimwire" in result.stderr
    version = registry.get_model_version("claimwire", "2")
    found = registry.get_run(version.run_id)
    metrics = found.data.metrics
    for each in figures.audit.estimates:
        assert metrics[f"audit/{each.measure}/{each.label}"] == pytest.approx(each.rate)
        assert metrics[f"audit/{each.measure}_low/{each.label}"] == pytest.approx(each.low)
    assert metrics["audit/alpha/primary"] == pytest.approx(figures.agreement.all.primary)
    assert sum(name.startswith("audit/kappa/") for name in metrics) == 3
    assert metrics["audit/queue_open/random"] == figures.queues["random"][0]  # type: ignore[index]
    [point] = registry.get_metric_history(version.run_id, "audit/precision/attack_claim")
    assert point.step == figures.decisions
    assert found.info.status == "FINISHED"
    other = registry.get_run(registry.get_model_version("claimwire", "1").run_id)
    assert other.data.metrics == {}
    folder = tmp_path / "artifacts" / version.run_id / "artifacts" / "audit"
    page = (folder / "dashboard.html").read_text(encoding="utf-8")
    assert page == (tmp_path / "page.html").read_text(encoding="utf-8")
    content = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
    assert content["decisions"] == figures.decisions
    assert content["confusion"]["random"]["counts"] == figures.confusion["random"].counts
    assert not any(f'"{name}"' in json.dumps(content) for name in REVIEWERS)


def test_a_release_that_is_not_registered_is_told(run: Run, registry: Any) -> None:
    result = run("--release", FIRST, "--log-to-mlflow", code=2)
    flat = " ".join(result.output.split())
    assert f"expected a registered version of {FIRST}" in flat


def test_a_registry_that_is_not_there_is_told(
    figures: Figures, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'none.db'}")
    with pytest.raises(TrackingError, match="found no file"):
        log_dashboard(figures, "", str)
    assert not (tmp_path / "none.db").exists()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(TrackingError, match=r"expected to log to MLflow at http://127\.0\.0\.1:9"):
        log_dashboard(figures, "", str)


def test_without_mlflow_the_extra_is_named(
    figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'claimwire\[train\]'"):
        log_dashboard(figures, "", str)


def test_without_a_release_there_is_nothing_to_log_to(sqlite_store: ReviewStore) -> None:
    figures = Dashboard(sqlite_store).board().figures
    with pytest.raises(InputError, match="expected a release that predicted something"):
        log_dashboard(figures, "", str)


def test_every_metric_has_a_name_that_mlflow_takes(figures: Figures) -> None:
    names = [name for name, _ in metrics_of(figures, lambda name: f"{name} <é:{{}}>")]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"audit/[\w\-. /]+", name, re.ASCII) for name in names)
