"""Building blocks of the sound models: oscillators, modes, noise, filters, notes and rhythms.

Every signal is a float array of shape (n,) sampled at ``sample_rate`` Hz. Pitches are in Hz, times
and decays in seconds; a decay is the time constant of ``exp(-t / decay)``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft
from scipy import signal as dsp

Signal = npt.NDArray[np.float64]
Model = Callable[[np.random.Generator, float, int], Signal]

# Partials stop short of the Nyquist frequency: above it they would fold back.
HIGHEST_PARTIAL = 0.45


@dataclass(frozen=True)
class Note:
    """One note of a phrase: its onset and length in seconds, its pitch in Hz, its loudness."""

    start: float
    length: float
    pitch: float
    loudness: float = 1.0


def length_of(seconds: float, sample_rate: int) -> int:
    """Return how many samples ``seconds`` take; at least one."""
    return max(1, round(seconds * sample_rate))


def silence(seconds: float, sample_rate: int) -> Signal:
    """Return zeros of shape (n,) that last ``seconds``."""
    return np.zeros(length_of(seconds, sample_rate))


def log_between(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw from ``low`` to ``high``; on a log scale the middle is likeliest, the ends are rare."""
    share = float(rng.random(4).mean())
    return float(low * (high / low) ** share)


def chance(rng: np.random.Generator, probability: float) -> bool:
    """Return True with the given probability."""
    return bool(rng.random() < probability)


def place(out: Signal, sound: Signal, start: float, sample_rate: int, gain: float = 1.0) -> None:
    """Add ``sound`` to ``out`` (n,) from ``start`` seconds on; what runs over the end is lost."""
    first = round(start * sample_rate)
    room = min(len(sound), len(out) - first)
    if first >= 0 and room > 0:
        out[first : first + room] += gain * sound[:room]


def without_tail(sound: Signal, decibels: float = 40.0) -> Signal:
    """Cut the end of ``sound`` (n,) after its last sample within ``decibels`` of the peak."""
    heard = np.flatnonzero(np.abs(sound) > np.abs(sound).max() * 10 ** (-decibels / 20))
    return sound[: heard[-1] + 1] if len(heard) else sound


def to_peak(sound: Signal, peak: float = 1.0) -> Signal:
    """Remove the mean and scale ``sound`` (n,) so that its largest magnitude is ``peak``."""
    centred: Signal = sound - sound.mean()
    top = float(np.abs(centred).max())
    return centred * (peak / top) if top > 0 else centred


# --- Oscillators and modes -----------------------------------------------------------------------


def harmonic_tone(
    pitch: Signal,
    weights: npt.ArrayLike,
    sample_rate: int,
    damping: Signal | float = 1.0,
) -> Signal:
    """Add up harmonics of ``pitch`` (n,) Hz with ``weights`` (k,), the first for the fundamental.

    ``damping`` (n,) between 0 and 1 multiplies partial j by ``damping ** j``, so that a quieter
    moment of a blown or bowed note is also a duller one. Harmonics that would fold are left out.
    """
    amounts = np.asarray(weights, dtype=np.float64)
    fits = int(HIGHEST_PARTIAL * sample_rate / max(float(pitch.max()), 1.0))
    amounts = amounts[: max(1, fits)]
    turn = damping * np.exp(2j * np.pi / sample_rate * np.cumsum(pitch))
    # Horner's rule: sum of w_j z^j with one complex product for each harmonic.
    total = np.zeros(len(pitch), dtype=np.complex128)
    for amount in amounts[::-1]:
        total += amount
        total *= turn
    return np.ascontiguousarray(total.imag)


def pulse_train(pitch: Signal, sample_rate: int, top: float = 12000.0) -> Signal:
    """Return one band-limited pulse per period of ``pitch`` (n,) Hz, with harmonics to ``top`` Hz.

    The sum of equal cosines has a closed form (the Dirichlet kernel), which costs two sines.
    """
    top = min(top, HIGHEST_PARTIAL * sample_rate)
    harmonics = max(1, int(top / max(float(pitch.max()), 1.0)))
    angle = np.pi / sample_rate * np.cumsum(pitch)
    below = np.sin(angle)
    flat = np.abs(below) < 1e-6
    kernel = np.sin((2 * harmonics + 1) * angle) / np.where(flat, 1.0, below)
    kernel[flat] = 2 * harmonics + 1
    return np.asarray((kernel - 1.0) / (2 * harmonics))


