"""The records: a slice of each is made again and agrees, as far as a run on another processor can."""

from copy import deepcopy

import numpy as np
import pytest

from evidence import again, record
from jointopt.compare import Comparison, records, spec_of

MADE = records.names()


@pytest.mark.parametrize("name", MADE)
def test_a_slice_that_is_made_again_agrees_with_the_record(name):
    assert again.disagreements(records.read(name)["slice"], again.runs(name)) == []


@pytest.mark.parametrize("name", MADE)
def test_the_record_itself_is_one_of_the_runs_that_its_slice_was_measured_on(name):
    data = records.read(name)
    recorded = Comparison.from_json(data["content"][data["slice"]["part"]])
    assert again.disagreements(data["slice"], recorded, losses=False) == []


@pytest.mark.parametrize("name", MADE)
def test_the_record_is_of_the_experiment_in_the_code(name):
    comparisons, experiment = records.load(name), record.experiment_of(name)
    parts = dict(experiment.parts(comparisons))
    assert list(comparisons) == list(parts)
    for title, part in parts.items():
        recorded, expected = comparisons[title], spec_of(part.make, part.arms, part.budget)
        assert list(recorded.runs) == list(part.seeds) and recorded.arms == list(part.arms), title
        for key in ("make", "arms", "budget", "limit"):
            assert recorded.spec[key] == expected[key], (title, key)
    slice = records.read(name)["slice"]
    seeds = {arm: [int(seed) for seed in runs] for arm, runs in slice["runs"].items()}
    part, arms, chosen = experiment.SLICE
    assert (slice["part"], seeds) == (part, dict.fromkeys(arms, list(chosen)))


@pytest.mark.parametrize("name", MADE)
def test_what_hangs_on_no_sum_is_compared_exactly(name):
    """Only first weights that were learned may be left out; HOG, which takes no step, has no losses."""
    for arm, runs in records.read(name)["slice"]["runs"].items():
        for run in runs.values():
            missing = {"weights"} if name in LEARNED_BEFORE else set()
            assert set(again.EXACT) - set(run["exact"]) == missing
            assert len(run["losses"]) == (0 if arm == "HOG" else 3)


LEARNED_BEFORE = ("coadaptation", "depth", "shift")
SLICE = {
    "part": "test",
    "noise": {"size": 1e-5, "seeds": 20},
    "runs": {
        "a": {
            "3": {
                "exact": {"steps": 5, "flops": 100, "weights": "abc", "batches": "def"},
                "losses": [[2.0, 1e-6], [1.9, 1e-5], [1.8, 1e-2]],
                "figures": {"accuracy (%)": [80.0, 0.5], "distance": [10.0, 0.0], "classes covered": [10.0, 0.0]},
            }
        }
    },
}
RUN = {
    **{"accuracy (%)": 80.2, "distance": 10.05, "classes covered": 9.0, "steps": 5, "flops": 100},
    **{"began": {"weights": "abc", "batches": "def"}, "first losses": [2.0, 1.9, 1.801]},
}


def made(**changes):
    return Comparison({"arms": {"a": {}}}, {3: {"a": deepcopy(RUN) | changes}})


def test_what_agrees_is_not_named():
    assert again.disagreements(SLICE, made()) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"steps": 6}, "a, seed 3: steps 6, on record 5"),
        ({"flops": 101}, "a, seed 3: flops 101, on record 100"),
        ({"began": {"weights": "abd", "batches": "def"}}, "weights abd, on record abc"),
        ({"began": {"weights": "abc", "batches": "dee"}}, "batches dee, on record def"),
        ({"first losses": [2.003, 1.9, 1.8]}, "loss at step 0 2.003, on record 2 ± 0.002"),
        ({"first losses": [2.0, 1.9, 1.81]}, "loss at step 2 1.81, on record 1.8 ± 0.0018"),
        ({"first losses": [2.0, 1.9]}, "2 first losses, on record 3"),
        ({"accuracy (%)": 83.1}, "accuracy (%) 83.1, on record 80 ± 3"),
        ({"accuracy (%)": float("nan")}, "accuracy (%) nan, on record 80 ± 3"),
        ({"distance": 10.2}, "distance 10.2, on record 10 ± 0.1"),
        ({"classes covered": 8.0}, "classes covered 8, on record 10 ± 1"),
    ],
)
def test_each_disagreement_is_named(changes, expected):
    (words,) = again.disagreements(SLICE, made(**changes))
    assert words.endswith(expected)


