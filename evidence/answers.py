"""Verdicts on the document's §8, sentence by sentence, and on published findings: computed from the records.

    figure      mean of the paired differences arm − against, seed by seed, with its 95 % interval, turned so that more
                is better for `arm`; "for" a sentence or "against" it where the interval says so, else "open"
    condition   "met" if all its figures are for the sentence, "contradicted" if some are against it and none is for it,
                else "open"
    sentence    "holds" if all its conditions are met, "holds when …" if some are, "does not hold" if none is met and
                some are contradicted, else "not seen here"

The words are in answers.toml. `python -m evidence --verdicts` writes answers.json, which
`jointopt.compare.records.answers()` reads.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import chain, product
from pathlib import Path

from evidence import claims, powers
from evidence.experiments.parity import CORRECTED, HARD, KS, SUM, digits
from evidence.record import experiment_of
from jointopt.compare import Interval, records
from jointopt.system import write_whole
from jointopt.toys import game

HERE = Path(__file__).parent
WORDS = tomllib.loads((HERE / "answers.toml").read_text(encoding="utf-8"))
APPLICATIONS = ("classification", "detection", "segmentation", "generation")
LABELS = ("5", "10", "20", "50", "100", "200", "400")  # the parts of `labels`
SEVERAL_DIGITS = [digits(k) for k in KS if k > 1]  # parts of `parity`: of one digit, the two losses are one question
BUDGETS = [f"{sense} {size}" for sense, size in product(("steps", "updates", "flops"), (200, 1000))]
NETWORKS = {"document": "document's model", "resnet": "small ResNet", "vgg": "small VGG"}
SHIFTED = ("accuracy over clutter (%)", "accuracy inverted (%)")
LESS_IS_BETTER = ("Fréchet distance", "calibration error (%)")
APART = 10.0  # points between the best and the worst seed of one arm
GUESSING, LEARNED = 11.0, 60.0  # at most, at least; % of ten classes
Figures = list[dict]
Conditions = Mapping[str, Figures]
load = cache(records.load)  # emptied by `made`


def figures(record: str, parts, arm: str, rivals, metric=None, side=1, margin=0.0) -> Figures:
    """Those of an arm against each rival in each part. parts, rivals, metric: a name, or several.

    side: −1 for a sentence that expects the arm to be behind. margin: how far it may be behind, in the metric's unit.
    """
    found, first = [], load(record)[several(parts)[0]].metrics[0]
    for part, rival, name in product(*map(several, (parts, rivals, metric or first))):
        comparison = load(record)[part]
        values = comparison.values(arm, name) - comparison.values(rival, name)
        turned = -values if name in LESS_IS_BETTER else values
        found.append(figure((record, part, arm, rival, name), turned, side, margin))
    return found


def figure(names: tuple, values, side=1, margin=0.0) -> dict:
    """One of them. names: record, part, arm, against, metric."""
    mean, half, n = Interval.of(values)
    word = "for" if side * mean - half > -margin else "against" if side * mean + half < -margin else "open"
    keys = ("record", "part", "arm", "against", "metric")
    found = {"text": f"{Interval(mean, half, n):+}", "mean": round(mean, 6), "half": round(half, 6), "n": n}
    return dict(zip(keys, names, strict=True)) | {"chapter": chapter_of(names[0]), "word": word} | found


def fact(record: str, text: str, word: str) -> Figures:
    """What a condition rests on, if it is no interval."""
    return [{"record": record, "chapter": chapter_of(record), "text": text, "word": word}]


def several(names) -> list[str]:
    """A name, or several."""
    return [names] if isinstance(names, str) else list(names)


def chapter_of(record: str) -> int:
    """The number of the chapter that loads the record."""
    if record not in _chapters():
        raise ValueError(f'no chapter has records.load("{record}") or records.verdict("{record}"): write it first')
    return _chapters()[record]


@cache
def _chapters() -> dict[str, int]:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (HERE.parent / "notebooks").glob("*.ipynb")}
    loaded = {stem: re.findall(r'records\.(?:load|verdict)\(\\"(\w+)', text) for stem, text in texts.items()}
    return {record: int(stem[:2]) for stem, found in sorted(loaded.items(), reverse=True) for record in found}


def closing(rival: str, applications=APPLICATIONS) -> Figures:
    """The closing tables, at equal updates and at equal compute."""
    return list(chain(*(figures(name, ("updates", "flops"), "joint", rival) for name in several(applications))))


def labels(*rivals: str, **options) -> Conditions:
    """Joint training against all of these, by the number of labels per class."""
    return {n: figures("labels", n, "joint", rivals, **options) for n in LABELS}


def moving(first: str, networks, **options) -> Figures:
    """Features that move against the same features, frozen."""
    return figures("pretrained", networks, f"{first}, fine-tuned", f"{first}, frozen", **options)


def frozen_layers() -> Conditions:
    """Against k frozen layers of eight: the k that the rule of `depth` finds cheap, and the others."""
    cheap = records.verdict("depth")["rests on"]["layers frozen for less than two points"]
    groups = [ks for ks in (cheap, [k for k in range(1, 9) if k not in cheap]) if ks]
    return {either(ks): figures("depth", "test", "0 frozen", [f"{k} frozen" for k in ks]) for ks in groups}


def ends(record: str, parts, says) -> Conditions:
    """For each arm, from where to where its seeds end; `says(least, most)` if that is for the sentence."""
    parts = several(parts)
    found = {(part, arm): load(record)[part].values(arm) for part in parts for arm in load(record)[part].arms}
    named = {(f"{arm.removeprefix('reg ')} ({part})" if len(parts) > 1 else arm): v for (part, arm), v in found.items()}
    return {
        name: fact(record, f"{v.min():.0f} to {v.max():.0f} %", "for" if says(v.min(), v.max()) else "open")
        for name, v in named.items()
    }


def conditions() -> dict[str, Conditions]:
    """Of each sentence of answers.toml, by its number."""
    rotation, then_all, head = "rotation, then head", "rotation, then all", "head only"
    cut = figures("exact", "test", "exact", "joint")  # "joint" drops the gradient through the proposals
    own, good, shifts = ("shift", "test"), ("imagenet", "shift"), {}
    for part, how in (("test", ", as tuned"), ("one lr", "")):  # one rate for both, or the words would not hold
        (lr,) = {load("shift")[part].spec["arms"][arm]["optimizer_options"]["lr"] for arm in (head, "all at once")}
        shifts["shift", part] = f"both plans have the learning rate {lr:g}{how}"
    shifts[good] = "the features are ImageNet's"
    kinds = dict(zip(("of the same kind", "over clutter", "inverted"), load("shift")["test"].metrics, strict=True))
    wide = {f"{n} (wide network)": figures("width", n, "joint, wide", "HOG", margin=1.0) for n in load("width")}
    fixed = "feature extractor frozen"
    l2 = ("clean, SGD", "clean, Adam", "wrong, SGD", "wrong, Adam")
    return {
        "1.1": {name: closing("alternating", name) for name in APPLICATIONS},
        "1.2": {
            "before the feature extractor": figures("head_gradient", "accuracy", "joint", fixed),
            "at the proposals of a detector": cut,
        },
        "1.3": {
            "a joint plan drops a part of its gradient": cut,
            "an end-to-end plan has a stage before": figures("labels", LABELS, "joint", then_all),
            "the target is the parity of several digits": figures(
                "parity", SEVERAL_DIGITS, "joint", "end to end", side=-1
            ),
        },
        "2.1": {
            "stay random": closing("frozen") + figures("budgets", BUDGETS, "joint", "frozen random"),
            "stay as rotation taught them": figures("budgets", BUDGETS, "joint", rotation),
            "stay as an autoencoder taught them": figures("budgets", BUDGETS, "joint", "autoencoder, then head"),
            "are trained in a stage before": closing("staged"),
            "take turns with the rest": closing("alternating"),
            "learn from rotation, then with all the rest": figures("budgets", BUDGETS, "joint", then_all),
            "learn through a head that stays random": figures("head_gradient", "accuracy", "joint", "head frozen"),
            "are made by hand": figures("labels", "200", "joint", "HOG"),
        },
        "2.2a": {"random": figures("labels", LABELS, "joint", "frozen random") + moving("random", NETWORKS)}
        | {f"pretrained in the {name}": moving("pretrained", network) for network, name in NETWORKS.items()}
        | {"pretrained on ImageNet": figures("imagenet", ("10 labels", "50 labels"), "fine-tuned", "frozen")},
        "2.2b": {"5 to 400 (small network)": figures("labels", LABELS, "joint", "HOG", margin=1.0)} | wide,
        "2.3": frozen_layers(),
        "2.4a": labels(rotation, then_all),
        "2.4b": {
            kind + features: figures(record, part, "all at once", (head, "head first, then all"), metric)
            for (record, part), features in ((own, ""), (good, ", with ImageNet's features"))
            for kind, metric in kinds.items()
        },
        "3.1": labels("HOG", then_all, side=-1),
        "3.2": {words: figures(*where, "all at once", head, SHIFTED, side=-1) for where, words in shifts.items()},
        "3.3a": ends("optimizers", ["test"], lambda least, most: most - least > APART),
        "3.3b": ends("objective", l2, lambda least, most: least <= GUESSING and most >= LEARNED),
        "3.4a": {},
        "3.4b": {
            f"{name}, {first}": moving(first, network, metric="calibration error (%)", side=-1)
            for (network, name), first in product(NETWORKS.items(), ("pretrained", "random"))
        },
    }


def outcome(weighed: Figures) -> str:
    """Of a condition."""
    words = {each["word"] for each in weighed}
    return "met" if words == {"for"} else "contradicted" if "against" in words and "for" not in words else "open"


def condition(when: str, name: str, weighed: Figures) -> dict:
    """As answers.json has it."""
    return {"name": name, "when": when, "outcome": outcome(weighed), "figures": weighed}


def verdict(found: Conditions, when: str = "{}") -> str:
    """Of a sentence."""
    outcomes = {name: outcome(weighed) for name, weighed in found.items()}
    met = [name for name, word in outcomes.items() if word == "met"]
    if met:
        return "holds" if len(met) == len(outcomes) else f"holds when {when.format(either(met))}"
    return "does not hold" if "contradicted" in outcomes.values() else "not seen here"


def either(names: Iterable) -> str:
    """As one reads them: "5, 10 or 20"."""
    *first, last = map(str, names)
    return f"{', '.join(first)} or {last}" if first else last


def judged() -> list[tuple[str, str, str]]:
    """(record, claim, word) of all that the records decide by their own rules."""
    found = [(name, records.verdict(name)) for name in records.names() if "verdict" in records.read(name)]
    return [(name, claim, word) for name, its in found for claim, word in its.items() if claim != "rests on"]


def published() -> list[dict]:
    """The findings: as the record's own RULE has it, written before the run; else as the figures say (`afterwards`).

    What a record judges and answers.toml does not name stands at the end, in the words of its rule.
    """
    decided = {claim: (word, name) for name, claim, word in judged() if of_others(word)}
    words, answers = dict(WORDS["findings"]), []
    for claim, (_, name) in decided.items():
        said = (experiment_of(name).RULE.__doc__ or claim).strip().splitlines()[0]
        words.setdefault(claim, {"paper": claim, "what": said.rstrip(".")})
    for name, its in words.items():
        found = list(chain(*(figures(**each) for each in its.get("rests", []))))
        found = SPECIAL[name]() if name in SPECIAL else ruled(name, *its["ruled"]) if "ruled" in its else found
        word, record = decided.get(name) or (afterwards(found), None)
        rule = "before the run" if record or its.get("before") else "afterwards"
        found = found or fact(record, "see its chapter", "for" if word == claims.REPLICATED else "open")
        kept = {key: its[key] for key in ("paper", "what")}
        answers.append({"finding": name} | kept | {"rule": rule, "verdict": word, "figures": found})
    return answers


def of_others(word: str) -> bool:
    """Whether it is a verdict on what others have published."""
    return word.startswith(claims.WORDS)


def afterwards(found: Figures) -> str:
    """The verdict on a result whose rule is that all these figures are for it."""
    return str(claims.afterwards([(each["word"], Interval(*map(each.get, ("mean", "half", "n")))) for each in found]))


def plays() -> Figures:
    """The smallest game: exact arithmetic, without seeds."""
    shown = game.replicated({method: game.path(method=method) for method in game.METHODS})
    return fact("generation", "exact arithmetic", "for" if shown else "against")


def decay() -> Figures:
    """How much more the same λ of L2 shrinks the head under Adam than under SGD, seed by seed."""
    by = [load("objective")[f"clean, {name}"] for name in ("Adam", "SGD")]
    adam, sgd = (l2.values("reg 0.0001", "norm of φ") - l2.values("reg 0", "norm of φ") for l2 in by)
    return [figure(("objective", "clean", "Adam", "SGD", "norm of φ"), adam - sgd, side=-1)]


def corrected() -> Figures:
    """What it adds to the sums that are right, if one digit of each is corrected."""
    part = digits(HARD)
    found = load("parity")[part]
    gain = found.values("joint", CORRECTED) - found.values("joint", SUM)
    return [figure(("parity", part, "joint, corrected", "joint", SUM), gain)]


def ruled(claim: str, record: str, key: str, words: str) -> Figures:
    """One of the numbers that the verdict of a record's own rule rests on."""
    its = records.verdict(record)
    return fact(record, f"{words}: {its['rests on'][key]}", "for" if its[claim] == claims.REPLICATED else "open")


SPECIAL = {
    "Mescheder et al., §2": plays,
    "Decoupled weight decay, §2": decay,
    "Koh et al., test-time intervention": corrected,
}


def made() -> dict:
    """What answers.json holds: sentences and findings, with words, verdict and figures; and the other claims."""
    load.cache_clear()
    found = conditions()
    answers = [
        {"number": number, **{key: its[key] for key in ("sentence", "term", "test")}}
        | {"verdict": verdict(found[number], its["when"])}
        | {"conditions": [condition(its["when"].format(name), name, w) for name, w in found[number].items()]}
        for number, its in WORDS["sentences"].items()
    ]
    others = [{"record": r, "claim": claim, "verdict": w} for r, claim, w in judged() if not of_others(w)]
    return {"sentences": answers, "findings": published(), "claims": others, "powers": powers.made()}


def write() -> None:
    """Write answers.json, under its checksum."""
    data = {"content": json.loads(json.dumps(made()))}
    data = {"sha256": records.checksum(data)} | data
    write_whole(HERE / "answers.json", json.dumps(data, ensure_ascii=False, indent=1) + "\n")
    powers.write()
