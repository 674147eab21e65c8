"""Speech: the file and its splits, and the script that made it: what a spectrogram is, and what is cut away."""

import io
import shutil
import subprocess
import wave

import numpy as np
import pytest
import torch
from scipy.signal import ShortTimeFFT

from jointopt.data import speech
from jointopt.data.speech import LANGUAGES, TEST, TRAINING, VALIDATION, VOICES
from jointopt.system import checksum
from tools import make_speech
from tools.make_digits import pack
from tools.make_speech import RATE, filters, hertz, log_mel, mel


@pytest.fixture(scope="module")
def arrays():
    return speech.read(speech.FILE)


# The file


def test_what_ships_is_small_and_named_in_its_sources():
    assert speech.FILE.stat().st_size <= 500_000
    sources = speech.FILE.with_name("SOURCES.md").read_text(encoding="utf-8")
    assert speech.SHA256 in sources and f"espeak-ng, version {make_speech.VERSION}" in sources


def test_every_voice_says_the_ten_digits_in_turn_twice(arrays):
    assert arrays["spectrograms"].shape == (len(VOICES) * 20, 32, 40)
    assert all(array.dtype == np.uint8 for array in arrays.values())
    assert arrays["labels"].tolist() == 2 * list(range(10)) * len(VOICES)
    assert arrays["voices"].tolist() == [number for number in range(len(VOICES)) for _ in range(20)]


def test_each_word_reaches_from_the_floor_to_the_top_and_ends_before_the_last_column(arrays):
    spectrograms = arrays["spectrograms"]
    assert (spectrograms.max((1, 2)) == speech.DECIBELS).all() and (spectrograms.min((1, 2)) == 0).all()
    assert (spectrograms[:, :, 0].max(1) > 0).all() and not spectrograms[:, :, -1].any()
    assert len({row.tobytes() for row in spectrograms}) == len(spectrograms)  # a voice is not another by name alone


def test_no_speaker_is_in_two_splits():
    def speakers(voices):
        return {voice.split("+")[1] for voice in voices}

    assert set(VALIDATION) < set(TRAINING) and len(set(VOICES)) == len(VOICES) == 27 + 12 + 8
    assert not speakers(TRAINING) & speakers(TEST)
    assert not speakers(set(TRAINING) - set(VALIDATION)) & speakers(VALIDATION)
    assert set(VOICES) == {*TRAINING, *TEST, *LANGUAGES}


def test_what_some_voices_say(arrays):
    found = speech.of(["fr", "en-gb-x-rp+m1"])
    assert found.images.shape == (40, 1, 32, 40) and found.images.dtype == torch.float32
    assert found.images.min() == 0 and found.images.max() == 1
    assert found.labels.tolist() == 4 * list(range(10))
    row = 20 * VOICES.index("en-gb-x-rp+m1") + 7  # in the order of the file, not of the names
    expected = torch.tensor(arrays["spectrograms"][row].astype(np.float32) / 60)
    torch.testing.assert_close(found.images[7, 0], expected)
    found.images.zero_()
    assert speech.of(["fr"]).images.max() == 1
    assert torch.equal(speech.of("fr").images, speech.of(["fr"]).images)


def test_a_voice_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="no voice is named 'en-us'; there are 'cmn', 'de', 'en-gb"):
        speech.of(["fr", "en-us"])
    with pytest.raises(ValueError, match="speech needs a voice at least"):
        speech.of([])


def test_a_file_of_other_content_is_refused(tmp_path, monkeypatch, arrays):
    monkeypatch.setattr(speech, "FILE", tmp_path / "other.npz")
    with pytest.raises(FileNotFoundError, match=r"other\.npz is missing.*python -m tools\.make_speech"):
        speech.of(["fr"])
    (tmp_path / "other.npz").write_bytes(pack({**arrays, "labels": arrays["labels"][::-1]}))
    with pytest.raises(OSError, match=r"other\.npz is altered: SHA-256"):
        speech.of(["fr"])


# The script


def test_the_mel_scale_is_that_of_htk():
    """O'Shaughnessy 1987; the values are those of librosa's and torchaudio's documentation for htk=True."""
    assert mel(60.0) == pytest.approx(92.6, abs=0.1) and mel(440.0) == pytest.approx(549.64, abs=0.01)
    assert mel(1000.0) == pytest.approx(1000, abs=0.02)
    assert hertz(mel(np.array([0.0, 123.0, 4000.0]))) == pytest.approx([0, 123, 4000])


def test_each_filter_is_a_triangle_between_the_middles_of_its_neighbors():
    edges = [hertz(mel(100) + n * (mel(4000) - mel(100)) / 33) for n in range(34)]
    weights = np.zeros((32, 129))
    for band in range(32):
        low, middle, high = edges[band : band + 3]
        for k in range(129):
            frequency = k * 8000 / 256
            if low < frequency <= middle:
                weights[band, k] = (frequency - low) / (middle - low)
            elif middle < frequency < high:
                weights[band, k] = (high - frequency) / (high - middle)
    assert np.allclose(filters(), weights) and (filters().max(1) > 0).all()
    inside = slice(int(np.ceil(edges[1] / 31.25)), int(edges[-2] / 31.25) + 1)
    assert np.allclose(filters().sum(0)[inside], 1)  # between the outermost middles, all power is counted once


