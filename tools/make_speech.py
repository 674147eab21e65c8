"""Make the file of speech: `python -m tools.make_speech`, about a quarter of a minute on one core.

Needs the program espeak-ng (Debian's package of that name); SOURCES.md has its version and license, and what ships.
A spectrogram is made as in Davis and Mermelstein, *Comparison of parametric representations for monosyllabic word
recognition in continuously spoken sentences*, IEEE Transactions ASSP 28 (1980): the Fourier transform of windows of
32 ms, its power summed over triangles that are equally wide on the mel scale, and the logarithm.
"""

import io
import subprocess
import wave
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from jointopt.data import speech
from jointopt.data.speech import BANDS, DECIBELS, FRAMES
from tools.make_digits import write

SPOKEN, RATE = 22050, 8000  # samples per second: of espeak-ng, and of what is left of it
WINDOW, HOP = 256, 128  # samples: 32 and 16 ms
LOWEST, HIGHEST = 100.0, 4000.0  # Hz
SILENCE = 0.01  # of the loudest sample: what is softer, before and after the word, is cut away
MANNERS = ((35, 180), (65, 210))  # pitch from 0 to 99, words per minute
VERSION = "1.51"  # of the espeak-ng that made the file


def make_arrays(voices: Iterable[str] = speech.VOICES) -> dict[str, np.ndarray]:
    """The arrays that the file holds, or those of some voices; data/speech.py describes them."""
    rows = [(log_mel(samples), digit, speech.VOICES.index(voice)) for voice, digit, samples in utterances(voices)]
    names = ("spectrograms", "labels", "voices")
    return {name: np.array(column, np.uint8) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def utterances(voices: Iterable[str]) -> Iterator[tuple[str, int, np.ndarray]]:
    """(voice, digit, samples): each voice says all digits in each manner."""
    for voice in voices:
        for pitch, speed in MANNERS:
            for digit in range(10):
                yield voice, digit, say(str(digit), voice, pitch, speed)


def say(text: str, voice: str, pitch: int, speed: int) -> np.ndarray:
    """What espeak-ng says, without the silence around it: samples in [-1, 1], 8,000 per second."""
    command = ["espeak-ng", "-v", voice, "-p", str(pitch), "-s", str(speed), "--stdout", text]
    spoken = subprocess.run(command, capture_output=True, check=True).stdout
    with wave.open(io.BytesIO(spoken)) as file:
        if (rate := file.getframerate()) != SPOKEN:
            raise ValueError(f"espeak-ng is expected to give {SPOKEN} samples per second, got {rate}")
        # All of them: to a pipe, the header has no true length.
        heard = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    samples = resample_poly(heard / 2**15, RATE, SPOKEN)
    loud = np.flatnonzero(np.abs(samples) > SILENCE * np.abs(samples).max())
    return samples[loud[0] : loud[-1] + 1]


def log_mel(samples: np.ndarray) -> np.ndarray:
    """Spectrogram (32, 40) uint8 of samples (n,): dB above a floor that lies 60 dB beneath its loudest.

    The lowest band comes first. A column is a window of 32 ms, 16 ms after the one before; those after the word are at
    the floor, and what comes after 0.66 s is cut off. (Of the words that ship, none is longer.)
    """
    padded = np.pad(samples, (0, max(0, WINDOW - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:FRAMES]  # (n, 256)
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW + 1)[:-1])) ** 2  # (n, 129)
    energy = np.zeros((BANDS, FRAMES))
    energy[:, : len(frames)] = filters() @ power.T
    level = 10 * np.log10(np.maximum(energy / energy.max(), 10 ** (-DECIBELS / 10)))  # dB, from -60 to 0
    return np.round(level + DECIBELS).astype(np.uint8)


def filters() -> np.ndarray:
    """The triangles, (32, 129): the weight of each frequency of the Fourier transform in each band."""
    edges = hertz(np.linspace(mel(LOWEST), mel(HIGHEST), BANDS + 2))  # (34,)
    low, middle, high = (edges[start : start + BANDS, None] for start in range(3))  # (32, 1)
    frequencies = np.linspace(0, RATE / 2, WINDOW // 2 + 1)
    rising, falling = (frequencies - low) / (middle - low), (high - frequencies) / (high - middle)
    return np.clip(np.minimum(rising, falling), 0, None)


def mel(frequency: float) -> float:
    """The mel scale in O'Shaughnessy's form, as in HTK: 1,000 mel are about 1,000 Hz."""
    return 2595 * np.log10(1 + frequency / 700)


def hertz(height: np.ndarray) -> np.ndarray:
    """The inverse of `mel`."""
    return 700 * (10 ** (height / 2595) - 1)


def main(path: Path = speech.FILE) -> None:
    """Write the file. Exits with a message if its content is not the recorded one."""
    write(path, make_arrays(), speech, f"the version of espeak-ng, which was {VERSION}")


if __name__ == "__main__":
    main()
