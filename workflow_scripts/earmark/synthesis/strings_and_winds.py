"""Sound models of plucked and bowed strings, reeds, flute, brass and harmonica."""

from collections.abc import Callable

import numpy as np

from earmark.synthesis import tones
from earmark.synthesis.tones import Note, Signal

Voice = Callable[[Note], Signal]


def play(notes: list[Note], voice: Voice, seconds: float, sample_rate: int) -> Signal:
    """Play ``notes`` with ``voice`` (note -> signal) into one array of ``seconds``."""
    out = tones.silence(seconds, sample_rate)
    for note in notes:
        tones.place(out, voice(note), note.start, sample_rate, note.loudness)
    return out


def pluck(
    rng: np.random.Generator,
    note: Note,
    sample_rate: int,
    *,
    decay: float,
    brightness: float,
    stiffness: float = 5e-5,
) -> Signal:
    """Pluck one string: stretched partials, the higher the shorter, with gaps where it was plucked.

    ``decay`` (s) is that of the fundamental; ``brightness`` is the partial up to which there is
    much energy.
    """
    numbers = np.arange(1, min(45, int(9000 / note.pitch)) + 1)
    pitches = note.pitch * numbers * np.sqrt(1 + stiffness * numbers**2)
    position = rng.uniform(0.08, 0.4)
    gains = np.abs(np.sin(np.pi * numbers * position)) / numbers
    gains *= np.exp(-numbers / brightness) * rng.uniform(0.6, 1.4, len(numbers))
    decays = decay / (1 + (numbers / brightness) ** 1.2)
    return tones.modes(note.length, pitches, decays, gains, sample_rate)


def bow(
    rng: np.random.Generator, note: Note, sample_rate: int, *, attack: float, cents: float
) -> Signal:
    """Bow one string: a saw of many harmonics with vibrato, an unsteady level and some hiss."""
    n = tones.length_of(note.length, sample_rate)
    pitch = note.pitch * tones.vibrato(rng, n, rng.uniform(4.5, 7), cents, sample_rate)
    numbers = np.arange(1, min(60, int(13000 / note.pitch)) + 1)
    weights = np.abs(np.sin(np.pi * numbers * rng.uniform(0.08, 0.15))) / numbers**0.9
    level = tones.swell(n, attack, min(0.12, 0.3 * note.length), sample_rate)
    level *= 1 + 0.15 * tones.wander(rng, n, 12, sample_rate)
    damping = np.clip(0.93 + 0.07 * level, 0, 1)
    sound = tones.harmonic_tone(pitch, weights, sample_rate, damping)
    hiss = tones.noise_band(rng, n, 1500, 9000, sample_rate)
    return level * (sound + rng.uniform(0.005, 0.06) * hiss)


def body(sound: Signal, centres: tuple[float, ...], size: float, sample_rate: int) -> Signal:
    """Colour ``sound`` with the resonances (Hz) of an instrument's body, scaled by ``size``."""
    out = 0.4 * sound
    for centre in centres:
        out += tones.resonator(sound, centre * size, 0.15 * centre, sample_rate)
    return out


