"""What ``claimwire models list|show|verify`` do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from claimwire.data.errors import ReleaseError, TrackingError
from claimwire.model.companions import companion_directory
from claimwire.model.references import (
    DEFAULT_TRACKING_URI,
    REGISTRY_SCHEME,
    first_line,
    quick_requests,
    registry_client,
    resolve_release,
    tracking_uri,
)
from claimwire.model.release import (
    BASE_DISTRIBUTION,
    SHIPPED_RELEASES,
    Release,
    load_release,
)

_HEADLINES = ("test/primary_macro_f1", "test/label_set_macro_f1", "test/ece")


def models_list() -> int:
    """List the shipped releases, and the registry's versions where there is a registry."""
    console = Console()
    table = Table(title="shipped with the package", title_justify="left")
    for heading in ("release", "base", "weights", "test macro-F1"):
        table.add_column(heading)
    shipped = sorted(p for p in SHIPPED_RELEASES.glob("*") if p.is_dir())
    companion = companion_directory(BASE_DISTRIBUTION)
    if companion is not None:
        shipped.append(companion / "release")
    for directory in shipped:
        release = load_release(directory)
        manifest = release.manifest
        score = manifest.metrics.get(_HEADLINES[0])
        shown = "-" if score is None else f"{score:.3f}"
        table.add_row(release.id, manifest.base, manifest.precision, shown)
    console.print(table)
    _list_registered(console)
    return 0


def _list_registered(console: Console) -> None:
    uri = tracking_uri()
    if uri == DEFAULT_TRACKING_URI and not Path(uri.removeprefix("sqlite:///")).is_file():
        console.print("no model registry here (artifacts/mlflow.db)", highlight=False)
        return
    client = registry_client(uri)
    from mlflow.exceptions import MlflowException

    table = Table(title=f"registered in {uri}", title_justify="left")
    for heading in ("reference", "aliases", "release"):
        table.add_column(heading)
    try:
        with quick_requests():
            _add_versions(table, client)
    except MlflowException as error:
        raise TrackingError(
            f"expected a model registry at {uri}, found: {first_line(error)}: check "
            "MLFLOW_TRACKING_URI"
        ) from error
    console.print(table)


def _add_versions(table: Table, client: Any) -> None:
    for model in client.search_registered_models():
        aliases: dict[str, list[str]] = {}
        for alias, number in model.aliases.items():
            aliases.setdefault(str(number), []).append("@" + alias)
        for version in client.search_model_versions(f"name='{model.name}'"):
            number = str(version.version)
            table.add_row(
                f"models:/{model.name}/{number}",
                " ".join(aliases.get(number, [])),
                version.tags.get("release", "-"),
            )


def models_show(reference: str | None) -> int:
    """Show a verified release: what it is, how it decides, what it is worth."""
    release = load_release(resolve_release(reference))
    console = Console()
    is_registered = reference is not None and reference.startswith(REGISTRY_SCHEME)
    where = ("registered as", reference) if is_registered else ("directory", str(release.directory))
    console.print(_facts(release, where))
    return 0


def _facts(release: Release, where: tuple[str, str | None]) -> Table:
    manifest = release.manifest
    table = Table(title=release.id, title_justify="left", show_header=False)
    table.add_column("what")
    table.add_column("value", overflow="fold")
    for name, value in (
        where,
        ("created", manifest.created),
        ("base", manifest.base),
        ("weights", manifest.precision),
        ("longest sentence", f"{manifest.max_length} tokens"),
        ("thresholds", ", ".join(f"{k} {v:g}" for k, v in manifest.thresholds.items())),
        ("review threshold", f"{manifest.review_threshold:g}"),
        *(
            (name, f"{manifest.metrics[name]:.3f}")
            for name in _HEADLINES
            if name in manifest.metrics
        ),
        ("corpus digest", manifest.corpus_digest),
        ("config digest", manifest.config_digest),
        ("files", "\n".join(f"{name} {digest}" for name, digest in manifest.files.items())),
    ):
        table.add_row(name, value)
    return table


def models_verify(reference: str | None) -> int:
    """Verify every file of a release; say what is wrong and return 1 where one differs."""
    console = Console()
    directory = resolve_release(reference)
    try:
        release = load_release(directory)
    except ReleaseError as error:
        Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(
            f"claimwire: not verified: {error}"
        )
        return 1
    count = len(release.manifest.files)
    console.print(f"{release.id}: verified, {count} files as released", highlight=False)
    return 0
