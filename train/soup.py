"""A model soup: the mean of the weights of several releases.

Wortsman et al.: Model soups: averaging weights of multiple fine-tuned models improves accuracy
without increasing inference time (2022); with the network that they were tuned from among them,
Wortsman et al.: Robust fine-tuning of zero-shot models (2022). It takes networks that began as the
same one and were trained on with, say, other rates or seeds: such lie in one valley of the loss,
and their mean in it too. The mean of networks that began apart is worth nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from claimwire.data.errors import ConfigError
from claimwire.model.encoders import tokenizer_from_json
from claimwire.model.manifest import TOKENIZER_NAME
from claimwire.model.released_network import RELEASED, open_released, released_classifier
from claimwire.train.fine_tune import FineTuned

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from claimwire.model.release import Release
    from claimwire.train.config import Config, SoupConfig


def opened(soup: SoupConfig) -> list[Release]:
    """Return the releases of a soup, their files verified.

    Raises:
        ReleaseError: there is none of that name, or it is damaged.
        TrackingError: the registry cannot be reached, or knows no such model.
    """
    return [open_released(f"{RELEASED}{reference}") for reference in soup.releases]


def shares(soup: SoupConfig) -> list[float]:
    """Return each release's share of the mean; they sum to 1."""
    weights = soup.weights or (1.0,) * len(soup.releases)
    return [weight / sum(weights) for weight in weights]


def described(soup: SoupConfig) -> str:
    """Return what is averaged, for manifests and records."""
    parts = zip(shares(soup), opened(soup), strict=True)
    return "mean of " + ", ".join(f"{share:.3g} x {release.id}" for share, release in parts)


def averaged(config: Config) -> FineTuned:
    """Return the mean of the releases that ``config.soup`` names, as if it had been trained.

    Raises:
        ConfigError: the releases have other tokenizers or networks of another shape.
        EncoderError: a release holds a network that this version does not write.
        ReleaseError: a release is missing or damaged.
        TrackingError: see :func:`opened`.
    """
    releases = opened(config.soup)
    first = releases[0]
    model = released_classifier(first)
    tensors = [model.state_dict()]
    for release in releases[1:]:
        _require_same_tokenizer(first, release)
        tensors.append(released_classifier(release).state_dict())
        _require_same_shape(first, release, tensors[0], tensors[-1])
    model.load_state_dict(_mean(tensors, shares(config.soup)))
    content = first.layout.tokenizer.read_text(encoding="utf-8")
    return FineTuned(model.eval(), tokenizer_from_json(content), 0.0, steps=0, seconds=0.0)


def _mean(
    tensors: Sequence[dict[str, torch.Tensor]], parts: Sequence[float]
) -> dict[str, torch.Tensor]:
    import torch

    names = tensors[0].keys()
    # In 64 bits, so that the order in which releases are named makes no difference.
    means = {
        name: sum(
            part * each[name].to(torch.float64) for part, each in zip(parts, tensors, strict=True)
        )
        for name in names
    }
    return {name: torch.as_tensor(mean).to(torch.float32) for name, mean in means.items()}


def _require_same_tokenizer(first: Release, other: Release) -> None:
    if first.manifest.files[TOKENIZER_NAME] != other.manifest.files[TOKENIZER_NAME]:
        raise ConfigError(
            f"soup.releases: expected one tokenizer, found that of {other.id} to be another than "
            f"that of {first.id}: average releases that were trained on from the same one"
        )


def _require_same_shape(
    first: Release,
    other: Release,
    ours: dict[str, torch.Tensor],
    theirs: dict[str, torch.Tensor],
) -> None:
    shapes = [{name: tensor.shape for name, tensor in each.items()} for each in (ours, theirs)]
    if shapes[0] != shapes[1]:
        raise ConfigError(
            f"soup.releases: expected networks of one shape, found {other.id} to differ from "
            f"{first.id}: average releases that were trained on from the same one"
        )
