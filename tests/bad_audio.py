"""Bad and odd sound files: bytes made from good ones, and the status that each must get."""

import gzip
import io
import re
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile
from corpus import Kind
from tiny import tone

RATE = 22050
SECONDS = 0.5


def encoded(
    samples: np.ndarray, rate: int = RATE, format: str = "WAV", subtype: str = "PCM_16"
) -> bytes:
    sink = io.BytesIO()
    soundfile.write(sink, samples, rate, format=format, subtype=subtype)
    return sink.getvalue()


def good(format: str = "WAV", subtype: str = "PCM_16", rate: int = RATE) -> bytes:
    # Long enough for every codec to have many blocks.
    return encoded(tone(440.0, 4 * SECONDS, rate), rate, format, subtype)


def channels(count: int) -> np.ndarray:
    return np.stack([tone(300.0 + 40 * number, SECONDS, RATE) for number in range(count)], axis=1)


def with_sample(value: float) -> bytes:
    samples = tone(300.0, SECONDS, RATE)
    samples[1000] = value
    return encoded(samples, subtype="FLOAT")


def cut(content: bytes, share: float) -> bytes:
    return content[: int(share * len(content))]


def header(offset: int, code: str, *values: int) -> Callable[[], bytes]:
    """A WAV file with other numbers at a place of its header."""

    def spoil() -> bytes:
        content = bytearray(good())
        struct.pack_into(code, content, offset, *values)
        return bytes(content)

    return spoil


def ogg_without_last_page(subtype: str) -> bytes:
    content = good("OGG", subtype, 48000)
    return content[: content.rfind(b"OggS")]


def ogg_with_hole() -> bytes:
    content = encoded(tone(440.0, 8.0, 48000), 48000, "OGG", "VORBIS")
    pages = [found.start() for found in re.finditer(b"OggS", content)]
    middle = len(pages) // 2
    return content[: pages[middle]] + content[pages[middle + 1] :]


def mp3_no_count() -> bytes:
    content = good("MP3", "MPEG_LAYER_III")
    # The first frame has the number of all; frames begin alike.
    return content[content.index(content[:2], 4) :]


def flac_cut_late() -> bytes:
    return cut(encoded(tone(440.0, 8.0, RATE), format="FLAC"), 0.8)


def other_rate(rate: int) -> Callable[[], bytes]:
    return lambda: encoded(tone(440.0, SECONDS, rate), rate)


def other_format(format: str, subtype: str, rate: int = RATE) -> Callable[[], bytes]:
    return lambda: encoded(tone(440.0, SECONDS, rate), rate, format, subtype)


def noise_bytes(count: int = 5000) -> bytes:
    return np.random.default_rng(1).bytes(count)


