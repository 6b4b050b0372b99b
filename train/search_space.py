"""What a sweep varies: ``sweep.space`` read, checked against the configuration, and drawn from."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from claimwire.data.errors import ConfigError
from claimwire.train.config import Config, ModelConfig, TrainConfig

if TYPE_CHECKING:
    import optuna

_WHY_NOT: Final = {
    "train.seed": "a lucky seed is no better recipe; train.seeds repeats the best one",
    "train.seeds": "a trial is one run",
    "train.folds": "a trial is one run",
    "train.resume": "a sweep goes on by itself",
    "train.threads": "it changes the time alone",
}
VARIABLE: Final = tuple(
    key
    for key in (
        *(f"model.{name}" for name in ModelConfig.model_fields),
        *(f"train.{name}" for name in TrainConfig.model_fields),
        "distillation.weight",
        "data.max_train_sentences",
    )
    if key not in _WHY_NOT
)
"""Keys that change the network. ``decision.*`` comes after what a trial is judged by, and other
``data.*`` would change the sentences it is judged on."""

_ROUNDING: Final = 1e-6
"""Of a number of steps: 0.1 and 0.3 are not exact in binary."""
Scalar = bool | int | float | str | None


class Parameter(BaseModel):
    """One key's values: a range from ``low`` to ``high``, both included, or ``choices``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: int | float | None = None
    high: int | float | None = None
    step: int | float | None = None
    log: bool = False
    choices: tuple[Scalar, ...] | None = None

    @property
    def whole(self) -> bool:
        """Whether a range is of whole numbers, which it is if every number in it is written so."""
        given = (self.low, self.high, 1 if self.step is None else self.step)
        return all(isinstance(number, int) for number in given)

    def draw(self, trial: optuna.Trial, key: str) -> Scalar:
        """Return the value that the study suggests for a trial."""
        if self.choices is not None:
            chosen: Scalar = trial.suggest_categorical(key, self.choices)
            return chosen
        assert self.low is not None
        assert self.high is not None
        if self.whole:
            step = int(self.step or 1)
            return trial.suggest_int(key, int(self.low), int(self.high), step=step, log=self.log)
        return trial.suggest_float(key, self.low, self.high, step=self.step, log=self.log)

    def problem(self) -> str | None:
        """Say what is wrong with the values by themselves, or None."""
        if self.choices is not None:
            if any(value is not None for value in (self.low, self.high, self.step)) or self.log:
                return "expected either choices or a range, found both"
            different = len({(type(value), value) for value in self.choices})
            if different < max(2, len(self.choices)):
                return f"expected two different choices or more, found {list(self.choices)}"
            return None
        if self.low is None or self.high is None or self.low >= self.high:
            return f"expected low below high, found low {self.low} and high {self.high}"
        if self.log and (self.step is not None or self.low <= 0):
            return "expected log with a low above 0 and without a step"
        if self.step is not None:
            steps = (self.high - self.low) / self.step if self.step > 0 else 0.0
            if steps < 1 or abs(steps - round(steps)) > _ROUNDING:
                return (
                    f"expected a step that leads from low {self.low} to high {self.high} in whole "
                    f"steps, found {self.step}"
                )
        return None

    def probes(self) -> Iterator[Scalar]:
        """Yield values that a field must take if it is to take all: ends, one between, choices."""
        if self.choices is not None:
            yield from self.choices
        elif self.low is not None and self.high is not None:
            yield from (self.low, self.high)
            if not self.whole:
                yield self.low + (self.step or 0.382 * (self.high - self.low))


def read_space(config: Config) -> dict[str, Parameter]:
    """Return ``sweep.space`` as parameters by dotted key.

    Raises:
        ConfigError: nothing to search, an unknown key or one that a sweep must not vary, a range
            that is none, or values that the key's field refuses; all problems at once.
    """
    if not config.sweep.space:
        raise ConfigError(
            "sweep.space: expected keys and their values, found none: add to the configuration, "
            "for instance\nsweep:\n  space:\n"
            "    train.learning_rate: {low: 5.0e-5, high: 5.0e-4, log: true}\n"
            "    train.batch_size: [16, 32]"
        )
    space: dict[str, Parameter] = {}
    problems = []
    for key, given in config.sweep.space.items():
        found = _read(config, key, given)
        if isinstance(found, Parameter):
            space[key] = found
        else:
            problems.append(f"  sweep.space.{key}: {found}")
    if problems:
        raise ConfigError(f"{len(problems)} problem(s):\n" + "\n".join(problems))
    return space


def with_values(config: Config, values: Mapping[str, Scalar]) -> Config:
    """Return the configuration with values by dotted key, checked as if the file had them.

    Raises:
        ValidationError: a value that its field refuses.
    """
    content = config.model_dump()
    for key, value in values.items():
        section, _, name = key.partition(".")
        content[section][name] = value
    return Config.model_validate(content)


def _read(config: Config, key: str, given: object) -> Parameter | str:
    """Return a key's parameter, or what is wrong with it."""
    if key not in VARIABLE:
        return _no_such(key)
    try:
        parameter = Parameter.model_validate(
            {"choices": given} if isinstance(given, list) else given
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][:1])
        known = ", ".join(Parameter.model_fields)
        return (
            f"expected a list of choices, or a mapping with some of {known}; found {given!r} "
            f"({where + ': ' if where else ''}{first['msg']})"
        )
    if problem := parameter.problem():
        return problem
    for value in parameter.probes():
        try:
            with_values(config, {key: value})
        except ValidationError as error:
            return f"the field does not take {value!r}: {error.errors()[0]['msg']}"
    return parameter


def _no_such(key: str) -> str:
    if key in _WHY_NOT:
        return f"not for a sweep: {_WHY_NOT[key]}"
    section, _, name = key.partition(".")
    fields = Config.model_fields
    annotation = fields[section].annotation if section in fields else None
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not name:
            return f"a section, not a field: write whole dotted keys, such as {VARIABLE[0]}"
        if name in annotation.model_fields:
            return (
                "not for a sweep, which compares networks by validation macro-F1 before "
                f"calibration; it varies {', '.join(VARIABLE)}"
            )
    near = [k for k in VARIABLE if k.endswith("." + key.rpartition(".")[2])]
    near = near or difflib.get_close_matches(key, VARIABLE, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(VARIABLE)}"
    return f"unknown key; {hint}"
