"""What the benchmarks make of their measurements, worked by hand; nothing is timed here."""

import os

import gpu
import measuring
import pytest
import rehearsal
import training
import yaml

from earmark.features.store import FeatureStore

REPORT = yaml.safe_load((measuring.REPO / "presets/report2018.yaml").read_text())


def test_ways_are_taken_in_turn_and_the_first_round_does_not_count():
    order = []
    ways = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    seconds = measuring.in_turn(ways, 2)
    assert "".join(order) == "ababab"
    assert {name: len(times) for name, times in seconds.items()} == {"a": 2, "b": 2}


def test_numbers_in_words():
    assert measuring.spread_of([3.0, 1.0, 2.0], ".1f") == "2.0 (1.0 to 3.0)"
    assert measuring.ratios([2.0, 9.0], [1.0, 3.0]) == [2.0, 3.0]
    assert measuring.table(("a", "b"), [(1, 2)]) == "| a | b |\n| --- | ---: |\n| 1 | 2 |"


def test_a_process_tells_its_result_and_its_memory(tmp_path, monkeypatch):
    # It holds its memory until that has been seen, however slow the machine is.
    seen = tmp_path / "seen"
    count = measuring._proportional_bytes

    def counted(pid):
        found = count(pid)
        if found > 3e8:
            seen.touch()
        return found

    monkeypatch.setattr(measuring, "_proportional_bytes", counted)
    code = (
        "import json, os, sys, time; x = bytearray(3 * 10**8)\n"
        "while not os.path.exists(sys.argv[1]): time.sleep(0.01)\n"
        "print(json.dumps({}))"
    )
    assert 0.3 < measuring.in_process(code, seen)["gigabytes"] < 0.4
    code = "import json, sys; print('noise'); print(json.dumps({'gigabytes': float(sys.argv[1])}))"
    assert measuring.in_process(code, 7.5) == {"gigabytes": 7.5}


def write_note(folder, name, end, seconds, megabytes):
    path = folder / rehearsal.RESULTS / "benchmarks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\th:m:s\tmax_rss\tmax_pss\n{seconds}\t-\t1\t{megabytes}\n")
    os.utime(path, (end, end))


def test_time_without_jobs_is_snakemakes(tmp_path):
    write_note(tmp_path, "inspect_clips/train.tsv", 1010, 10.0, "80.5")  # 1000 to 1010
    write_note(tmp_path, "train_model/a/x.tsv", 1025, 10.0, "300")  # 1015 to 1025
    write_note(tmp_path, "train_model/b/x.tsv", 1035, 15.0, "-")  # 1020 to 1035
    (tmp_path / rehearsal.RESULTS / "clips").mkdir()
    (tmp_path / rehearsal.RESULTS / "clips/train.csv").write_bytes(bytes(2_000_000))
    jobs = list(rehearsal.jobs_in(tmp_path))
    assert rehearsal.covered(jobs) == pytest.approx(30)
    text = rehearsal.section(tmp_path, 40.0)
    assert "| inspect_clips | 1 | 10 | 80 | 2 |" in text
    assert "| train_model | 2 | 25 | 300 |" in text
    assert "25.0% passed without any of these jobs" in text
    # Without the whole time, what lies between the first begin and the last end: 35 s.
    assert "14.3% passed" in rehearsal.section(tmp_path, None)


@pytest.mark.parametrize(
    ("entry", "network", "shape", "clips"),
    [
        ("fewer_latent", "vgg_fewer", (513, 439), 4904),
        ("longer_window", "cnn2d_spectrogram", (1025, 439), 3339),
        ("mfcc_2d", "cnn2d_mfcc", (40, 173), 3339),
        ("raw_1d", "cnn1d_raw", (1, 32000), 3339),
        ("all_data", "cnn2d_spectrogram", (513, 439), 8525),
    ],
)
def test_trainings_of_the_report_as_cases(entry, network, shape, clips):
    case = gpu.report_case(REPORT, REPORT["systems"][entry], reduced=False)
    assert (case.network, case.shape, case.clips) == (network, shape, clips)


def test_the_autoencoder_learns_from_all_clips():
    case = gpu.report_case(REPORT, REPORT["autoencoders"]["report"], reduced=False)
    assert (case.network, case.shape, case.clips) == ("autoencoder", (513, 439), 16985)


def test_epochs_of_the_products_loop_are_timed(tmp_path):
    training.write_noise(tmp_path / "noise.h5", 64)
    clock = training.Clock()
    with FeatureStore(tmp_path / "noise.h5") as features:
        machine = training.prepared(1, "float32")
        training.train(training.network(4), features, machine, clock, clips=64, epochs=2)
    assert len(clock.epochs) == 2