# Whole, as far as one can tell, and heard whole; ``problem`` has what their headers say.
DOUBTED: dict[str, Callable[[], bytes]] = {
    "a header that says 2 GB of sound, in a file of the right size": header(40, "<I", 2 * 10**9),
    "a header that counts itself as sound": lambda: header(40, "<I", len(good()))(),
    "WAV without its last byte": lambda: good()[:-1],
    "FLAC that says the length of all segments": lambda: streamed_flac(10 * RATE),
    "OGG Vorbis without its last page": lambda: ogg_without_last_page("VORBIS"),
}
# ``spoil()`` gives the file's bytes; ``expected`` is the status.
KINDS = [
    # Odd, but sound.
    *[
        Kind(f"WAV, {bits}", "ok", other_format("WAV", subtype))
        for bits, subtype in (
            ("8 bits", "PCM_U8"),
            ("16 bits", "PCM_16"),
            ("24 bits", "PCM_24"),
            ("32 bits", "PCM_32"),
            ("float", "FLOAT"),
            ("double", "DOUBLE"),
            ("A-law", "ALAW"),
            ("IMA ADPCM", "IMA_ADPCM"),
        )
    ],
    Kind("WAV, extensible header", "ok", other_format("WAVEX", "PCM_24")),
    Kind("RF64", "ok", other_format("RF64", "PCM_16")),
    Kind("AIFF", "ok", other_format("AIFF", "PCM_16")),
    Kind("FLAC", "ok", other_format("FLAC", "PCM_16")),
    Kind("FLAC, 24 bits", "ok", other_format("FLAC", "PCM_24")),
    Kind("OGG Vorbis", "ok", other_format("OGG", "VORBIS")),
    Kind("OGG Opus", "ok", other_format("OGG", "OPUS", 48000)),
    Kind("MP3", "ok", other_format("MP3", "MPEG_LAYER_III")),
    *[Kind(f"{rate} Hz", "ok", other_rate(rate)) for rate in (8000, 11025, 48000, 96000, 192000)],
    Kind("stereo", "ok", lambda: encoded(channels(2))),
    Kind("6 channels", "ok", lambda: encoded(channels(6))),
    Kind(
        "floats as large as 16-bit integers",
        "ok",
        lambda: encoded(20000 * tone(440.0, SECONDS, RATE), subtype="FLOAT"),
    ),
    Kind("sizes unknown, written to a pipe", "ok", lambda: streamed()),
    Kind("FLAC, size unknown, written to a pipe", "ok", lambda: streamed_flac()),
    Kind("stereo whose channels cancel", "ok", lambda: encoded(cancelling(1, -1))),
    Kind("6 channels that cancel in pairs", "ok", lambda: encoded(cancelling(1, -1, 2, 3, -3, -2))),
    Kind(
        "channels that cancel but for an offset",
        "ok",
        lambda: encoded(cancelling(1, -1) / 2 + 0.4, subtype="FLOAT"),
    ),
    Kind("MP3 that does not count its frames", "ok", lambda: mp3_no_count()),
    Kind("bytes after the samples", "ok", lambda: good() + b"LIST\x04\0\0\0abcd"),
    # Sound that is not as it should be.
    Kind("clipped", "clipped", lambda: encoded(np.clip(6 * tone(440.0, SECONDS, RATE), -1, 1))),
    Kind("shorter than a window", "too_short", lambda: encoded(tone(440.0, 0.01, RATE))),
    Kind("one sample", "too_short", lambda: encoded(np.array([0.5]))),
    Kind("longer than the limit", "too_long", lambda: encoded(tone(440.0, 12.0, 4000), 4000)),
    Kind("zeros", "silent", lambda: encoded(np.zeros(5000))),
    Kind("a constant", "silent", lambda: encoded(np.full(5000, -0.3))),
    Kind("a constant in each channel", "silent", lambda: encoded(np.tile([0.2, -0.7], (5000, 1)))),
    Kind("no samples", "empty", lambda: encoded(np.zeros(0))),
    Kind("AIFF without samples", "empty", lambda: encoded(np.zeros(0), format="AIFF")),
    # Cut off, as by a download that broke.
    Kind("WAV cut in half", "truncated", lambda: cut(good(), 0.5)),
    Kind("WAV of 24 bits, cut", "truncated", lambda: cut(good(subtype="PCM_24"), 0.7)),
    Kind("ADPCM cut", "truncated", lambda: cut(good(subtype="IMA_ADPCM"), 0.6)),
    Kind("RF64 cut", "truncated", lambda: cut(good("RF64"), 0.5)),
    Kind("AIFF cut", "truncated", lambda: cut(good("AIFF"), 0.5)),
    Kind("FLAC cut", "truncated", flac_cut_late),
    Kind("OGG Vorbis with a hole", "truncated", ogg_with_hole),
    Kind("OGG Opus cut in a page", "truncated", lambda: cut(good("OGG", "OPUS", 48000), 0.7)),
    Kind("MP3 cut", "truncated", lambda: cut(good("MP3", "MPEG_LAYER_III"), 0.6)),
    Kind("MP3 that does not count its frames, cut", "truncated", lambda: cut(mp3_no_count(), 0.6)),
    Kind("WAV cut before its first sample", "unreadable", lambda: good()[:44]),
    Kind("WAV cut in its header", "unreadable", lambda: good()[:30]),
    Kind("FLAC cut in its header", "unreadable", lambda: good("FLAC")[:60]),
    Kind("OGG cut in its header", "unreadable", lambda: good("OGG", "VORBIS")[:100]),
    # Headers that lie.
    Kind("a sample rate of 0", "unreadable", header(24, "<I", 0)),
    Kind("a sample rate of 3 Hz", "unreadable", header(24, "<I", 3)),
    Kind("a sample rate of 2 GHz", "unreadable", header(24, "<I", 2_000_000_000)),
    Kind("no channels", "unreadable", header(22, "<H", 0)),
    Kind("65,535 channels", "unreadable", header(22, "<H", 65535)),
    Kind("an unknown codec", "unreadable", header(20, "<H", 0x7777)),
    Kind("a header that says 0 bytes of sound", "unreadable", header(40, "<I", 0)),
    *[Kind(name, "ok", spoil) for name, spoil in DOUBTED.items()],
    # Samples that are none.
    Kind("a sample that is NaN", "non_finite", lambda: with_sample(np.nan)),
    Kind("an infinite sample", "non_finite", lambda: with_sample(np.inf)),
    Kind("a sample of 1e30", "non_finite", lambda: with_sample(1e30)),
    # No sound at all.
    Kind("no bytes", "not_audio", lambda: b""),
    Kind("text", "not_audio", lambda: b"fname,label\n00044347.wav,Hi-hat\n" * 50),
    Kind("an error page", "not_audio", lambda: b"<!doctype html><title>404</title>" + b" " * 999),
    Kind("a picture", "not_audio", lambda: b"\x89PNG\r\n\x1a\n" + noise_bytes()),
    Kind("a zip", "not_audio", lambda: b"PK\x03\x04" + noise_bytes()),
    Kind("an MP4 video", "unreadable", lambda: b"\0\0\0\x20ftypisom" + noise_bytes()),
    Kind("a Git LFS pointer", "not_audio", lambda: LFS_POINTER),
    Kind("a git-annex pointer", "not_audio", lambda: b"/annex/objects/MD5E-s88--0a1b.wav\n"),
    Kind("M4A", "unreadable", lambda: b"\0\0\0\x1cftypM4A \0\0\x02\0" + noise_bytes()),
    Kind("WMA", "unreadable", lambda: bytes.fromhex("3026b2758e66cf11a6d9") + noise_bytes()),
    Kind("WebM", "unreadable", lambda: b"\x1a\x45\xdf\xa3\x9fB\x86\x81" + noise_bytes()),
    Kind("AAC", "unreadable", lambda: b"\xff\xf1\x60\x40\x03\x9f\xfc\xde" + bytes(999)),
    Kind("AMR", "unreadable", lambda: b"#!AMR-NB\n" + noise_bytes()),
    Kind("a gzip", "not_audio", lambda: gzip.compress(good())),
    Kind("zero bytes, as after a crash", "not_audio", lambda: bytes(20_000)),
    Kind("random bytes", "not_audio", noise_bytes),
    Kind("the second half of a WAV", "not_audio", lambda: good()[40_000:]),
    Kind("a matrix of MATLAB", "not_audio", other_format("MAT5", "PCM_16")),
]


