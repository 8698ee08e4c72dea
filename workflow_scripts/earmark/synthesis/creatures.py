"""Sound models of people and animals: voices by formants, hands, squeaks and torn paper."""

import numpy as np

from earmark.synthesis import tones
from earmark.synthesis.tones import Signal

# Formants (Hz) of an adult man; other voices scale them.
VOWELS = {
    "a": (730.0, 1090.0, 2440.0, 3400.0),
    "e": (530.0, 1840.0, 2480.0, 3500.0),
    "i": (270.0, 2290.0, 3010.0, 3700.0),
    "o": (570.0, 840.0, 2410.0, 3300.0),
    "u": (300.0, 870.0, 2240.0, 3200.0),
    "h": (600.0, 1400.0, 2500.0, 3600.0),
}


def tract(vowel: str, scale: float) -> list[float]:
    """Return the formants (Hz) of ``vowel`` for a vocal tract shorter by the factor ``scale``."""
    return [scale * centre for centre in VOWELS[vowel]]


def voice(
    rng: np.random.Generator,
    pitch: Signal,
    sample_rate: int,
    *,
    tilt: float,
    breath: float,
    roughness: float = 0.01,
) -> Signal:
    """Return the source of a voice with ``pitch`` (n,) Hz: dull pulses (``tilt`` Hz) and breath.

    ``roughness`` is the random share by which the pitch jumps about, 150 times a second.
    """
    n = len(pitch)
    shaken = pitch * np.exp(roughness * tones.wander(rng, n, 150, sample_rate))
    pulses = tones.smooth(tones.pulse_train(shaken, sample_rate, 9000), tilt, sample_rate)
    air = tones.band(rng.standard_normal(n), 400, 8000, sample_rate)
    return tones.normalised(pulses) + breath * air