def test_losses_of_weights_that_were_learned_have_their_measured_spread():
    slice = deepcopy(SLICE)
    del slice["runs"]["a"]["3"]["exact"]["weights"]
    assert again.disagreements(slice, made(**{"first losses": [2.0, 1.9, 1.83]})) == []
    (words,) = again.disagreements(slice, made(**{"first losses": [2.0, 1.9, 1.87]}))
    assert words.endswith("loss at step 2 1.87, on record 1.8 ± 0.061")


def test_what_is_tolerated_is_a_prediction_interval(monkeypatch):
    """Of normal runs, as many fall out of it as CHANCE says, also if mean and spread come from few."""
    monkeypatch.setattr(again, "CHANCE", 0.1)
    runs = np.random.default_rng(0).normal(3.0, 2.0, (20_000, 11))
    mean, sd = runs[:, :10].mean(axis=1), runs[:, :10].std(axis=1, ddof=1)
    assert (abs(runs[:, 10] - mean) > again.interval(10) * sd).mean() == pytest.approx(0.1, abs=0.01)


def test_a_slice_is_measured_under_seeds_of_jitter(monkeypatch, tmp_path):
    """Mean and spread are those of the runs with noise, and what all runs have in common is compared exactly."""
    monkeypatch.setattr(again, "JITTERS", range(1, 4))
    slice = again.measured("budgets", 2, make=invented)
    (run,) = slice["runs"]["frozen random"].values()
    assert run["exact"] == {"steps": 5, "flops": 100, "batches": "def"}  # weights differ
    assert run["figures"] == {"accuracy (%)": [82.0, 1.0]}
    assert run["losses"][0] == pytest.approx([2.0, 0.01 * (2 / 3) ** 0.5])


def test_a_run_agrees_with_the_slice_that_it_was_measured_for():
    """Also where one of twenty jumps and the others do not, as the accuracy in `trust` does."""
    runs = [RUN | {"accuracy (%)": 70.0 if seed == 2 else 80.0} for seed in range(1, 21)]
    slice = SLICE | {"runs": {"a": {"3": again._summary([runs[0], *runs])}}}
    assert [words for run in runs for words in again.disagreements(slice, made(**run))] == []


def invented(name, seed):
    """In place of `again.runs`: accuracies of 81, 82 and 83 under noise; without, 50, which is no draw of it."""
    run = {"accuracy (%)": 50.0 if seed is None else 80.0 + seed, "steps": 5, "flops": 100}
    run |= {"began": {"weights": str(seed), "batches": "def"}, "first losses": [2.0 + 0.01 * ((seed or 2) - 2)] * 3}
    return Comparison({"arms": {"a": {}}}, {10: {"frozen random": run, "rotation, then head": run}})


@pytest.mark.parametrize("name", MADE)
def test_a_change_by_hand_is_seen(name, tmp_path, monkeypatch):
    text, data = (records.FOLDER / f"{name}.json").read_text(), records.read(name)
    first = next(iter(data["content"].values()))["seeds"]
    run = next(iter(next(iter(first.values())).values()))
    metric, value = next(iter(run.items()))
    start = text.index('"content"')
    changed = [text[:start] + text[start:].replace(f'"{metric}": {value}', f'"{metric}": {value + 1}', 1)]
    noise = data["slice"]["noise"]["seeds"]
    changed += [text.replace(f'"seeds": {noise}}}', f'"seeds": {noise + 1}}}', 1)]
    changed += [text.replace('"rests on"', '"rests upon"')] if "verdict" in data else []
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    for other in changed:
        assert other != text
        (tmp_path / f"{name}.json").write_text(other)
        with pytest.raises(ValueError, match="was changed by hand"):
            records.load(name)


def test_every_record_has_its_slice():
    assert MADE and all(records.read(name)["slice"] for name in MADE)
