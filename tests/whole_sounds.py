"""Sound files that are whole, in all ways in which programs write them, and what is cut of them."""

import io
import shutil
import struct
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from bad_audio import encoded
from tiny import tone

from earmark.dataset import audio, decoding

SECONDS = 1.2
# The share that is kept. Of an MP3 without a count, a cut where a frame begins cannot be seen.
CUT = 0.63
# The root of its mean square.
LEVEL = float(np.sqrt(np.mean(tone(440.0, SECONDS, 22050) ** 2)))
# What ffmpeg writes -> its options. To a pipe it cannot write sizes.
FFMPEG = {
    "no count.mp3": "-b:a 64k -write_xing 0",
    "no count, variable.mp3": "-q:a 4 -write_xing 0",
    "count.mp3": "-b:a 64k",
    "layer 2.mp2": "-b:a 64k",
    "mp3 in wav.wav": "-c:a libmp3lame -b:a 64k",
    "pipe.flac": "-f flac",
    "pipe.wav": "-f wav",
    "pipe.au": "-f au",
    "pipe.w64": "-f w64",
    "pipe.caf": "-f caf",
    "plain.flac": "",
    "24 bits.flac": "-sample_fmt s32",
    "vorbis.ogg": "-c:a libvorbis",
    "opus.opus": "-c:a libopus -ar 48000",
    "flac in ogg.oga": "-c:a flac",
    "alac.caf": "-c:a alac",
    "plain.caf": "",
    "plain.aiff": "",
    "plain.w64": "",
    "adpcm.wav": "-c:a adpcm_ms",
    "a-law.wav": "-c:a pcm_alaw",
    "rf64.wav": "-rf64 always",
    "index last.m4a": "",
    "index first.m4a": "-movflags faststart",
    "pieces.mp4": "-movflags frag_keyframe+empty_moov -c:a aac",
    "alac.m4a": "-c:a alac",
    "opus.webm": "-ar 48000",
    "vorbis.mka": "-c:a libvorbis",
    "wma.wma": "",
    "adts.aac": "",
    "wavpack.wv": "",
    "tta.tta": "",
    "pcm.avi": "-c:a pcm_s16le",
}
OTHERS = {
    "lame.mp3": "lame --quiet -b 64 {source} {target}",
    "lame, no count.mp3": "lame --quiet -t -b 64 {source} {target}",
    "lame, variable.mp3": "lame --quiet -V 4 {source} {target}",
    "lame, variable, no count.mp3": "lame --quiet -t -V 4 {source} {target}",
    "sox.mp3": "sox {source} {target}",
    "sox.ogg": "sox {source} {target}",
    "sox.aiff": "sox {source} {target}",
    "sox.sph": "sox {source} {target}",
    "opusenc.opus": "opusenc --quiet {source} {target}",
    "flac.flac": "flac -s {source} -o {target}",
    "flac.oga": "flac -s --ogg {source} -o {target}",
}
PIPES = [name for name in FFMPEG if name.startswith("pipe")]
# Ending or name -> samples of three frames, where no header tells how the last one is filled.
PADDED = {
    **dict.fromkeys((".mp3", ".mp2", "mp3 in wav.wav"), 3 * 1152),
    **dict.fromkeys((".m4a", ".mp4", ".aac"), 3 * 1024),
    **{".wma": 3 * 2048, "adpcm.wav": 3 * 2036},
}
# Nothing in these says how long they are, or libsndfile does not read it (NIST).
# The last is cut where a packet ends.
UNTOLD = ("pipe.wav", "pipe.au", "pipe.w64", ".avi", "sox.sph", "NIST", "wma.wma 48000")


class Sound(NamedTuple):
    """A whole file: its seconds, and by how many it may be longer or shorter."""

    name: str
    content: bytes
    seconds: float = SECONDS
    tolerance: float = 0.05

    @property
    def is_told_when_cut(self) -> bool:
        return not any(kind in self.name for kind in UNTOLD)


def by_libsndfile() -> Iterator[Sound]:
    """Every format and subtype that libsndfile writes and the product takes; mono and stereo."""
    for container in decoding.FORMATS:
        for subtype in sorted(soundfile.available_subtypes(container)):
            for channels in (1, 2):
                for rate in (22050, 48000, 8000):  # Opus has not the first, GSM but the last
                    samples = np.stack([tone(440.0, SECONDS, rate)] * channels, axis=1)
                    try:
                        content = encoded(samples, rate, container, subtype)
                    except (soundfile.SoundFileError, ValueError, TypeError):
                        continue
                    yield Sound(f"{container} {subtype} {channels}", content)
                    break