def modes(
    seconds: float,
    pitches: npt.ArrayLike,
    decays: npt.ArrayLike,
    gains: npt.ArrayLike,
    sample_rate: int,
) -> Signal:
    """Let a struck body ring: decaying sines at ``pitches`` (k,) Hz, ``decays`` (k,) s, ``gains``.

    Each mode is the impulse response of a two-pole filter and stops where it is 70 dB down.
    """
    out = silence(seconds, sample_rate)
    frequencies, times, amounts = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(x, dtype=np.float64)) for x in (pitches, decays, gains))
    )
    for frequency, time, amount in zip(frequencies, times, amounts, strict=True):
        if frequency >= HIGHEST_PARTIAL * sample_rate or frequency <= 0:
            continue
        n = min(len(out), length_of(8.0 * time, sample_rate))
        impulse = np.zeros(n)
        impulse[0] = amount
        radius = np.exp(-1.0 / (time * sample_rate))
        angle = 2 * np.pi * frequency / sample_rate
        feedback = [1.0, -2 * radius * np.cos(angle), radius**2]
        out[:n] += dsp.lfilter([0.0, radius * np.sin(angle)], feedback, impulse)
    return out


# --- Noise ---------------------------------------------------------------------------------------


def noise_band(
    rng: np.random.Generator, n: int, low: float, high: float, sample_rate: int
) -> Signal:
    """Return white noise (n,) between ``low`` and ``high`` Hz, with a standard deviation of 1."""
    return normalised(band(rng.standard_normal(n), low, high, sample_rate))


def normalised(sound: Signal) -> Signal:
    """Scale ``sound`` (n,) to a root mean square of 1; silence stays silence."""
    level = float(np.sqrt(np.mean(sound**2)))
    return sound / level if level > 0 else sound


def coloured_noise(rng: np.random.Generator, n: int, slope: float, sample_rate: int) -> Signal:
    """Return noise (n,) whose power falls as ``frequency ** -slope`` above 30 Hz; RMS of 1."""
    size = fft.next_fast_len(n, real=True)  # lengths with large prime factors are slow
    spectrum = np.fft.rfft(rng.standard_normal(size))
    frequencies = np.fft.rfftfreq(size, 1 / sample_rate)
    spectrum *= np.maximum(frequencies, 30.0) ** (-slope / 2)
    spectrum[0] = 0
    return normalised(np.fft.irfft(spectrum, size)[:n])


def wander(rng: np.random.Generator, n: int, rate: float, sample_rate: int) -> Signal:
    """Return a slow random line (n,) with about ``rate`` new values a second, each from N(0, 1)."""
    knots = max(2, int(np.ceil(n * rate / sample_rate)) + 1)
    return np.interp(np.linspace(0, knots - 1, n), np.arange(knots), rng.standard_normal(knots))


def click(rng: np.random.Generator, seconds: float, decay: float, sample_rate: int) -> Signal:
    """Return a burst of white noise that starts at once and dies away with ``decay`` seconds."""
    n = length_of(seconds, sample_rate)
    return rng.standard_normal(n) * fall(n, decay, sample_rate)


# --- Filters -------------------------------------------------------------------------------------


def band(sound: Signal, low: float, high: float, sample_rate: int, order: int = 2) -> Signal:
    """Keep what lies between ``low`` and ``high`` Hz; a bound outside the spectrum is dropped."""
    top = 0.49 * sample_rate
    if low > 0:
        edges = dsp.butter(order, min(low, 0.9 * top), "highpass", fs=sample_rate, output="sos")
        sound = dsp.sosfilt(edges, sound)
    if high < top:
        edges = dsp.butter(order, high, "lowpass", fs=sample_rate, output="sos")
        sound = dsp.sosfilt(edges, sound)
    return np.asarray(sound)


def resonator(sound: Signal, centre: float, width: float, sample_rate: int) -> Signal:
    """Pass ``sound`` (n,) through one resonance at ``centre`` Hz, ``width`` Hz wide, gain 1."""
    centre = min(centre, 0.48 * sample_rate)
    radius = np.exp(-np.pi * width / sample_rate)
    gain = (1 - radius**2) / 2
    feedback = [1.0, -2 * radius * np.cos(2 * np.pi * centre / sample_rate), radius**2]
    return np.asarray(dsp.lfilter([gain, 0.0, -gain], feedback, sound))


def formants(
    sound: Signal,
    centres: Sequence[float],
    sample_rate: int,
    gains: Sequence[float] = (1.0, 0.6, 0.3, 0.15, 0.08),
    sharpness: float = 9.0,
) -> Signal:
    """Sum parallel resonances at ``centres`` Hz; ``sharpness`` is the centre over the width."""
    out = np.zeros_like(sound)
    for centre, gain in zip(centres, gains, strict=False):
        out += gain * resonator(sound, centre, 40.0 + centre / sharpness, sample_rate)
    return out


def morph(
    sound: Signal, vowels: Sequence[Sequence[float]], sample_rate: int, sharpness: float = 9.0
) -> Signal:
    """Move from vowel to vowel, evenly in time, by fading between the filtered versions."""
    if len(vowels) == 1:
        return formants(sound, vowels[0], sample_rate, sharpness=sharpness)
    position = np.linspace(0, len(vowels) - 1, len(sound))
    out = np.zeros_like(sound)
    for number, centres in enumerate(vowels):
        share = np.clip(1 - np.abs(position - number), 0, 1)
        out += share * formants(sound, centres, sample_rate, sharpness=sharpness)
    return out


