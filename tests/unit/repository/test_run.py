"""tests/run.py: no failure hides another, and what could not be tried is not counted as passed."""

import sys

import pytest

from tests import run

HELLO = [sys.executable, "-c", "print('3 passed')"]
FAIL = [sys.executable, "-c", "import sys; print('=== FAILURES ==='); print('1 was 2'); print('1 failed'); sys.exit(1)"]
SHOW = "import os; print([os.environ.get(n) for n in ('JITTER', 'OMP_NUM_THREADS', 'ATEN_CPU_CAPABILITY')])"


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """Neither noise from outside nor what portable() takes away are seen by other tests."""
    for name in ("JITTER", "JITTER_SIZE", "ATEN_CPU_CAPABILITY", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def stages(monkeypatch, **commands):
    monkeypatch.setattr(run, "STAGES", {name: [*given] for name, given in commands.items()})


def test_a_failure_hides_no_other_and_each_stage_has_a_line(monkeypatch, capfd):
    stages(monkeypatch, ruff=[FAIL, HELLO], unit=[HELLO], chapters=[FAIL], browser=[HELLO])
    assert run.main([]) == 1
    lines = capfd.readouterr().out.splitlines()[-4:]
    assert [line.split()[:2] for line in lines] == [
        ["ruff", "FAILED"],
        ["unit", "passed"],
        ["chapters", "FAILED"],
        ["browser", "passed"],
    ]
    assert lines[0].endswith("3 passed") and lines[2].endswith("1 failed")


def test_stages_by_name(monkeypatch, capfd):
    stages(monkeypatch, ruff=[FAIL], unit=[HELLO])
    assert run.main(["unit"]) == 0
    assert "ruff" not in capfd.readouterr().out
    with pytest.raises(SystemExit):
        run.main(["unti"])
    assert "no stage is named 'unti'; there are ruff, unit" in capfd.readouterr().err


def test_the_chapters_run_with_noise_and_on_one_thread(monkeypatch, capfd):
    show = [sys.executable, "-c", SHOW]
    stages(monkeypatch, unit=[show], chapters=[show])
    run.main([])
    lines = capfd.readouterr().out.splitlines()
    assert "[None, '1', None]" in lines[-2] and "['1', '1', None]" in lines[-1]
    monkeypatch.setenv("JITTER", "7")
    run.main([])
    lines = capfd.readouterr().out.splitlines()
    assert ["['7', '1', None]" in line for line in lines[-2:]] == [True, True]


def test_a_wrong_jitter_is_refused_before_anything_runs(monkeypatch, capfd):
    monkeypatch.setenv("JITTER", "x")
    with pytest.raises(SystemExit) as stopped:
        run.main([])
    said = capfd.readouterr()
    assert stopped.value.code == 2 and said.out == ""
    assert "JITTER is the seed of the noise, a whole number ≥ 0, got 'x'" in said.err


def test_each_environment_has_a_line_and_what_differs_is_shown(monkeypatch, capfd):
    differs = [sys.executable, "-c", "import os, sys; print('=== FAILURES ==='); print('1 was 2'); print('1 failed');"]
    differs[-1] += "sys.exit(os.environ.get('JITTER') == '2')"
    stages(monkeypatch, unit=[HELLO], chapters=[differs])
    monkeypatch.setattr(run, "has_avx2", lambda: True)
    assert run.main(["--portable"]) == 1
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == "jitter, seed 2: DIFFERS (unit 3 passed; chapters 1 failed)" and lines[2] == "1 was 2"
    assert [line.split(":")[0] for line in lines[4:-1]] == list(run.ENVIRONMENTS)[1:]
    assert lines[-1] == "4 of 5 environments without a difference, 0 not on this processor"


def test_an_environment_that_this_processor_lacks_is_not_counted_as_passed(monkeypatch, capfd):
    stages(monkeypatch, unit=[HELLO], chapters=[HELLO])
    monkeypatch.setattr(run, "has_avx2", lambda: False)
    assert run.main(["--portable"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert [line for line in lines if "not on this processor" in line][:-1] == [
        "ATEN_CPU_CAPABILITY=avx2: not on this processor",
        "ONEDNN_MAX_CPU_ISA=AVX2 MKL_CBWR=COMPATIBLE: not on this processor",
    ]
    assert lines[-1] == "3 of 5 environments without a difference, 2 not on this processor"


def test_the_environments_reach_the_tests_and_noise_from_outside_does_not(monkeypatch, capfd):
    stages(monkeypatch, unit=[[sys.executable, "-c", SHOW]], chapters=[HELLO])
    monkeypatch.setattr(run, "has_avx2", lambda: True)
    monkeypatch.setenv("JITTER", "9")
    run.main(["--portable"])
    said = [line.split("unit ")[1].split(";")[0] for line in capfd.readouterr().out.splitlines()[:-1]]
    assert said == ["['2', '1', None]", "['3', '1', None]", "[None, '1', 'avx2']", "[None, '1', None]"] + [
        "[None, '2', None]"
    ]
