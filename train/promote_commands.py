"""What ``claimwire promote`` does: prints to standard output, returns the exit code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from claimwire.data.behaviour_cases import load_behaviour
from claimwire.data.corpus import SPLITS, default_corpus
from claimwire.data.errors import ConfigError, InputError, MissingExtraError
from claimwire.data.jsonlines import did_you_mean
from claimwire.train.evaluate import read_dataset
from claimwire.train.promote import LabelledSet, Promotion, promote, roll_back
from claimwire.train.promotion_rules import PromotionRules, RuleResult


@dataclass(frozen=True, slots=True)
class PromoteOptions:
    """The options of ``claimwire promote``.

    Attributes:
        model: the registered model.
        dataset: labelled sentences, a JSON Lines file or a folder; None: the test split of the
            corpus that ships with claimwire.
        rules: a YAML file with fields of :class:`PromotionRules`; None: the defaults.
        force: move the alias even where rules fail; needs ``reason``.
        reason: why it is forced or rolled back.
        roll_back: take the last promotion back; takes no version.
    """

    model: str = "claimwire"
    dataset: Path | None = None
    rules: Path | None = None
    force: bool = False
    reason: str | None = None
    roll_back: bool = False


def promote_command(version: str | None, options: PromoteOptions) -> int:
    """Promote a version, or roll the last promotion back.

    Returns:
        0: the version is champion, or the one before is again; 1: a rule failed, or there is
        nothing to roll back to, and the alias is where it was.

    Raises:
        ConfigError: options that do not go together, or a wrong file of rules.
        InputError: no labelled sentences that were held out.
        CorpusError: a labelled record breaks the contract.
        ReleaseError: the version to roll back to does not verify.
        TrackingError: no registry, model or version.
    """
    reason = (options.reason or "").strip() or None
    _check_options(version, options, reason)
    console = Console()
    if version is None:
        return _roll_back(console, options.model, reason)
    rules = load_rules(options.rules)
    data = held_out(options.dataset)
    cases = load_behaviour()
    with Console(stderr=True).status(f"judging version {version} on {len(data.records):,}"):
        promotion = promote(
            version,
            data,
            cases,
            model=options.model,
            rules=rules,
            forced_reason=reason if options.force else None,
        )
    _print_promotion(console, promotion, data, forced=options.force)
    return 0 if promotion.is_champion else 1


def _check_options(version: str | None, options: PromoteOptions, reason: str | None) -> None:
    if options.roll_back:
        if version is not None or options.force or options.dataset or options.rules:
            raise ConfigError(
                "expected --roll-back with --model and --reason alone, found more: it goes to the "
                "champion before, whatever the rules; leave the rest out"
            )
        return
    if version is None:
        raise ConfigError(
            "expected a version to promote, or --roll-back, found neither: see the versions with "
            "`claimwire models list`"
        )
    if options.force and reason is None:
        raise ConfigError(
            "expected --reason TEXT with --force, found none: say why the rules do not count; it "
            "is recorded with the version"
        )
    if reason is not None and not options.force:
        raise ConfigError(
            "expected --reason with --force or --roll-back, found it alone: a promotion that "
            "passes needs none; leave it out"
        )


def load_rules(path: Path | None) -> PromotionRules:
    """Return the rules of a YAML file; what it leaves out is as :class:`PromotionRules` has it.

    Raises:
        ConfigError: no such file, no mapping, an unknown field, or a value out of range.
        MissingExtraError: PyYAML is not installed.
    """
    if path is None:
        return PromotionRules()
    try:
        return PromotionRules.model_validate(_read_mapping(path))
    except ValidationError as error:
        problems = "\n".join(f"  {_describe(problem)}" for problem in error.errors())
        raise ConfigError(f"{path}: {error.error_count()} problem(s):\n{problems}") from None


def _read_mapping(path: Path) -> dict[Any, Any]:
    try:
        import yaml
    except ImportError as error:
        raise MissingExtraError("train", "reading promotion rules") from error
    if not path.is_file():
        raise ConfigError(f"{path}: expected a YAML file of promotion rules, found none there")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: expected valid YAML in UTF-8, found: {error}") from None
    if not isinstance(content, dict):
        kind = "nothing" if content is None else f"a {type(content).__name__}"
        raise ConfigError(f"{path}: expected a mapping such as slice_fall: 0.05, found {kind}")
    return content


def _describe(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] != "extra_forbidden":
        return f"{where}: {problem['msg']}, found {problem['input']!r}"
    known = list(PromotionRules.model_fields)
    return f"{where}: unknown rule{did_you_mean(where, known)} (known: {', '.join(known)})"


def held_out(path: Path | None) -> LabelledSet:
    """Return the labelled sentences that a promotion may be decided on.

    Records of a training or validation split are left out, since a release has seen them; of a
    corpus folder only test/ is read. A record that names no split is taken to be held out.

    Raises:
        InputError: there is no such file or folder, or every record is of another split.
        CorpusError: a record breaks the contract.
    """
    if path is None:
        return LabelledSet("test split of the corpus", read_dataset(default_corpus() / "test"))
    folder = path / "test" if all((path / split).is_dir() for split in SPLITS) else path
    found = read_dataset(folder)
    records = [record for record in found if record.split in (None, "test")]
    if not records:
        raise InputError(
            f"{path}: expected labelled sentences that were held out, found {len(found):,} of the "
            "splits train and validation alone: give records of the split test"
        )
    left_out = len(found) - len(records)
    note = f" (without {left_out:,} of train and validation)" if left_out else ""
    return LabelledSet(f"{folder}{note}", records)


def _print_promotion(
    console: Console, promotion: Promotion, data: LabelledSet, *, forced: bool
) -> None:
    name = f"version {promotion.version} of {promotion.model}"
    if not promotion.results:
        _say(console, f"{name} is @champion already: nothing was judged, nothing changed")
        return
    against = promotion.champion and f"against version {promotion.champion}"
    title = f"{name}, {against or 'without a champion before it'}"
    _say(console, f"{title}\non {len(data.records):,} sentences, {data.name}")
    console.print(_results_table(promotion.results))
    failed = ", ".join(promotion.failed)
    if not promotion.is_champion:
        can_force = "verifies" not in promotion.failed
        hint = "; --force --reason TEXT would move it all the same" if can_force else ""
        if forced:
            hint = "; --force does not help a release that nobody can load"
        _say(console, f"refused: {failed}. @champion stays where it was{hint}")
        return
    how = f"although these rules failed: {failed}" if promotion.forced else "every rule holds"
    unneeded = " (--force was not needed)" if forced and not promotion.forced else ""
    _say(console, f"{name} is @champion now: {how}{unneeded}")


def _results_table(results: tuple[RuleResult, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("rule", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("found", overflow="fold")
    for result in results:
        shown = Text("holds", "green") if result.passed else Text("FAILED", "bold red")
        table.add_row(Text(result.name), shown, Text(result.detail))
    return table


def _roll_back(console: Console, model: str, reason: str | None) -> int:
    done = roll_back(model, reason)
    if done is None:
        _say(
            console,
            f"nothing to roll back to: the champion of {model} replaced none by a promotion, or "
            "there is no champion; promote another version with `claimwire promote VERSION`",
        )
        return 1
    _say(console, f"version {done.restored} of {model} is @champion again, not {done.version}")
    return 0


def _say(console: Console, message: str) -> None:
    console.print(Text(message), soft_wrap=True)