LFS_POINTER = (
    b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0f" * 32 + b"\nsize 88244\n"
)


def cancelling(*factors: float) -> np.ndarray:
    return np.outer(tone(440.0, SECONDS, RATE), factors) / max(factors)


def streamed_flac(frames: int = 0) -> bytes:
    content = bytearray(good("FLAC"))
    # The number of samples: the last 36 of the 64 bits that begin with the sample rate.
    content[21:26] = bytes([content[21] & 0xF0]) + struct.pack(">I", frames)
    return bytes(content)


def streamed() -> bytes:
    content = bytearray(good())
    struct.pack_into("<I", content, 4, 0xFFFFFFFF)
    struct.pack_into("<I", content, 40, 0xFFFFFFFF)
    return bytes(content)


# One of each status, and what other recorders and tools write.
PLANTED = [
    *["text", "no bytes", "WAV cut in its header", "a sample rate of 2 GHz", "an infinite sample"],
    *["WAV cut in half", "no samples", "zeros", "one sample", "longer than the limit", "clipped"],
    *["WAV, 8 bits", "WAV, float", "FLAC, 24 bits", "OGG Vorbis", "MP3", "8000 Hz", "192000 Hz"],
    *["6 channels", "sizes unknown, written to a pipe"],
]


def plant(files: Sequence[Path]) -> dict[str, str]:
    """Replace each file by the next planted kind; return name -> status."""
    kinds = {kind.name: kind for kind in KINDS}
    found = {}
    for place, path in enumerate(files):
        kind = kinds[PLANTED[place % len(PLANTED)]]
        path.write_bytes(kind.spoil())
        found[path.name] = kind.expected
    return found