def smooth(sound: Signal, cutoff: float, sample_rate: int) -> Signal:
    """Low-pass ``sound`` (n,) with one pole at ``cutoff`` Hz: 6 dB per octave above it."""
    pole = float(np.exp(-2 * np.pi * cutoff / sample_rate))
    return np.asarray(dsp.lfilter([1 - pole], [1.0, -pole], sound))


# --- Envelopes and contours ----------------------------------------------------------------------


def fall(n: int, decay: float, sample_rate: int) -> Signal:
    """Return ``exp(-t / decay)`` for n samples."""
    return np.exp(-np.arange(n) / (decay * sample_rate))


def swell(n: int, attack: float, release: float, sample_rate: int) -> Signal:
    """Return an envelope (n,) that rises in ``attack`` s, stays at 1, and ends in ``release`` s."""
    rise = min(max(1, round(attack * sample_rate)), max(1, n // 2))
    end = min(max(1, round(release * sample_rate)), max(1, n // 2))
    out = np.ones(n)
    out[:rise] = np.sin(np.linspace(0, np.pi / 2, rise, endpoint=False)) ** 2
    out[n - end :] *= np.cos(np.linspace(0, np.pi / 2, end)) ** 2
    return out


def contour(n: int, values: Sequence[float] | Signal) -> Signal:
    """Return (n,) values that pass evenly spaced through ``values``, in straight log steps."""
    knots = np.linspace(0, 1, len(values))
    return np.exp(np.interp(np.linspace(0, 1, n), knots, np.log(values)))


def vibrato(
    rng: np.random.Generator, n: int, rate: float, cents: float, sample_rate: int
) -> Signal:
    """Return factors (n,) around 1 that swing by ``cents`` at ``rate`` Hz, and drift a little.

    The swing sets in over the first 0.3 seconds, as players do.
    """
    time = np.arange(n) / sample_rate
    swing = np.sin(2 * np.pi * (rate * time + rng.random())) * np.minimum(time / 0.3, 1)
    return np.exp2((cents * swing + 4 * wander(rng, n, 6.0, sample_rate)) / 1200)


# --- Notes and rhythms ---------------------------------------------------------------------------


def hertz(midi: float) -> float:
    """Return the pitch in Hz of a MIDI note number (69 is 440 Hz)."""
    return float(440.0 * 2 ** ((midi - 69) / 12))


def phrase(
    rng: np.random.Generator,
    seconds: float,
    lowest: float,
    highest: float,
    beats: tuple[float, float] = (0.13, 0.8),
    single: float = 0.4,
) -> list[Note]:
    """Draw one long note (with the chance ``single``), or a run, a repetition or a tune.

    Pitches lie between the MIDI numbers ``lowest`` and ``highest``; ``beats`` bound the time
    between two notes in seconds.
    """
    detune = rng.normal(0, 0.2)
    midi = float(round(lowest + (highest - lowest) * rng.random(3).mean()))
    if chance(rng, single) or seconds < 1.5 * beats[0]:
        return [Note(0.0, seconds, hertz(midi + detune))]
    beat = log_between(rng, *beats)
    scale = rng.choice([0, 2, 1], p=[0.25, 0.55, 0.2])  # repeats, diatonic steps, chromatic run
    direction = rng.choice([-1, 1])
    legato = rng.uniform(0.55, 1.1)
    notes: list[Note] = []
    start = 0.0
    while start < seconds - 0.05 and len(notes) < 60:
        gap = beat * rng.choice([1.0, 1.0, 2.0, 0.5])
        length = min(gap * legato, seconds - start)
        notes.append(Note(start, length, hertz(midi + detune), rng.uniform(0.6, 1.0)))
        start += gap
        if scale == 2:
            midi += rng.choice([-4, -2, -1, 2, 3, 5, 7, -5, -7])
        elif scale == 1:
            midi += direction * rng.choice([1, 2])
        if not lowest <= midi <= highest:
            direction = -direction
            midi = float(np.clip(midi, lowest, highest))
    return notes


def hit_times(
    rng: np.random.Generator,
    seconds: float,
    gaps: tuple[float, float],
    single: float = 0.35,
    jitter: float = 0.03,
    most: int = 400,
) -> list[float]:
    """Draw the onsets (seconds) of one blow, or of several about one gap from ``gaps`` apart.

    ``jitter`` is the standard deviation of each gap as a share of it; the first blow is at 0.
    """
    if chance(rng, single):
        return [0.0]
    gap = log_between(rng, *gaps)
    count = min(most, int(seconds / gap) + 1)
    steps = gap * np.clip(1 + jitter * rng.standard_normal(count), 0.25, 4.0)
    times = np.concatenate([[0.0], np.cumsum(steps)])[:count]
    return [float(time) for time in times if time < max(seconds - 0.04, 0.01)]