def acoustic_guitar(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """Steel or nylon strings: single notes, picked lines, arpeggios and strummed chords."""
    brightness = tones.log_between(rng, 4, 22)
    decay = rng.uniform(0.5, 2.2)
    if tones.chance(rng, 0.35):
        root = rng.integers(40, 53)
        chord = [0, 7, 12, rng.choice([15, 16]), 19, 24][: rng.integers(3, 7)]
        spread = tones.log_between(rng, 0.006, 0.2)
        notes = []
        for start in tones.hit_times(rng, seconds, (0.25, 1.2), single=0.5):
            order = chord if tones.chance(rng, 0.6) else chord[::-1]
            for place, step in enumerate(order):
                when = start + place * spread
                if when < seconds - 0.02:
                    notes.append(Note(when, seconds - when, tones.hertz(root + step)))
        notes = notes[:40]
    else:
        notes = tones.phrase(rng, seconds, 40, 74, single=0.35)
    dry = play(
        [Note(x.start, min(2.0, seconds - x.start), x.pitch, x.loudness) for x in notes],
        lambda note: pluck(rng, note, sample_rate, decay=decay, brightness=brightness),
        seconds,
        sample_rate,
    )
    for note in notes:
        pick = tones.click(rng, 0.02, 0.003, sample_rate)
        tones.place(dry, pick, note.start, sample_rate, rng.uniform(0.005, 0.06))
    return tones.to_peak(body(dry, (100, 200, 420), rng.uniform(0.85, 1.15), sample_rate))


def cello(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """A bowed low string with body resonances; seldom plucked."""
    return string_instrument(
        rng, seconds, sample_rate, (36, 64), (110, 190, 430, 900, 2200), plucked=0.08
    )


def double_bass(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """A plucked or bowed very low string: walking lines and long notes."""
    return string_instrument(rng, seconds, sample_rate, (28, 50), (65, 110, 240, 600), plucked=0.75)


def violin_or_fiddle(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """A bowed high string: long notes with vibrato, fast fiddling, tremolo; seldom plucked."""
    return string_instrument(
        rng, seconds, sample_rate, (57, 91), (280, 460, 1000, 2600, 3600), plucked=0.06
    )


def string_instrument(
    rng: np.random.Generator,
    seconds: float,
    sample_rate: int,
    register: tuple[int, int],
    resonances: tuple[float, ...],
    plucked: float,
) -> Signal:
    """Play a phrase on a violin-like instrument, plucked with the chance ``plucked``."""
    beats = (0.12, 0.9)
    notes = tones.phrase(rng, seconds, *register, beats=beats, single=0.45)
    if tones.chance(rng, plucked):
        decay = rng.uniform(0.15, 0.5) * (register[1] / 90) ** -2
        brightness = tones.log_between(rng, 3, 9)
        notes = [Note(x.start, seconds - x.start, x.pitch, x.loudness) for x in notes]
        dry = play(
            notes,
            lambda note: pluck(rng, note, sample_rate, decay=decay, brightness=brightness),
            seconds,
            sample_rate,
        )
    else:
        attack = tones.log_between(rng, 0.015, 0.2)
        cents = rng.choice([0.0, 12.0, 25.0, 40.0])
        dry = play(
            notes,
            lambda note: bow(rng, note, sample_rate, attack=attack, cents=cents),
            seconds,
            sample_rate,
        )
        if tones.chance(rng, 0.15):  # tremolo: the bow turns round many times a second
            turns = np.sin(np.pi * rng.uniform(6, 12) * np.arange(len(dry)) / sample_rate)
            dry = dry * np.abs(turns) ** 0.6
    return tones.to_peak(body(dry, resonances, rng.uniform(0.9, 1.12), sample_rate))


def blow(
    rng: np.random.Generator,
    note: Note,
    sample_rate: int,
    weights: Signal,
    *,
    attack: float,
    cents: float = 0.0,
    shade: float = 0.1,
    breath: float = 0.02,
    scoop: float = 0.0,
) -> Signal:
    """Blow one note with harmonic ``weights`` (k,); quieter moments are duller by ``shade``.

    ``breath`` is the share of noise, ``scoop`` how far below its pitch (semitones) the note starts.
    """
    n = tones.length_of(note.length, sample_rate)
    time = np.arange(n) / sample_rate
    pitch = note.pitch * tones.vibrato(rng, n, rng.uniform(4.2, 6.5), cents, sample_rate)
    pitch *= np.exp2(-scoop / 12 * np.exp(-time / 0.05))
    level = tones.swell(n, attack, min(0.1, 0.3 * note.length), sample_rate)
    level *= np.clip(1 + 0.12 * tones.wander(rng, n, 4, sample_rate), 0.3, 1.3)
    sound = tones.harmonic_tone(
        pitch, weights, sample_rate, np.clip(1 - shade * (1.1 - level), 0, 1)
    )
    air = tones.noise_band(rng, n, note.pitch * 0.8, min(note.pitch * 6, 9000), sample_rate)
    air *= breath * (0.4 + np.exp(-time / 0.06))
    return level * (tones.normalised(sound) + air)


def wind(
    rng: np.random.Generator,
    seconds: float,
    sample_rate: int,
    register: tuple[int, int],
    weights: Signal,
    **manner: float,
) -> Signal:
    """Play a phrase on a wind instrument; ``manner`` holds the options of ``blow``."""
    coloured = weights * np.exp(rng.normal(0, 0.15, len(weights)))
    notes = tones.phrase(rng, seconds, *register)
    return play(
        notes,
        lambda note: blow(rng, note, sample_rate, coloured, **manner),
        seconds,
        sample_rate,
    )


def harmonic_slope(count: int, power: float) -> Signal:
    """Return weights (count,) that fall as ``number ** -power``."""
    return np.arange(1, count + 1, dtype=np.float64) ** -power


def clarinet(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """A closed pipe: odd harmonics lead, the even ones come up with the register; no vibrato."""
    weights = harmonic_slope(24, rng.uniform(0.9, 1.5))
    weights[1::2] *= tones.log_between(rng, 0.03, 0.2)
    sound = wind(
        rng,
        seconds,
        sample_rate,
        (50, 80),
        weights,
        attack=tones.log_between(rng, 0.015, 0.08),
        breath=tones.log_between(rng, 0.01, 0.08),
        cents=rng.choice([0.0, 0.0, 8.0]),
    )
    return tones.to_peak(sound)


def flute(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """A strong fundamental, few harmonics, audible breath, and a vibrato of pitch and level."""
    weights = harmonic_slope(9, rng.uniform(1.2, 2.4))
    weights[1] *= rng.uniform(0.5, 2.5)
    sound = wind(
        rng,
        seconds,
        sample_rate,
        (62, 92),
        weights,
        attack=tones.log_between(rng, 0.02, 0.12),
        cents=rng.choice([0.0, 12.0, 25.0]),
        breath=tones.log_between(rng, 0.05, 0.5),
        shade=0.2,
    )
    time = np.arange(len(sound)) / sample_rate
    depth = rng.uniform(0.0, 0.35)
    return tones.to_peak(sound * (1 + depth * np.sin(2 * np.pi * rng.uniform(4, 6) * time)))


def oboe(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """A double reed: a weak fundamental under the fixed formants near 1.1 and 2.9 kHz."""
    sound = wind(
        rng,
        seconds,
        sample_rate,
        (60, 86),
        harmonic_slope(26, rng.uniform(0.2, 0.7)),
        attack=tones.log_between(rng, 0.015, 0.07),
        cents=rng.choice([0.0, 15.0, 30.0]),
        breath=tones.log_between(rng, 0.01, 0.05),
        shade=0.06,
    )
    size = rng.uniform(0.88, 1.14)
    shaped = tones.formants(
        sound, (1100 * size, 2900 * size, 5200 * size), sample_rate, sharpness=3
    )
    return tones.to_peak(0.12 * sound + shaped)


def saxophone(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """A conical reed: full harmonics, breath, scooped notes, vibrato and sometimes a growl."""
    register = [(40, 66), (45, 73), (48, 77)][rng.integers(3)]
    sound = wind(
        rng,
        seconds,
        sample_rate,
        register,
        harmonic_slope(32, rng.uniform(0.7, 1.2)),
        attack=tones.log_between(rng, 0.02, 0.1),
        cents=rng.choice([0.0, 20.0, 45.0]),
        breath=tones.log_between(rng, 0.03, 0.25),
        scoop=rng.choice([0.0, 0.5, 1.5]),
        shade=0.12,
    )
    if tones.chance(rng, 0.25):
        time = np.arange(len(sound)) / sample_rate
        sound = sound * (1 + 0.6 * np.sin(2 * np.pi * rng.uniform(60, 120) * time))
    size = rng.uniform(0.85, 1.2)
    shaped = tones.formants(sound, (520 * size, 1350 * size, 2400 * size), sample_rate, sharpness=2)
    return tones.to_peak(0.3 * sound + shaped)


def trumpet(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """Brass: the louder the brighter, so that the attack opens from dull to brilliant."""
    muted = tones.chance(rng, 0.12)
    sound = wind(
        rng,
        seconds,
        sample_rate,
        (55, 80),
        harmonic_slope(30, rng.uniform(0.3, 0.8)),
        attack=tones.log_between(rng, 0.02, 0.09),
        cents=rng.choice([0.0, 0.0, 20.0, 40.0]),
        breath=tones.log_between(rng, 0.005, 0.05),
        scoop=rng.choice([0.0, 0.3]),
        shade=rng.uniform(0.2, 0.35),
    )
    if muted:  # a mute is a high-pass with a nasal resonance
        sound = tones.band(sound, 900, 9000, sample_rate)
        sound = sound + 2 * tones.resonator(sound, rng.uniform(1500, 2500), 500, sample_rate)
    return tones.to_peak(sound)


def harmonica(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """Free reeds: bright beating pairs in chords, opened and closed by the player's hand."""
    chord = [[0, 4], [0, 4, 7], [0, 3, 7], [0, 4, 7, 12], [0, 12]][rng.integers(5)]
    notes = tones.phrase(rng, seconds, 62, 82, beats=(0.12, 0.5), single=0.2)
    weights = harmonic_slope(26, rng.uniform(0.35, 0.8)) * np.exp(rng.normal(0, 0.2, 26))
    bend = rng.choice([0.0, 0.0, 1.0])
    beating = rng.uniform(0.0, 0.012)
    attack = tones.log_between(rng, 0.01, 0.05)
    out = tones.silence(seconds, sample_rate)
    for note in notes:
        for step in chord:
            pitch = note.pitch * 2 ** (step / 12) * (1 + beating * rng.standard_normal())
            reed = Note(note.start, note.length, pitch)
            sound = blow(
                rng, reed, sample_rate, weights, attack=attack, breath=0.06, scoop=bend, shade=0.1
            )
            tones.place(out, sound, note.start, sample_rate, note.loudness)
    time = np.arange(len(out)) / sample_rate
    hand = 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(2, 7) * time)
    open_hand = rng.uniform(0.0, 0.8) * hand
    return tones.to_peak(out * (1 - open_hand) + tones.smooth(out, 1200, sample_rate) * open_hand)
