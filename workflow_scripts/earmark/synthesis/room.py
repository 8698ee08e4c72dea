"""The recording: room, microphone, background noise, level, and silence around the sound."""

import numpy as np
from scipy import signal as dsp

from earmark.synthesis import tones
from earmark.synthesis.tones import Signal

# Length of the filter that stands for microphone and equaliser, in samples.
COLOUR_TAPS = 2048
LOUDEST_DB, QUIETEST_DB = -1.0, -25.0


def impulse_response(rng: np.random.Generator, sample_rate: int) -> Signal:
    """Return a random room (n,): the direct sound, a few early echoes and a fading tail.

    High frequencies fade faster than low ones. The direct sound has the height 1.
    """
    decay = tones.log_between(rng, 0.015, 0.22)
    n = tones.length_of(min(1.0, 5 * decay), sample_rate)
    low = tones.smooth(rng.standard_normal(n), 1200, sample_rate)
    tail = 2 * low * tones.fall(n, decay, sample_rate)
    tail += 0.5 * rng.standard_normal(n) * tones.fall(n, decay * rng.uniform(0.3, 0.7), sample_rate)
    tail *= tones.log_between(rng, 0.002, 0.04)
    tail[0] = 1.0
    for delay in rng.uniform(0.001, 0.03, 5):
        tail[min(n - 1, int(delay * sample_rate))] += rng.uniform(-0.35, 0.35)
    return tail


def colour(rng: np.random.Generator, sample_rate: int) -> Signal:
    """Return the minimum-phase filter (COLOUR_TAPS,) of a random microphone and equaliser.

    A tilt over all octaves, three broad bumps, a low cut, and one time in seven a high cut as
    lossy coding or a cheap device makes it.
    """
    frequencies = np.fft.rfftfreq(COLOUR_TAPS, 1 / sample_rate)
    octaves = np.log2(np.maximum(frequencies, 20.0) / 1000.0)
    gain = rng.normal(0, 0.35) * octaves
    for centre in rng.uniform(-4, 4, 3):
        gain += rng.normal(0, 1.5) * np.exp(-(((octaves - centre) / rng.uniform(0.4, 1.2)) ** 2))
    low_cut = tones.log_between(rng, 20, 120)
    gain -= 10 * np.log10(1 + (low_cut / np.maximum(frequencies, 5.0)) ** 4)
    if tones.chance(rng, 0.15):
        high_cut = tones.log_between(rng, 6000, 16000)
        gain -= np.minimum(60, 10 * np.log10(1 + (frequencies / high_cut) ** 12))
    # The folded cepstrum of the gain has minimum phase: no ringing before the sound.
    cepstrum = np.fft.irfft(gain * np.log(10) / 20, COLOUR_TAPS)
    cepstrum[1 : COLOUR_TAPS // 2] *= 2
    cepstrum[COLOUR_TAPS // 2 + 1 :] = 0
    return np.asarray(np.fft.irfft(np.exp(np.fft.rfft(cepstrum)), COLOUR_TAPS))


def background(rng: np.random.Generator, n: int, sample_rate: int) -> Signal:
    """Return background noise (n,) with a root mean square of 1: hiss or rumble, at times hum."""
    noise = tones.coloured_noise(rng, n, rng.uniform(0.9, 1.5), sample_rate)
    if tones.chance(rng, 0.3):
        mains = np.full(n, rng.choice([50.0, 60.0]))
        hum = tones.harmonic_tone(mains, rng.uniform(0, 1, 8), sample_rate)
        noise += rng.uniform(0.2, 1.5) * tones.normalised(hum)
    if tones.chance(rng, 0.3):
        noise *= np.exp(0.4 * tones.wander(rng, n, 2.0, sample_rate))
    return tones.normalised(noise)


def record(rng: np.random.Generator, dry: Signal, n: int, sample_rate: int) -> Signal:
    """Record ``dry`` (m,), m <= n, somewhere within ``n`` samples; the peak is random.

    Room, colour, background noise 20 to 46 dB below the sound, now and then an overdriven
    input, and at last a peak of QUIETEST_DB to LOUDEST_DB.
    """
    start = int(rng.integers(0, n - len(dry) + 1))
    heard = dsp.fftconvolve(dry, impulse_response(rng, sample_rate))[: n - start]
    sound = np.zeros(n)
    sound[start : start + len(heard)] = heard
    loudness = float(np.sqrt(np.mean(heard**2)))
    ratio = rng.triangular(20, 38, 46)
    sound += loudness * 10 ** (-ratio / 20) * background(rng, n, sample_rate)
    sound = dsp.fftconvolve(sound, colour(rng, sample_rate))[:n]
    if tones.chance(rng, 0.1):
        sound = np.tanh(rng.uniform(1.0, 4.0) * tones.to_peak(sound))
    sound *= tones.swell(n, 0.002, 0.01, sample_rate)
    return tones.to_peak(sound, 10 ** (rng.triangular(QUIETEST_DB, LOUDEST_DB, LOUDEST_DB) / 20))