def laughter(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """Series of breathy syllables ("ha-ha") that fall in pitch and level; one or more people."""
    out = tones.silence(seconds, sample_rate)
    for _ in range(rng.choice([1, 2, 4], p=[0.65, 0.2, 0.15])):
        pitch = tones.log_between(rng, 110, 480)
        scale = float(np.clip((pitch / 130) ** 0.3, 0.9, 1.5))
        vowel = rng.choice(["a", "e", "o", "h", "i"])
        gap = rng.uniform(0.14, 0.28)
        breath = tones.log_between(rng, 0.1, 1.5)
        start, syllable = 0.0, 0
        burst = rng.integers(3, 11)
        level = rng.uniform(0.4, 1.0)
        while start < seconds:
            n = tones.length_of(min(gap * rng.uniform(0.6, 0.95), seconds), sample_rate)
            now = pitch * 0.965**syllable * np.exp(0.06 * rng.standard_normal())
            source = voice(
                rng,
                tones.contour(n, [now * 0.9, now * 1.1, now * 0.85]),
                sample_rate,
                tilt=1200,
                breath=breath,
                roughness=0.02,
            )
            shape = tones.swell(n, 0.03, 0.06, sample_rate)
            sound = shape * tones.morph(
                source, [tract("h", scale), tract(vowel, scale)], sample_rate
            )
            tones.place(out, sound, start, sample_rate, level * 0.93**syllable)
            start += gap * rng.uniform(0.85, 1.15)
            syllable += 1
            if syllable >= burst:  # draw breath and start afresh
                start += rng.uniform(0.15, 0.6)
                syllable = 0
    return tones.to_peak(out)


def bark(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """Short rough calls whose pitch jumps up and falls; small and large dogs, once or in rows."""
    pitch = tones.log_between(rng, 180, 1100)
    scale = float(np.clip((pitch / 350) ** 0.4, 0.6, 1.7))
    length = rng.uniform(0.08, 0.28)
    roughness = tones.log_between(rng, 0.02, 0.3)
    breath = tones.log_between(rng, 0.1, 1.0)
    out = tones.silence(seconds, sample_rate)
    for start in tones.hit_times(rng, seconds, (0.25, 0.9), single=0.3, jitter=0.2):
        now = pitch * np.exp(0.08 * rng.standard_normal())
        n = tones.length_of(length * rng.uniform(0.8, 1.2), sample_rate)
        source = voice(
            rng,
            tones.contour(n, [now * 0.75, now * 1.2, now, now * 0.6]),
            sample_rate,
            tilt=1800,
            breath=breath,
            roughness=roughness,
        )
        shape = tones.swell(n, 0.012, 0.6 * length, sample_rate)
        throat = [tract("u", scale), tract("a", scale), tract("o", scale)]
        sound = shape * tones.morph(source, throat, sample_rate)
        tones.place(out, sound, start, sample_rate, rng.uniform(0.5, 1))
    return tones.to_peak(out)


def meow(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """A gliding cry through the vowels i, a, u: kittens and tomcats, plaintive or short."""
    pitch = tones.log_between(rng, 320, 1100)
    scale = rng.uniform(1.1, 1.8)
    length = tones.log_between(rng, 0.3, 1.6)
    breath = tones.log_between(rng, 0.02, 0.4)
    shape = [0.75, 1.1, 1.0, 0.7] if tones.chance(rng, 0.7) else [0.8, 0.95, 1.25, 1.1]
    out = tones.silence(seconds, sample_rate)
    start = 0.0
    while start < seconds:
        n = tones.length_of(
            min(length * rng.uniform(0.7, 1.3), max(seconds - start, 0.2)), sample_rate
        )
        now = pitch * np.exp(0.1 * rng.standard_normal())
        pitches = tones.contour(n, [now * step for step in shape])
        pitches *= tones.vibrato(rng, n, rng.uniform(5, 9), rng.uniform(0, 40), sample_rate)
        source = voice(
            rng,
            pitches,
            sample_rate,
            tilt=rng.uniform(1500, 4000),
            breath=breath,
            roughness=rng.uniform(0.003, 0.03),
        )
        mouth = [tract(vowel, scale) for vowel in ("i", "e", "a", "o", "u")]
        sound = tones.morph(source, mouth, sample_rate, sharpness=7)
        tones.place(out, sound * tones.swell(n, 0.08, 0.2, sample_rate), start, sample_rate)
        start += n / sample_rate + tones.log_between(rng, 0.2, 1.5)
    return tones.to_peak(out)


def cough(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """A burst of air, a hoarse moment of voice and a closing puff; mostly two to four in a row."""
    scale = rng.uniform(0.85, 1.4)
    pitch = tones.log_between(rng, 100, 420)
    voiced = tones.log_between(rng, 0.1, 1.2)
    out = tones.silence(seconds, sample_rate)
    for number, start in enumerate(
        tones.hit_times(rng, seconds, (0.25, 0.7), single=0.25, jitter=0.25)
    ):
        length = rng.uniform(0.18, 0.4)
        n = tones.length_of(length, sample_rate)
        air = rng.standard_normal(n) * tones.fall(n, rng.uniform(0.04, 0.1), sample_rate)
        source = voice(
            rng,
            tones.contour(n, [pitch * 1.2, pitch, pitch * 0.7]),
            sample_rate,
            tilt=900,
            breath=0.4,
            roughness=0.12,
        )
        later = np.clip(np.linspace(-0.3, 1.5, n), 0, 1) * tones.swell(n, 0.01, 0.1, sample_rate)
        sound = tones.formants(
            2 * air + voiced * later * source, tract("h", scale), sample_rate, sharpness=4
        )
        sound += 0.12 * air
        tones.place(out, sound, start, sample_rate, rng.uniform(0.6, 1) * 0.9**number)
    return tones.to_peak(out)


def burping_or_eructation(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """A long, very low and irregular croak through an open mouth that changes its vowel."""
    length = min(seconds, tones.log_between(rng, 0.2, 2.5))
    n = tones.length_of(length, sample_rate)
    pitch = tones.log_between(rng, 45, 170)
    curve = tones.contour(n, pitch * rng.uniform(0.6, 1.4, 5))
    source = voice(
        rng,
        curve,
        sample_rate,
        tilt=tones.log_between(rng, 400, 1500),
        breath=tones.log_between(rng, 0.03, 0.4),
        roughness=tones.log_between(rng, 0.1, 0.45),
    )
    scale = rng.uniform(0.75, 1.3)
    vowels = [tract(str(vowel), scale) for vowel in rng.choice(["a", "o", "e", "u"], 3)]
    sound = tones.morph(source, vowels, sample_rate, sharpness=6)
    sound *= tones.swell(n, 0.03, 0.15, sample_rate)
    sound *= np.clip(1 + 0.35 * tones.wander(rng, n, 14, sample_rate), 0.1, 2)
    out = tones.silence(seconds, sample_rate)
    tones.place(out, sound, 0.0, sample_rate)
    if seconds > 2 * length and tones.chance(rng, 0.35):
        tones.place(out, sound[: n // 2], 1.4 * length, sample_rate, 0.6)
    return tones.to_peak(out)


def fart(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """Flapping pulses of air with a wandering rate and a buzzy, voiceless spectrum."""
    out = tones.silence(seconds, sample_rate)
    pitch = tones.log_between(rng, 45, 260)
    centre = tones.log_between(rng, 250, 1600)
    wet = tones.log_between(rng, 0.05, 0.8)
    start = 0.0
    while start < seconds:
        length = min(tones.log_between(rng, 0.12, 1.5), max(0.1, seconds - start))
        n = tones.length_of(length, sample_rate)
        rate = tones.contour(n, pitch * np.exp(0.35 * rng.standard_normal(6)))
        rate *= np.exp(tones.log_between(rng, 0.02, 0.2) * tones.wander(rng, n, 60, sample_rate))
        pulses = np.abs(tones.pulse_train(rate, sample_rate, 14 * pitch)) ** 1.3
        air = tones.noise_band(rng, n, 300, 6000, sample_rate)
        flap = tones.normalised(pulses) * (1 + wet * air)
        sound = tones.resonator(flap, centre, 1.2 * centre, sample_rate) + 0.15 * flap
        sound = tones.band(sound, 60, 7000, sample_rate) * tones.swell(n, 0.02, 0.1, sample_rate)
        tones.place(out, sound, start, sample_rate, rng.uniform(0.5, 1))
        start += length + tones.log_between(rng, 0.05, 1.5)
        if tones.chance(rng, 0.5):
            break
    return tones.to_peak(out)


def finger_snapping(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """A finger on the palm: a very short resonant click at 1.5 to 3.5 kHz, once or in a beat."""
    centre = tones.log_between(rng, 1300, 3600)
    decay = tones.log_between(rng, 0.003, 0.015)
    slide = rng.uniform(0.0, 0.3)
    out = tones.silence(seconds, sample_rate)
    for start in tones.hit_times(rng, seconds, (0.25, 0.9), single=0.45, jitter=0.04):
        blow = tones.click(rng, 0.12, decay, sample_rate)
        snap = tones.resonator(blow, centre * rng.uniform(0.93, 1.07), 0.25 * centre, sample_rate)
        snap += 0.5 * tones.resonator(blow, 0.45 * centre, 0.2 * centre, sample_rate)
        rub = tones.noise_band(rng, len(snap), 3000, 9000, sample_rate) * slide * 0.03
        tones.place(out, rub, max(0.0, start - 0.04), sample_rate)
        tones.place(out, snap, start, sample_rate, rng.uniform(0.6, 1))
    return tones.to_peak(out)


def applause(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """Many hands, each with its own clap and pace: from a few people to a roaring hall."""
    people = round(tones.log_between(rng, 4, 90))
    n = len(out := tones.silence(seconds, sample_rate))
    for _ in range(people):
        clap = tones.click(rng, 0.06, tones.log_between(rng, 0.003, 0.015), sample_rate)
        centre = tones.log_between(rng, 600, 2800)
        clap = tones.resonator(clap, centre, 0.7 * centre, sample_rate) + 0.1 * clap
        gap = rng.uniform(0.18, 0.4)
        near = tones.log_between(rng, 0.15, 1.0)
        start = rng.uniform(0, gap)
        while start < seconds:
            tones.place(out, clap, start, sample_rate, near * rng.uniform(0.6, 1))
            start += gap * rng.uniform(0.85, 1.15)
    if tones.chance(rng, 0.5):  # the far part of the hall blurs into a hiss
        far = tones.noise_band(rng, n, 500, 6000, sample_rate)
        out += rng.uniform(0.1, 0.8) * np.std(out) * far
    if tones.chance(rng, 0.35):
        out *= tones.contour(n, rng.uniform(0.2, 1, 4).tolist())
    return tones.to_peak(out)


def squeak(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """Stick and slip: gliding high tones of doors, shoes, toys, and slow creaks of single slips."""
    kind = rng.choice(["door", "shoe", "toy", "creak"])
    pitches = {"door": (500, 2500), "shoe": (900, 3800), "toy": (700, 2500), "creak": (15, 90)}
    lengths = {"door": (0.3, 2.0), "shoe": (0.06, 0.3), "toy": (0.12, 0.5), "creak": (0.4, 3.0)}
    pitch = tones.log_between(rng, *pitches[kind])
    top = tones.log_between(rng, 5000, 14000)
    wood = [tones.log_between(rng, 400, 4000) for _ in range(3)]
    out = tones.silence(seconds, sample_rate)
    start = 0.0
    while start < seconds:
        length = min(tones.log_between(rng, *lengths[kind]), max(0.05, seconds - start))
        n = tones.length_of(length, sample_rate)
        shape = [0.7, 1.3, 1.0] if kind == "toy" else np.exp(0.25 * rng.standard_normal(5))
        rate = tones.contour(n, [pitch * step for step in shape])
        rate *= np.exp(0.02 * tones.wander(rng, n, 80, sample_rate))
        sound = tones.pulse_train(rate, sample_rate, top)
        if kind == "creak":
            sound = tones.formants(sound, wood, sample_rate, (1, 0.7, 0.5), 12)
        sound = tones.normalised(sound) * (
            1 + 0.3 * tones.wander(rng, n, 40, sample_rate)
        ) + rng.uniform(0.0, 0.2) * tones.noise_band(rng, n, 1500, 9000, sample_rate)
        tones.place(out, sound * tones.swell(n, 0.02, 0.04, sample_rate), start, sample_rate)
        start += length + tones.log_between(rng, 0.05, 0.8)
    return tones.to_peak(out)


def tearing(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """Rips of paper, cloth or tape: fibres that break ever faster, as crackle and as hiss."""
    low = tones.log_between(rng, 300, 2500)
    rate = tones.log_between(rng, 150, 3000)
    hiss = rng.uniform(0.1, 0.7)
    out = tones.silence(seconds, sample_rate)
    start = 0.0
    while start < seconds:
        length = min(tones.log_between(rng, 0.12, 2.2), max(0.05, seconds - start))
        n = tones.length_of(length, sample_rate)
        pace = rate * np.linspace(rng.uniform(0.3, 1), rng.uniform(1, 2.5), n)
        broken = (rng.random(n) < pace / sample_rate) * rng.exponential(1.0, n)
        broken *= rng.choice([-1, 1], n)
        fibres = tones.normalised(tones.smooth(broken, 9000, sample_rate))
        sound = (1 - hiss) * fibres + hiss * rng.standard_normal(n)
        sound = tones.band(sound, low, tones.log_between(rng, 7000, 18000), sample_rate)
        sound *= np.clip(1 + 0.4 * tones.wander(rng, n, 18, sample_rate), 0.1, 3)
        sound *= tones.contour(n, rng.uniform(0.3, 1, 3).tolist())
        tones.place(out, sound * tones.swell(n, 0.02, 0.04, sample_rate), start, sample_rate)
        start += length + tones.log_between(rng, 0.1, 1.0)
    return tones.to_peak(out)
