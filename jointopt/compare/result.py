"""What came out of a comparison: a value for each arm and seed, means and paired differences with their intervals."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from jointopt.checks import check_name, listed
from jointopt.figures import comparisons
from jointopt.figures.table import Table
from jointopt.statistics import Interval

FORMAT = "jointopt comparison 1"
# What a run holds besides its held-out metrics.
SPENT = ("steps", "flops", "updates", "seconds", "diverged", "ended early", "began", "first losses")
NO_NUMBER = ("updates", "began", "first losses")
UNUSUAL = ("diverged", "ended early")  # the second: the plan came to its end before the budget did
NESTED = ("weights", "optimizer_options")  # of an arm: what holds the λ's


@dataclass(frozen=True, repr=False)
class Comparison:
    """What `compare` returns; shown, it is its `table()`.

    runs  seed -> arm -> {held-out metric: value, "steps", "flops", "updates": {module: n}, "seconds", "diverged"}
    """

    spec: dict
    runs: dict[int, dict[str, dict]]

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()

    @property
    def arms(self) -> list[str]:
        """Their names."""
        return list(self.spec["arms"])

    @property
    def metrics(self) -> list[str]:
        """Names of the held-out metrics, with their units."""
        return [name for name in next(iter(self.runs.values()))[self.arms[0]] if name not in SPENT]

    def values(self, arm: str, metric: str | None = None) -> np.ndarray:
        """One value per seed, (n,). metric: None is the first held-out metric; "steps", "flops", "seconds" work too."""
        check_name("arm", arm, self.arms)
        metric = self.metrics[0] if metric is None else metric
        known = [name for name in next(iter(self.runs.values()))[arm] if name not in NO_NUMBER]
        check_name("metric", metric, known)
        return np.array([of_seed[arm][metric] for of_seed in self.runs.values()], dtype=float)

    def mean(self, arm: str, metric: str | None = None) -> Interval:
        """Mean of one arm over the seeds."""
        return Interval.of(self.values(arm, metric))

    def difference(self, arm: str, against: str, metric: str | None = None) -> Interval:
        """Mean of arm − against, seed by seed."""
        return Interval.of(self.values(arm, metric) - self.values(against, metric))

    def differences(self, against: str, metric: str | None = None) -> dict[str, Interval]:
        """Paired difference of every other arm minus `against`."""
        return {arm: self.difference(arm, against, metric) for arm in self.arms if arm != against}

    def table(self, metric: str | None = None, against: str | None = None) -> Table:
        """A row per arm: mean ± half width of its 95 % interval, n, what was spent, and the paired difference."""
        metric, against = metric or self.metrics[0], against or self.arms[0]
        differences = {arm: f"{d:+}, {d.verdict}" for arm, d in self.differences(against, metric).items()}
        rows = []
        for arm in self.arms:
            mean = self.mean(arm, metric)
            counts = {what: sum(of_seed[arm].get(what, False) for of_seed in self.runs.values()) for what in UNUSUAL}
            n = f"{mean.n}" + "".join(f" ({count} {what})" for what, count in counts.items() if count)
            work = [_range(self.values(arm, "steps")), _range(self.values(arm, "flops") / 1e9)]
            rows.append([arm, str(mean), n, *work, differences.get(arm, "")])
        return Table([self.spec["budget"], metric, "n", "steps", "GFLOP", f"minus {against}, paired"], rows)

    def figure(self, metric: str | None = None, against: str | None = None):
        """Points per seed, and beside them the paired differences: a `jointopt.figures.Picture`."""
        metric = metric or self.metrics[0]
        values = {arm: self.values(arm, metric) for arm in self.arms}
        return comparisons.comparison(values, metric, against or self.arms[0])

    def choices(self, *names: str) -> dict[tuple[float, ...], str]:
        """Choice of these λ's -> arm, of a sweep: arms that differ in nothing else.

        names: losses, for their λ's; or options of the optimizer, as "weight_decay". ValueError if the arms have none
        such, or differ in more.
        """
        arms, first = {}, None
        for arm, chosen in self.spec["arms"].items():
            hyperparameters = (chosen.get("weights") or {}) | chosen.get("optimizer_options", {})
            if not hyperparameters:
                raise ValueError(f"the arm {arm!r} is not of a sweep: it was given no λ")
            if unknown := [name for name in names if name not in hyperparameters]:
                raise ValueError(f"no λ of the arm {arm!r} is named {unknown[0]!r}; it has {listed(hyperparameters)}")
            rest = {name: value for name, value in (chosen | hyperparameters).items() if name not in (*names, *NESTED)}
            first = rest if first is None else first
            if more := [name for name in first | rest if first.get(name) != rest.get(name)]:
                raise ValueError(f"no sweep over {listed(names)}: the arms differ in {listed(more)} as well")
            arms[tuple(hyperparameters[name] for name in names)] = arm
        return arms

    def over(self, name: str, metric: str | None = None) -> dict[float, np.ndarray]:
        """λ of this loss (or option of the optimizer) -> one value per seed, (n,), from the smallest λ on."""
        return {weight: self.values(arm, metric) for (weight,), arm in sorted(self.choices(name).items())}

    def curve(self, loss: str, metric: str | None = None):
        """Of a sweep, the metric over the λ of a loss: points per seed, mean with 95 % interval, as a `Picture`.

        The log axis has λ = 0 at its left end. An option of the optimizer, as "weight_decay", works too.
        """
        return comparisons.curve(self.over(loss, metric), loss, metric or self.metrics[0])

    def heat_map(self, rows: str, columns: str, metric: str | None = None):
        """Of a sweep over a whole grid of two λ's: mean ± half width of the 95 % interval in each cell, a `Picture`."""
        if rows == columns:
            raise ValueError(f"a heat map has two different λ's, got {rows!r} twice")
        cells = {choice: self.values(arm, metric) for choice, arm in self.choices(rows, columns).items()}
        return comparisons.heat_map(cells, rows, columns, metric or self.metrics[0])

    def as_json(self) -> dict:
        """Plain data; `Comparison.from_json` reads it."""
        return {"format": FORMAT, "spec": self.spec, "seeds": self.runs}

    @classmethod
    def from_json(cls, data: Mapping) -> "Comparison":
        """Of what `as_json` gave, or the file that `compare` keeps."""
        if data.get("format") != FORMAT:
            raise ValueError(f"a comparison has the format {FORMAT!r}, got {data.get('format')!r}")
        return cls(data["spec"], {int(seed): runs for seed, runs in data["seeds"].items()})


def _range(values: np.ndarray) -> str:
    """The values, from the least to the most where they differ; nothing where all are 0."""
    ends = (values.min(), values.max())
    words = [f"{value:.0f}" if value == int(value) or value > 999 else f"{value:.3g}" for value in ends]
    return "" if not values.any() else " to ".join(dict.fromkeys(words))
