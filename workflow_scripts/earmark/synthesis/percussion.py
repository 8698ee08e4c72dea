"""Sound models of drums, struck metal, bells, jingles and the electric piano."""

import numpy as np

from earmark.synthesis import tones
from earmark.synthesis.tones import Signal

# Partials of a free bar (glockenspiel), of a tubular or church bell, over the lowest one.
BAR = (1.0, 2.756, 5.404, 8.933)
TUBE = (1.0, 1.5, 2.0, 2.65, 3.3, 4.05, 5.0, 6.3)


def bass_drum(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """A skin whose pitch falls from the blow on, with a beater click; single or in a beat."""
    pitch = tones.log_between(rng, 38, 85)
    sweep = rng.uniform(0.3, 3.5)
    glide = tones.log_between(rng, 0.01, 0.06)
    decay = tones.log_between(rng, 0.06, 0.5)
    beater = tones.log_between(rng, 0.02, 0.6)
    tone = tones.log_between(rng, 500, 7000)
    out = tones.silence(seconds, sample_rate)
    n = tones.length_of(min(seconds, 6 * decay), sample_rate)
    time = np.arange(n) / sample_rate
    for start in tones.hit_times(rng, seconds, (0.22, 0.9), single=0.45):
        skin = tones.harmonic_tone(
            pitch * (1 + sweep * np.exp(-time / glide)), [1, 0.15, 0.05], sample_rate
        )
        skin *= tones.fall(n, decay, sample_rate)
        knock = tones.click(rng, 0.05, 0.006, sample_rate)
        skin[: len(knock)] += beater * tones.smooth(knock, tone, sample_rate)[:n]
        tones.place(out, skin, start, sample_rate, rng.uniform(0.6, 1))
    return tones.to_peak(out)


def snare_drum(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """Two or three skin modes and rattling wires; strokes, flams, grooves and rolls."""
    pitch = tones.log_between(rng, 140, 300)
    wires = tones.log_between(rng, 0.04, 0.25)
    amount = tones.log_between(rng, 0.15, 0.8)
    low, high = tones.log_between(rng, 300, 2500), tones.log_between(rng, 6000, 16000)
    roll = tones.chance(rng, 0.25)
    gaps = (0.045, 0.09) if roll else (0.15, 0.7)
    out = tones.silence(seconds, sample_rate)
    times = tones.hit_times(rng, seconds, gaps, single=0.0 if roll else 0.45, jitter=0.08)
    ring = rng.uniform(0.03, 0.1)
    for start in times:
        skin = tones.modes(
            0.5, pitch * np.array([1, 1.6, 2.2]), ring * np.array([1, 0.7, 0.5]), 1, sample_rate
        )
        rattle = tones.click(rng, min(0.6, 5 * wires), wires, sample_rate)
        rattle = tones.band(rattle, low, high, sample_rate)
        level = rng.uniform(0.4, 1)
        tones.place(out, skin, start, sample_rate, level)
        tones.place(out, amount * rattle, start, sample_rate, level)
        if not roll and tones.chance(rng, 0.15):
            tones.place(out, 0.5 * rattle, start + 0.03, sample_rate, level)
    return tones.to_peak(out)


def hi_hat(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """Two cymbals: dense high modes and hiss, closed (short) or open (long), often in a beat."""
    base = tones.log_between(rng, 300, 600)
    pitches = base * np.array([2, 3.04, 4.16, 5.43, 6.79, 8.21]) * rng.uniform(0.9, 1.1, 6)
    closed, opened = tones.log_between(rng, 0.015, 0.07), tones.log_between(rng, 0.2, 0.7)
    low = tones.log_between(rng, 2500, 8000)
    n = tones.length_of(min(seconds, 5 * opened), sample_rate)
    metal = sum(
        tones.harmonic_tone(np.full(n, pitch), [1, 0, 0.33, 0, 0.2], sample_rate)
        for pitch in pitches
    )
    plain = rng.uniform(0.05, 0.4) * metal + rng.standard_normal(n)
    hiss = tones.band(plain, low, tones.log_between(rng, 11000, 20000), sample_rate)
    open_share = rng.choice([0.0, 0.25, 1.0], p=[0.45, 0.3, 0.25])
    out = tones.silence(seconds, sample_rate)
    for start in tones.hit_times(rng, seconds, (0.1, 0.6), single=0.35):
        decay = opened if tones.chance(rng, open_share) else closed
        tones.place(
            out, hiss * tones.fall(n, decay, sample_rate), start, sample_rate, rng.uniform(0.3, 1)
        )
    return tones.to_peak(out)


def tambourine(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """Pairs of jingles that clatter for a moment after each stroke or shake; sometimes a skin."""
    jingles = tones.log_between(rng, 3500, 7500) * rng.uniform(0.8, 1.7, 8)
    decays = tones.log_between(rng, 0.02, 0.12) * rng.uniform(0.6, 1.5, 8)
    shaken = tones.chance(rng, 0.4)
    skin = tones.log_between(rng, 150, 400) if not shaken and tones.chance(rng, 0.5) else 0.0
    bank = [
        tones.modes(0.25, jingle * np.array([1, 1.43, 2.05]), decay, [1, 0.7, 0.5], sample_rate)
        for jingle, decay in zip(jingles, decays, strict=True)
    ]
    gaps = (0.09, 0.2) if shaken else (0.2, 0.8)
    out = tones.silence(seconds, sample_rate)
    for start in tones.hit_times(rng, seconds, gaps, single=0.1 if shaken else 0.35, jitter=0.06):
        level = rng.uniform(0.4, 1)
        clatter = tones.log_between(rng, 0.012, 0.06)
        for _ in range(rng.integers(8, 24)):
            sound = bank[rng.integers(len(bank))]
            delay = rng.exponential(clatter)
            tones.place(
                out, sound, start + delay, sample_rate, level * np.exp(-delay / 0.08) * rng.random()
            )
        if skin:
            tones.place(out, tones.modes(0.2, skin, 0.04, 3, sample_rate), start, sample_rate)
    return tones.to_peak(out)


def cowbell(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """A dull clank of two strong modes about a fifth apart; in a beat, or on a grazing animal."""
    pitch = tones.log_between(rng, 380, 1100)
    numbers = np.array([1, rng.uniform(1.42, 1.56), 2.3, 3.1, 3.9, 5.2]) * rng.normal(1, 0.02, 6)
    decay = tones.log_between(rng, 0.04, 0.35)
    gains = np.array([1, 0.9, 0.4, 0.4, 0.3, 0.2]) * rng.uniform(0.5, 1.5, 6)
    grazing = tones.chance(rng, 0.3)
    times = tones.hit_times(
        rng, seconds, (0.15, 0.7), single=0.3 * (not grazing), jitter=0.4 if grazing else 0.03
    )
    out = tones.silence(seconds, sample_rate)
    for start in times:
        struck = tones.modes(
            min(1.5, seconds),
            pitch * numbers,
            decay / numbers**0.7,
            gains * rng.uniform(0.7, 1.3, 6),
            sample_rate,
        )
        tones.place(out, struck, start, sample_rate, rng.uniform(0.4, 1))
        stick = tones.click(rng, 0.02, 0.002, sample_rate)
        tones.place(out, stick, start, sample_rate, rng.uniform(0.02, 0.2))
    return tones.to_peak(out)


def glockenspiel(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """Small steel bars: a pure high note with the inharmonic partials of a free bar."""
    notes = tones.phrase(rng, seconds, 77, 106, beats=(0.1, 0.6), single=0.4)
    decay = tones.log_between(rng, 0.25, 1.4)
    hardness = rng.uniform(0.2, 1.0)
    out = tones.silence(seconds, sample_rate)
    for note in notes:
        gains = np.array([1, 0.5 * hardness, 0.3 * hardness, 0.15 * hardness])
        bar = tones.modes(
            seconds - note.start,
            note.pitch * np.array(BAR),
            decay * (1000 / note.pitch) ** 0.5 / np.array([1, 3, 7, 12]),
            gains,
            sample_rate,
        )
        tones.place(out, bar, note.start, sample_rate, note.loudness)
        mallet = tones.click(rng, 0.02, 0.002, sample_rate)
        tones.place(out, mallet, note.start, sample_rate, 0.1 * hardness)
    return tones.to_peak(out)


def chime(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """Bell tubes that ring into each other: wind chimes at random, a sweep, or a door bell."""
    kind = rng.choice(["wind", "sweep", "door"], p=[0.5, 0.25, 0.25])
    lowest = (
        tones.log_between(rng, 250, 900) if kind == "door" else tones.log_between(rng, 500, 2500)
    )
    count = 2 if kind == "door" else int(rng.integers(5, 12))
    steps = np.sort(rng.uniform(0, 14 if kind == "sweep" else 10, count))
    tubes = lowest * 2 ** (steps[::-1] / 12)
    if kind == "wind":
        starts = np.cumsum(rng.exponential(tones.log_between(rng, 0.06, 0.4), 40))
        order = rng.integers(0, count, 40)
        starts[0] = 0.0
    else:
        gap = rng.uniform(*((0.35, 0.8) if kind == "door" else (0.03, 0.12)))
        starts = np.arange(count, dtype=np.float64) * gap
        order = np.arange(count)
    decay = tones.log_between(rng, 0.3, 1.6)
    numbers = np.array(TUBE) * rng.normal(1, 0.02, len(TUBE))
    gains = rng.uniform(0.1, 1, len(TUBE)) / numbers ** rng.uniform(0.2, 1.2)
    out = tones.silence(seconds, sample_rate)
    for start, tube in zip(starts, order, strict=True):
        if start < seconds:
            ring = tones.modes(
                min(3.0, seconds - start),
                tubes[tube] * numbers,
                decay / numbers**0.8,
                gains,
                sample_rate,
            )
            tones.place(out, ring, start, sample_rate, rng.uniform(0.2, 1))
    return tones.to_peak(out)


def gong(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """A large plate: low beating modes at once, a shimmer of high ones that blooms later."""
    base = tones.log_between(rng, 55, 320)
    count = 26
    numbers = np.sort(np.concatenate([[1.0], rng.uniform(1.2, 14, count - 1)]))
    decay = tones.log_between(rng, 0.6, 3.0)
    gains = rng.uniform(0.3, 1, count) / numbers ** rng.uniform(0.4, 1.1)
    out = tones.silence(seconds, sample_rate)
    for start in tones.hit_times(rng, seconds, (0.6, 2.0), single=0.75, most=5):
        struck = tones.modes(
            seconds, base * numbers, decay / numbers ** rng.uniform(0.2, 0.5), gains, sample_rate
        )
        n = len(struck)
        bloom = 1 - np.exp(-np.arange(n) / sample_rate / tones.log_between(rng, 0.02, 0.3))
        shimmer = tones.noise_band(rng, n, base * 8, base * 40, sample_rate)
        shimmer *= bloom * tones.fall(n, 0.4 * decay, sample_rate)
        mallet = tones.smooth(tones.click(rng, 0.1, 0.02, sample_rate), 400, sample_rate)
        tones.place(out, struck, start, sample_rate)
        tones.place(out, shimmer, start, sample_rate, rng.uniform(0.05, 0.4))
        tones.place(out, mallet, start, sample_rate, 2.0)
    return tones.to_peak(out)


def electric_piano(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """Tines by frequency modulation: a bell over a round tone, in chords, with tremolo."""
    chord = [[0], [0, 7], [0, 4, 7], [0, 3, 7, 10], [0, 4, 11]][rng.integers(5)]
    notes = tones.phrase(rng, seconds, 50, 70 if len(chord) > 1 else 78, single=0.35)
    bite, bell = rng.uniform(0.5, 1.8), rng.uniform(0.2, 0.7)
    decay = tones.log_between(rng, 0.7, 2.0)
    ratio = rng.choice([7.0, 11.0, 14.0])
    out = tones.silence(seconds, sample_rate)
    for note in notes:
        n = tones.length_of(min(note.length * 1.2, seconds - note.start), sample_rate)
        time = np.arange(n) / sample_rate
        level = np.exp(-time / decay) * tones.swell(n, 0.002, 0.04, sample_rate)
        for step in chord:
            turn = 2 * np.pi * note.pitch * 2 ** (step / 12) * time
            growl = bite * np.exp(-time / (0.5 * decay)) * np.sin(turn)
            tine = bell * np.exp(-time / 0.08) * np.sin(ratio * turn)
            tones.place(
                out, level * np.sin(turn + growl + tine), note.start, sample_rate, note.loudness
            )
    depth = rng.uniform(0.2, 0.7)
    time = np.arange(len(out)) / sample_rate
    tremolo = 1 - depth * (0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(3, 7) * time))
    return tones.to_peak(out * tremolo)