def tone(hertz, seconds=0.4, loud=0.5):
    return loud * np.sin(2 * np.pi * hertz * np.arange(int(RATE * seconds)) / RATE)


def test_a_spectrogram_agrees_with_that_of_scipy():
    samples = tone(700) + 0.2 * tone(1900) * np.linspace(0, 1, 3200) + 0.01 * np.random.RandomState(0).randn(3200)
    window = np.hanning(257)[:-1]
    theirs = ShortTimeFFT(window, 128, RATE).stft(samples, p0=1, p1=25)  # (129, 24): slice 1 begins at sample 0
    level = 10 * np.log10(filters() @ np.abs(theirs) ** 2)
    expected = np.clip(level - level.max(), -60, 0) + 60
    found = log_mel(samples)
    assert found.shape == (32, 40) and found.dtype == np.uint8
    assert np.abs(found[:, :24] - expected).max() <= 0.5 + 1e-6 and not found[:, 24:].any()


@pytest.mark.parametrize("frequency", [300, 1000, 2500])
def test_a_tone_is_loudest_in_the_band_around_it(frequency):
    middles = hertz(np.linspace(mel(100), mel(4000), 34))[1:-1]
    nearest = np.abs(mel(middles) - mel(frequency)).argmin()
    assert (log_mel(tone(frequency))[:, 2:20].argmax(0) == nearest).all()


def test_levels_are_in_decibels_and_do_not_depend_on_the_volume():
    softer = np.concatenate([tone(1000), 0.1 * tone(1000)])  # a tenth of the amplitude: 20 dB less
    level = log_mel(softer).max(0)
    assert level[:20].tolist() == [60] * 20 and level[28:40].tolist() == [40] * 12
    assert np.array_equal(log_mel(softer), log_mel(0.3 * softer))


def test_what_is_longer_than_the_columns_is_cut_and_what_is_shorter_than_a_window_is_not_lost():
    assert np.array_equal(log_mel(tone(1000, 2)), log_mel(tone(1000, 0.7)))
    assert log_mel(tone(1000, 0.02))[:, 0].max() == 60 and not log_mel(tone(1000, 0.02))[:, 1:].any()


def streamed(samples, rate=22050):
    """A WAV file as a program writes it into a pipe: its header, written first, gives a length that is not there."""
    file = io.BytesIO()
    with wave.open(file, "wb") as opened:
        opened.setparams((1, 2, rate, 0, "NONE", None))
        opened.writeframes((samples * 32767).astype("<i2").tobytes())
    data = bytearray(file.getvalue())
    data[4:8], data[40:44] = (2**31 - 4060).to_bytes(4, "little"), (2**31 - 4096).to_bytes(4, "little")
    return bytes(data)


def answering(monkeypatch, spoken):
    """espeak-ng is not started, and says this; returns the commands that would have started it."""
    commands = []
    run = lambda command, **options: commands.append(command) or subprocess.CompletedProcess(command, 0, spoken)  # noqa: E731
    monkeypatch.setattr(subprocess, "run", run)
    return commands


@pytest.mark.parametrize("volume", [1.0, 0.01])
def test_the_silence_around_a_word_is_cut_away_and_nothing_else(volume, monkeypatch):
    word = np.concatenate([np.ones(3528), np.zeros(1764), np.full(3528, 0.5)])  # in "eight" there is a silence, too
    spoken = volume * np.concatenate([np.zeros(500), word, np.full(900, 0.005)])
    commands = answering(monkeypatch, streamed(spoken))
    said = make_speech.say("8", "en-gb-x-rp+f1", 35, 180)
    assert commands == [["espeak-ng", "-v", "en-gb-x-rp+f1", "-p", "35", "-s", "180", "--stdout", "8"]]
    assert len(said) == pytest.approx(3200, abs=40)  # the filter of the resampling blurs the ends
    assert np.square(said / volume).sum() == pytest.approx(1280 + 1280 / 4, rel=0.02)


def test_another_rate_than_expected_is_refused(monkeypatch):
    answering(monkeypatch, streamed(np.ones(1000), rate=16000))
    with pytest.raises(ValueError, match="expected to give 22050 samples per second, got 16000"):
        make_speech.say("8", "en-gb-x-rp+f1", 35, 180)


def test_the_script_writes_what_it_makes_and_says_if_that_is_not_the_recorded_content(monkeypatch, tmp_path, arrays):
    monkeypatch.setattr(make_speech, "make_arrays", lambda: arrays)
    make_speech.main(tmp_path / "same.npz")
    assert checksum(speech.read(tmp_path / "same.npz")) == speech.SHA256
    monkeypatch.setattr(make_speech, "make_arrays", lambda: {**arrays, "labels": arrays["labels"][::-1]})
    with pytest.raises(SystemExit, match=f"not the recorded checksum {speech.SHA256}.*version of espeak-ng"):
        make_speech.main(tmp_path / "other.npz")


def version():
    """Of espeak-ng, where it is installed."""
    if shutil.which("espeak-ng") is None:
        return None
    return subprocess.run(["espeak-ng", "--version"], capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(f": {make_speech.VERSION} " not in (version() or ""), reason="needs espeak-ng of this version")
def test_the_script_begins_as_it_did(arrays):
    made = make_speech.make_arrays(VOICES[:1])
    assert all(np.array_equal(made[name], arrays[name][:20]) for name in arrays) and made.keys() == arrays.keys()
