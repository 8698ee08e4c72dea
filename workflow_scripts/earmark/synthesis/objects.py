"""Sound models of things: impacts, rattles, engines, blasts, bells and scratches."""

import numpy as np

from earmark.synthesis import tones
from earmark.synthesis.tones import Signal


def thump(
    rng: np.random.Generator, pitches: Signal, decay: float, hardness: float, sample_rate: int
) -> Signal:
    """Strike wood with modes at ``pitches`` (k,) Hz; ``hardness`` 0 to 1 adds the click."""
    spread = rng.uniform(0.6, 1.4, len(pitches))
    gains = spread * (pitches / pitches[0]) ** (hardness - 1.2)
    body = tones.modes(
        8 * decay, pitches, decay * (pitches[0] / pitches) ** 0.6, gains, sample_rate
    )
    contact = tones.click(rng, 0.02, 0.0015 + 0.003 * (1 - hardness), sample_rate)
    contact = tones.smooth(contact, 600 + 8000 * hardness**2, sample_rate)
    tones.place(body, contact, 0.0, sample_rate, 0.8 * hardness)
    return body


def repeat(sound: Signal, strengths: Signal) -> Signal:
    """Start ``sound`` (m,) at each non-zero sample of ``strengths`` (n,), scaled by it; (n,)."""
    out = np.zeros(len(strengths) + len(sound))
    for position in np.flatnonzero(strengths):
        out[position : position + len(sound)] += strengths[position] * sound
    return out[: len(strengths)]