def with_wrong_headers() -> Iterator[Sound]:
    """Whole files that tell their length wrongly, or not."""
    wav = encoded(tone(440.0, SECONDS, 22050))
    for name, size in {
        "the size of its file": len(wav),
        "8 bytes too many": len(wav) - 36,
        "twice as much": 2 * len(wav),
    }.items():
        content = bytearray(wav)
        struct.pack_into("<I", content, 40, size)
        yield Sound(f"WAV, of its samples {name}", bytes(content))
    flac = bytearray(encoded(tone(440.0, SECONDS, 22050), format="FLAC"))
    for name, frames in (("unknown", 0), ("of all segments", 10 * 22050)):
        # The number of samples: the last 32 of the 64 bits that begin with the sample rate.
        struct.pack_into(">I", flac, 22, frames)
        yield Sound(f"FLAC, length {name}", bytes(flac))
    for rate in (22050, 44100):
        for mode in ("CONSTANT", "VARIABLE"):
            sink = io.BytesIO()
            soundfile.write(sink, tone(440.0, SECONDS, rate), rate, format="MP3", bitrate_mode=mode)
            mp3 = sink.getvalue()
            # Without the first frame, which has their number.
            mp3 = mp3[mp3.index(mp3[:2], 4) :]
            yield Sound(f"MP3 without a count, {mode} {rate}", mp3, SECONDS, 3 * 1152 / rate)
    yield from mp3_counts()
    plain = encoded(tone(440.0, SECONDS, 22050), format="FLAC")
    for tail in (b"TAG".ljust(128), b"APETAGEX" + bytes(60), b"\n", bytes(500)):
        yield Sound(f"FLAC and {len(tail)} bytes", plain + tail)
    ogg = encoded(tone(440.0, SECONDS, 48000), 48000, "OGG", "VORBIS")
    yield Sound("Ogg and zeros", ogg + bytes(500))
    ogg = encoded(tone(440.0, 4 * SECONDS, 48000), 48000, "OGG", "VORBIS")
    yield Sound("Ogg without its last page", ogg[: ogg.rfind(b"OggS")], 4 * SECONDS, 0.5)


def mp3(seconds: float = SECONDS, mode: str = "VARIABLE", channels: int = 1) -> tuple[bytes, bytes]:
    """An MP3's first frame, in which its frames are counted, and what follows."""
    sink = io.BytesIO()
    samples = np.stack([tone(440.0, seconds, 44100)] * channels, axis=1)
    soundfile.write(sink, samples, 44100, format="MP3", bitrate_mode=mode)
    content = sink.getvalue()
    end = content.index(content[:2], 4)
    return content[:end], content[end:]


def mp3_counts() -> Iterator[Sound]:
    """MP3 that count their frames in all ways, or not."""
    two_frames = 2 * 1152 / 44100
    for mode in ("CONSTANT", "VARIABLE"):
        first, others = mp3(mode=mode)
        at = max(first.find(b"Xing"), first.find(b"Info")) + 4
        frames = int.from_bytes(first[at + 4 : at + 8], "big")
        for name, flags, counted in (
            ("no flag of a count", 14, frames),
            ("a count of 0", 15, 0),
            ("half the count", 15, frames // 2),
        ):
            changed = bytearray(first)
            struct.pack_into(">II", changed, at, flags, counted)
            yield Sound(f"MP3, {mode}, {name}", changed + others, SECONDS, two_frames)
        title = b"TIT2\0\0\0\x05\0\0\0Info"
        tag = b"ID3\4\0\0\0\0\0" + bytes([len(title)]) + title
        yield Sound(f"MP3, {mode}, no count, called Info", tag + others, SECONDS, two_frames)
        yield Sound(f"MP3, {mode}, called Info", tag + first + others, SECONDS, 1e-4)
        id3v1 = b"TAG".ljust(128, b"\0")
        yield Sound(f"MP3, {mode}, two joined", 2 * (first + others), 2 * SECONDS, 1e-4)
        yield Sound(f"MP3, {mode}, joined, tags", 2 * (first + others + id3v1), 2 * SECONDS, 1e-4)


def by_programs(folder: Path) -> Iterator[Sound]:
    """What ffmpeg, sox, lame, opusenc and flac write, as far as they are installed."""
    for rate in (22050, 44100, 48000):
        source = folder / f"{rate}.wav"
        source.write_bytes(encoded(tone(440.0, SECONDS, rate), rate))
        for name, command in {**FFMPEG, **OTHERS}.items():
            target = folder / f"made.{name.rpartition('.')[2]}"
            if name in FFMPEG:
                output = "pipe:1" if name in PIPES else "{target}"
                command = f"ffmpeg -y -v error -i {{source}} {command} {output}"
            words = [word.format(source=source, target=target) for word in command.split()]
            if not shutil.which(words[0]):
                continue
            target.unlink(missing_ok=True)
            ended = subprocess.run(words, capture_output=True, check=True)
            content = ended.stdout if name in PIPES else target.read_bytes()
            padding = PADDED.get(name, PADDED.get(target.suffix, 0)) / rate
            yield Sound(f"{name} {rate}", content, SECONDS, max(0.05, padding))


def faults(sounds: Iterable[Sound], folder: Path) -> list[str]:
    """What is wrong with the answers for whole files, and for what is cut of them."""
    found = []
    for sound in sounds:
        (folder / "clip").write_bytes(sound.content)
        facts = audio.inspect(folder / "clip", 0.05, 300.0)
        if facts.status != "ok" or abs(facts.seconds - sound.seconds) > sound.tolerance:
            found.append(f"{sound.name}: {facts}")
        heard = audio.load(folder / "clip", facts.sample_rate, cut=True)
        level = np.sqrt(np.mean(heard**2)) / LEVEL
        if abs(level - 1) > 0.15:
            found.append(f"{sound.name}: {level:.2f} times as loud")
        (folder / "clip").write_bytes(sound.content[: round(CUT * len(sound.content))])
        facts = audio.inspect(folder / "clip", 0.05, 300.0)
        if sound.is_told_when_cut and not facts.problem:
            found.append(f"{sound.name}, cut: {facts}")
        if facts.seconds > 0.9 * sound.seconds:
            found.append(f"{sound.name}, cut: {facts.seconds} s")
    return found