def knock(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """Knuckles on a door: two to six even thumps of wood at a time."""
    lowest = tones.log_between(rng, 70, 380)
    pitches = lowest * np.sort(np.concatenate([[1.0], rng.uniform(1.3, 9, 7)]))
    decay = tones.log_between(rng, 0.012, 0.07)
    hardness = rng.uniform(0.15, 0.9)
    gap = tones.log_between(rng, 0.11, 0.4)
    out = tones.silence(seconds, sample_rate)
    start = 0.0
    while start < seconds:
        for _ in range(rng.integers(2, 7)):
            sound = thump(rng, pitches, decay, hardness, sample_rate)
            tones.place(out, sound, start, sample_rate, rng.uniform(0.6, 1))
            start += gap * rng.uniform(0.92, 1.08)
        start += rng.uniform(0.4, 1.5)
    return tones.to_peak(out)


def drawer_open_or_close(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """A sliding rumble that ends in a thud, with rattling contents; or the other way round."""
    lowest = tones.log_between(rng, 60, 300)
    pitches = lowest * np.sort(np.concatenate([[1.0], rng.uniform(1.3, 14, 9)]))
    low, high = tones.log_between(rng, 60, 500), tones.log_between(rng, 1500, 8000)
    rolling = tones.log_between(rng, 12, 80)
    loose = rng.choice([0.0, 0.15, 0.4])
    rattle = [
        tones.modes(
            0.1, tones.log_between(rng, 1500, 7000) * np.array([1, 1.7]), 0.01, 1, sample_rate
        )
        for _ in range(5)
    ]
    out = tones.silence(seconds, sample_rate)
    start, opening = 0.0, tones.chance(rng, 0.5)
    while start < seconds:
        length = min(tones.log_between(rng, 0.2, 1.1), max(0.1, seconds - start - 0.1))
        n = tones.length_of(length, sample_rate)
        slide = tones.noise_band(rng, n, low, high, sample_rate)
        slide *= np.abs(tones.wander(rng, n, rolling, sample_rate)) + 0.3
        slide *= tones.contour(n, [0.3, 1.0, 0.6] if opening else [0.4, 0.8, 1.2])
        slide *= tones.swell(n, 0.08, 0.05, sample_rate)
        tones.place(out, slide, start, sample_rate, rng.uniform(0.08, 0.3))
        for _ in range(int(loose * 60 * length)):
            when = start + rng.random() * length * 1.1
            tones.place(out, rattle[rng.integers(5)], when, sample_rate, 0.4 * rng.random())
        thud = thump(
            rng, pitches, tones.log_between(rng, 0.02, 0.08), rng.uniform(0.2, 0.8), sample_rate
        )
        ends = [start + length] if not opening else [start, start + length]
        for end in ends:
            tones.place(out, thud, end, sample_rate, rng.uniform(0.5, 1.2))
        start += length + rng.uniform(0.3, 1.2)
        opening = not opening
    return tones.to_peak(out)


def computer_keyboard(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """Typing: uneven pairs of press and release clicks, deeper for the space bar."""
    centre = tones.log_between(rng, 1200, 5000)
    case = tones.log_between(rng, 150, 600)
    depth = tones.log_between(rng, 0.05, 0.8)
    decay = tones.log_between(rng, 0.002, 0.008)
    pace = tones.log_between(rng, 0.07, 0.3)
    out = tones.silence(seconds, sample_rate)
    start = 0.0
    while start < seconds:
        large = tones.chance(rng, 0.15)
        pitch = centre * rng.uniform(0.8, 1.25) * (0.6 if large else 1.0)
        press = tones.click(rng, 0.05, decay, sample_rate)
        key = tones.resonator(press, pitch, 0.6 * pitch, sample_rate) + 0.08 * press
        key += depth * tones.modes(0.05, [case, 2.3 * case], 0.008, 0.2, sample_rate)
        level = rng.uniform(0.4, 1) * (1.5 if large else 1)
        tones.place(out, key, start, sample_rate, level)
        up = tones.resonator(press[::-1].copy(), 1.4 * pitch, 0.5 * pitch, sample_rate)[::-1]
        tones.place(
            out, up[-len(up) // 3 :], start + rng.uniform(0.05, 0.11), sample_rate, 0.6 * level
        )
        start += pace * rng.lognormal(0, 0.45) + (0.5 if tones.chance(rng, 0.06) else 0)
    return tones.to_peak(out)


def keys_jangling(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """A bunch of keys: random crowds of small bright metal blows, in shakes of uneven strength."""
    bank = []
    for _ in range(int(rng.integers(4, 10))):
        pitches = tones.log_between(rng, 1800, 6500) * np.array([1, 1.58, 2.24, 2.92])
        decay = tones.log_between(rng, 0.01, 0.09)
        bank.append(tones.modes(0.3, pitches, decay, rng.uniform(0.3, 1, 4), sample_rate))
    rate = tones.log_between(rng, 12, 70)
    n = len(out := tones.silence(seconds, sample_rate))
    strength = np.exp(0.9 * tones.wander(rng, n, rng.uniform(2, 7), sample_rate))
    start = 0.0
    while start < seconds:
        now = strength[min(n - 1, int(start * sample_rate))]
        tones.place(out, bank[rng.integers(len(bank))], start, sample_rate, now * rng.random())
        start += rng.exponential(1 / (rate * min(now, 2.0) + 2))
    if tones.chance(rng, 0.25):  # thrown onto a table
        table = thump(rng, rng.uniform(150, 900, 5), 0.02, 0.5, sample_rate)
        tones.place(out, table, rng.uniform(0, 0.8) * seconds, sample_rate, 1.5)
    return tones.to_peak(out)


def scissors(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """Snips: a rising metal scrape that ends in a click, then a softer one as the blades open."""
    ring = tones.log_between(rng, 2500, 7000) * np.array([1, 1.37, 2.1])
    low = tones.log_between(rng, 2500, 6000)
    gap = tones.log_between(rng, 0.22, 0.8)
    paper = rng.choice([0.0, 0.4])
    out = tones.silence(seconds, sample_rate)
    start = 0.0
    while start < seconds:
        length = gap * rng.uniform(0.25, 0.5)
        n = tones.length_of(length, sample_rate)
        scrape = tones.noise_band(rng, n, low, 14000, sample_rate) * np.linspace(0.1, 1, n) ** 2
        # Paper gives way in grains, metal does not.
        scrape += paper * rng.standard_normal(n) * rng.random(n) ** 4
        tones.place(out, scrape, start, sample_rate, 0.3)
        snap = tones.modes(0.2, ring, tones.log_between(rng, 0.006, 0.04), 0.5, sample_rate)
        snap[: len(snap) // 4] += tones.click(rng, 0.05, 0.002, sample_rate)[: len(snap) // 4]
        tones.place(out, snap, start + length, sample_rate, rng.uniform(0.4, 1))
        back = scrape[::-1] * 0.15
        tones.place(out, back, start + length * 1.3, sample_rate)
        start += gap * rng.uniform(0.85, 1.2)
    return tones.to_peak(out)


def shatter(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """Breaking glass: a crash, then splinters that ring, thin out and settle."""
    brightness = tones.log_between(rng, 1500, 4500)
    bank = []
    for _ in range(10):
        pitches = brightness * rng.uniform(0.7, 3) * np.array([1, 1.8, 2.7])
        decay = tones.log_between(rng, 0.006, 0.06)
        bank.append(tones.modes(0.3, pitches, decay, rng.uniform(0.2, 1, 3), sample_rate))
    settle = tones.log_between(rng, 0.2, 0.9)
    out = tones.silence(seconds, sample_rate)
    crash = tones.click(rng, min(seconds, 0.8), tones.log_between(rng, 0.03, 0.15), sample_rate)
    tones.place(
        out, tones.band(crash, 500, 14000, sample_rate), 0.0, sample_rate, rng.uniform(0.2, 1)
    )
    if tones.chance(rng, 0.6):
        blow = thump(rng, rng.uniform(120, 1500, 6), 0.03, 0.6, sample_rate)
        tones.place(out, blow, 0.0, sample_rate, rng.uniform(0.2, 1.5))
    for start in rng.exponential(settle, round(tones.log_between(rng, 40, 260))):
        level = rng.random() * np.exp(-start / (2 * settle))
        tones.place(out, bank[rng.integers(10)], float(start), sample_rate, level)
    return tones.to_peak(out)


def gunshot_or_gunfire(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """A shock that fills the whole spectrum at once and echoes away; shots, volleys, bursts."""
    decay = tones.log_between(rng, 0.008, 0.07)
    tail = tones.log_between(rng, 0.1, 0.7)
    boom = tones.log_between(rng, 50, 200)
    automatic = tones.chance(rng, 0.3)
    gaps = (0.055, 0.14) if automatic else (0.25, 1.2)
    tone = tones.log_between(rng, 700, 5000)
    out = tones.silence(seconds, sample_rate)
    times = tones.hit_times(rng, seconds, gaps, single=0.0 if automatic else 0.55, jitter=0.03)
    if automatic:
        times = times[: rng.integers(4, 20)]
    n = tones.length_of(min(seconds, 5 * tail), sample_rate)
    echo = tones.smooth(rng.standard_normal(n), tone, sample_rate)
    echo = tones.normalised(echo) * tones.fall(n, tail, sample_rate)
    echo *= 1 + 0.5 * tones.wander(rng, n, 12, sample_rate)
    wet = tones.log_between(rng, 0.03, 0.3)
    for start in times:
        blast = tones.click(rng, min(0.5, 8 * decay), decay, sample_rate)
        blast += 1.5 * tones.normalised(tones.smooth(blast, 300, sample_rate))
        pressure = tones.modes(0.3, boom, 0.03, 2.0, sample_rate)
        level = rng.uniform(0.7, 1)
        tones.place(out, blast, start, sample_rate, level)
        tones.place(out, pressure, start, sample_rate, level)
        tones.place(out, echo, start + 0.005, sample_rate, wet * level)
    return tones.to_peak(np.tanh(out))


def fireworks(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """Whistling climbs, dull distant booms and swarms of crackle, in random order."""
    out = tones.silence(seconds, sample_rate)
    far = tones.log_between(rng, 300, 4000)
    start = 0.0
    parts = rng.dirichlet([1.2, 2.0, 1.5])
    while start < seconds:
        part = rng.choice(["whistle", "boom", "crackle"], p=parts)
        left = max(0.15, seconds - start)
        if part == "whistle":
            n = tones.length_of(min(left, rng.uniform(0.4, 1.4)), sample_rate)
            ends = rng.uniform(900, 4500, 2)
            pitch = tones.contour(n, [ends[0], ends[1]])
            pitch *= np.exp(0.02 * tones.wander(rng, n, 50, sample_rate))
            sound = tones.harmonic_tone(pitch, [1, 0.3], sample_rate)
            sound += 0.3 * tones.noise_band(rng, n, 1000, 7000, sample_rate)
            sound *= 0.3 * tones.swell(n, 0.1, 0.2, sample_rate)
        elif part == "boom":
            decay = tones.log_between(rng, 0.05, 0.4)
            sound = tones.click(rng, min(left, 5 * decay), decay, sample_rate)
            sound = 0.5 * tones.normalised(tones.smooth(sound, far, sample_rate)) * 3
            sound *= tones.swell(len(sound), tones.log_between(rng, 0.001, 0.02), 0.1, sample_rate)
        else:
            n = tones.length_of(min(left, rng.uniform(0.4, 2.0)), sample_rate)
            pops = (rng.random(n) < rng.uniform(25, 140) / sample_rate) * rng.exponential(1, n)
            snap = tones.click(rng, 0.03, 0.004, sample_rate)
            sound = repeat(snap, pops)
            sound = tones.smooth(sound, 2 * far + 2000, sample_rate)
            sound *= tones.contour(n, [0.5, 1, 0.2])
        tones.place(out, sound, start, sample_rate, rng.uniform(0.4, 1))
        start += rng.uniform(0.2, 1.0) * len(sound) / sample_rate + 0.05
    return tones.to_peak(np.tanh(out))


def bus(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """A diesel engine that idles, speeds up or passes by, with road noise and air brakes."""
    n = tones.length_of(seconds, sample_rate)
    rate = tones.log_between(rng, 18, 60)
    curve = tones.contour(n, rate * np.exp(rng.choice([0.05, 0.3]) * rng.standard_normal(4)))
    weights = np.exp(rng.normal(0, 0.8, 40)) / np.arange(1, 41) ** rng.uniform(0.5, 1.1)
    curve *= np.exp(0.01 * tones.wander(rng, n, 30, sample_rate))
    engine = tones.normalised(tones.harmonic_tone(curve, weights, sample_rate))
    stroke = 1 + 0.6 * np.sin(np.pi / sample_rate * np.cumsum(curve))
    road = tones.coloured_noise(rng, n, rng.uniform(1.0, 2.4), sample_rate)
    sound = engine * rng.uniform(0.3, 1) + road * stroke * tones.log_between(rng, 0.3, 1.5)
    sound *= tones.contour(n, np.exp(0.5 * rng.standard_normal(3)).tolist())
    if tones.chance(rng, 0.35):
        hiss = tones.click(rng, 1.0, rng.uniform(0.1, 0.5), sample_rate)
        hiss = tones.band(hiss, 2000, 14000, sample_rate) * tones.swell(
            len(hiss), 0.02, 0.1, sample_rate
        )
        tones.place(sound, hiss, rng.uniform(0, 0.7) * seconds, sample_rate, rng.uniform(0.5, 2))
    return tones.to_peak(sound)


def microwave_oven(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """A steady hum of the mains and a fan, the beeps at its end, and the clack of the door."""
    n = tones.length_of(seconds, sample_rate)
    mains = rng.choice([100.0, 120.0])
    weights = np.exp(rng.normal(0, 0.7, 18)) / np.arange(1, 19) ** rng.uniform(0.4, 1.2)
    hum = tones.normalised(tones.harmonic_tone(np.full(n, mains), weights, sample_rate))
    fan = tones.coloured_noise(rng, n, rng.uniform(0.8, 1.4), sample_rate)
    sound = 0.4 * hum + rng.uniform(0.2, 0.6) * fan
    stop = n
    if tones.chance(rng, 0.55):
        when = rng.uniform(0.25, 0.7) * seconds
        stop = tones.length_of(when, sample_rate) if tones.chance(rng, 0.7) else n
        pitch = tones.log_between(rng, 800, 2600)
        length = tones.log_between(rng, 0.08, 0.7)
        beep_length = tones.length_of(length, sample_rate)
        beep = tones.harmonic_tone(np.full(beep_length, pitch), [1, 0.1, 0.3], sample_rate)
        beep *= tones.swell(beep_length, 0.004, 0.01, sample_rate) * rng.uniform(0.5, 2)
        for number in range(rng.integers(1, 6)):
            tones.place(sound, beep, when + number * 1.8 * length, sample_rate)
        beeps = np.zeros(n)
        for number in range(5):
            tones.place(beeps, beep, when + number * 1.8 * length, sample_rate)
        sound[stop:] = beeps[stop:] + 0.05 * fan[stop:]
    if tones.chance(rng, 0.4):
        door = thump(rng, rng.uniform(150, 2500, 7), 0.02, 0.7, sample_rate)
        when = 0.0 if tones.chance(rng, 0.5) else min(stop / sample_rate, 0.8 * seconds)
        tones.place(sound, door, when, sample_rate, 1.2)
        tones.place(sound, door, when + 0.07, sample_rate, 0.7)
    return tones.to_peak(sound)


def telephone(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """A bell struck 20 times a second, an electronic warble, a dial tone or keyed tone pairs."""
    n = tones.length_of(seconds, sample_rate)
    time = np.arange(n) / sample_rate
    kind = rng.choice(["bell", "warble", "line", "keys"], p=[0.5, 0.3, 0.08, 0.12])
    if kind == "bell":
        base = tones.log_between(rng, 900, 2200)
        numbers = np.array([1, 1.26, 2.4, 3.1, 4.3])
        rate = rng.uniform(14, 28)
        stroke = tones.modes(
            0.4, base * numbers, rng.uniform(0.05, 0.2) / numbers**0.5, 1, sample_rate
        )
        sound = np.zeros(n)
        for start in np.arange(0, seconds, 1 / rate):
            tones.place(sound, stroke, float(start), sample_rate, rng.uniform(0.7, 1))
    elif kind == "warble":
        low = tones.log_between(rng, 500, 1800)
        high = low * rng.uniform(1.1, 1.5)
        turn = np.sin(2 * np.pi * rng.uniform(8, 22) * time) > 0
        weights = 1 / np.arange(1, 8) ** rng.uniform(0.8, 2.5)
        sound = tones.harmonic_tone(np.where(turn, low, high), weights, sample_rate)
    else:
        sound = np.zeros(n)
        rows, columns = (697, 770, 852, 941), (1209, 1336, 1477)
        slot = rng.uniform(0.12, 0.35) if kind == "keys" else seconds + 1
        for start in np.arange(0, seconds, slot):
            low = rng.choice(rows) if kind == "keys" else rng.choice([350.0, 440.0])
            high = rng.choice(columns) if kind == "keys" else 480.0
            part = time[: tones.length_of(min(0.6 * slot, seconds), sample_rate)]
            pair = np.sin(2 * np.pi * low * part) + np.sin(2 * np.pi * high * part)
            pair *= tones.swell(len(pair), 0.003, 0.003, sample_rate)
            tones.place(sound, pair, float(start), sample_rate)
    if kind in ("bell", "warble"):
        period, share = tones.log_between(rng, 0.5, 5.0), rng.uniform(0.4, 0.7)
        ringing = (time % period < share * period).astype(np.float64)
        sound = sound * tones.smooth(ringing, 12 if kind == "bell" else 60, sample_rate)
    if tones.chance(rng, 0.35):  # heard through a small loudspeaker
        sound = tones.band(sound, 500, 3800, sample_rate)
    return tones.to_peak(sound)


def writing(rng: np.random.Generator, seconds: float, sample_rate: int) -> Signal:
    """Pen, pencil or chalk: short scratching strokes, a tap at each start, pauses between words."""
    low, high = tones.log_between(rng, 500, 1800), tones.log_between(rng, 5000, 13000)
    desk = tones.log_between(rng, 120, 600)
    tap = tones.log_between(rng, 0.1, 3.0)
    pace = tones.log_between(rng, 0.07, 0.25)
    n = len(out := tones.silence(seconds, sample_rate))
    grain = tones.noise_band(rng, n, low, high, sample_rate)
    grain *= np.abs(tones.wander(rng, n, rng.uniform(150, 500), sample_rate)) + 0.2
    start = 0.0
    while start < seconds:
        length = pace * rng.uniform(0.5, 1.2)
        first = int(start * sample_rate)
        stroke = grain[first : first + tones.length_of(length, sample_rate)]
        shape = np.sin(np.pi * np.linspace(0, 1, len(stroke))) ** 0.7
        tones.place(out, stroke * shape, start, sample_rate, rng.uniform(0.3, 1))
        touch = tones.modes(0.05, desk * np.array([1, 2.7, 6.1]), 0.006, tap, sample_rate)
        tones.place(out, touch, start, sample_rate, rng.uniform(0.2, 1))
        start += length * rng.uniform(0.9, 1.4)
        if tones.chance(rng, 0.12):
            start += rng.uniform(0.1, 0.5)
    return tones.to_peak(out)
