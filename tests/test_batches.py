"""Batches: which clips, crops and masks they hold, what mixup does, what memory they take."""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from earmark.features import store
from earmark.inference import batches
from earmark.inference.batches import Augmentation, Batch, Crops, Examples, prefetch

CPU = torch.device("cpu")
PLAIN = Augmentation()
UNNAMED: list[str] = []


class Pictures:
    """A store of pictures of one size; clip ``row`` is filled with its row number."""

    fixed = True
    shape = (3, 2)
    unit, padding = 255, 255

    def images(self, rows):
        return np.broadcast_to(rows[:, None, None], (len(rows), 3, 2)).astype(np.uint8)


def clips(count, classes=4):
    rows = np.random.default_rng(count).permutation(250)[:count]
    names = [f"{row}.wav" for row in rows]
    return Examples(rows, rows % classes, (rows + 1).astype(np.float32), names)


def epoch(examples, batch_clips=4, seed=1, augmentation=PLAIN, source=None, crop=0):
    return list(
        batches.training_batches(
            source or Pictures(), examples, 4, batch_clips, crop, augmentation, CPU, seed
        )
    )


def rows_in(batch):
    return (batch.inputs[:, 0, 0] * 255).round().int().tolist()


@given(st.integers(1, 60), st.integers(2, 20), st.integers(0, 1000))
def test_an_epoch_has_each_clip_once_with_its_label_and_weight(count, batch_clips, seed):
    examples = clips(count)
    found = epoch(examples, batch_clips, seed)
    rows = [row for batch in found for row in rows_in(batch)]
    assert sorted(rows) == sorted(examples.rows.tolist())
    for batch in found:
        assert batch.inputs.shape == (len(batch.weights), 3, 2)
        assert batch.targets.tolist() == [
            [float(row % 4 == k) for k in range(4)] for row in rows_in(batch)
        ]
        assert batch.weights.tolist() == [row + 1 for row in rows_in(batch)]
        assert batch.clips == [f"{row}.wav" for row in rows_in(batch)]


@given(st.integers(1, 60), st.integers(2, 20))
def test_batches_are_full_and_none_has_one_clip(count, batch_clips):
    sizes = [len(batch.weights) for batch in epoch(clips(count), batch_clips)]
    assert all(size == batch_clips for size in sizes[:-1])
    if count > 1:
        assert 2 <= sizes[-1] <= batch_clips + 1
    else:
        assert sizes == [1]


def test_the_last_clip_alone_joins_the_batch_before():
    sizes = [[len(batch.weights) for batch in epoch(clips(n))] for n in (7, 8, 9, 10)]
    assert sizes == [[4, 3], [4, 4], [4, 5], [4, 4, 2]]


def test_same_seed_same_batches_and_another_seed_others():
    augmentation = Augmentation(mixup_alpha=0.4, mask_bands=1, mask_frames=1)
    first, again, other = (epoch(clips(30), 8, seed, augmentation) for seed in (5, 5, 6))
    for one, two in zip(first, again, strict=True):
        assert torch.equal(one.inputs, two.inputs)
        assert torch.equal(one.targets, two.targets)
        assert torch.equal(one.weights, two.weights)
    assert not torch.equal(first[0].inputs, other[0].inputs)


def test_order_is_shuffled():
    examples = clips(30)
    found = [row for batch in epoch(examples) for row in rows_in(batch)]
    assert found != examples.rows.tolist()


def test_bytes_become_numbers_from_0_to_1():
    found = batches.as_inputs(np.array([[[0, 51, 255]]], np.uint8), 255, CPU)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, torch.tensor([[[0.0, 0.2, 1.0]]]))


@given(
    st.lists(st.integers(0, 400), min_size=1, max_size=20), st.integers(1, 200), st.integers(0, 99)
)
def test_random_crops_lie_within_longer_clips_and_around_shorter_ones(lengths, frames, seed):
    starts = batches.random_starts(np.array(lengths), frames, np.random.default_rng(seed))
    assert starts.shape == (len(lengths),)
    for start, length in zip(starts.tolist(), lengths, strict=True):
        if length >= frames:
            assert start >= 0
            assert start + frames <= length
        else:
            assert start <= 0
            assert start + frames >= length


@pytest.mark.parametrize(("length", "expected"), [(13, {0, 1, 2, 3}), (10, {0}), (8, {-2, -1, 0})])
def test_random_crops_reach_both_ends(length, expected):
    lengths = np.full(300, length)
    starts = batches.random_starts(lengths, 10, np.random.default_rng(0))
    assert set(starts.tolist()) == expected


@given(st.integers(0, 2000), st.integers(1, 200), st.integers(1, 12))
def test_even_crops_are_different_reach_both_ends_and_stay_inside(length, frames, crops):
    starts = batches.even_starts(length, frames, crops).tolist()
    assert 1 <= len(starts) <= crops
    assert starts == sorted(set(starts))
    if length <= frames:
        before, after = -starts[0], starts[0] + frames - length
        assert len(starts) == 1
        assert before >= 0
        assert after >= 0
        assert abs(before - after) <= 1  # in the middle
    elif len(starts) > 1:
        assert (starts[0], starts[-1]) == (0, length - frames)
        gaps = np.diff(starts)
        assert gaps.max() - gaps.min() <= 1
    else:
        assert crops == 1
        assert abs(2 * starts[0] - (length - frames)) <= 1


@given(st.integers(1, 2000), st.integers(1, 200))
def test_enough_even_crops_leave_no_gap_and_are_no_more_than_needed(length, frames):
    starts = batches.even_starts(length, frames, 10_000)
    assert (np.diff(starts) <= frames).all()
    assert len(starts) == max(1, -(-length // frames))


def test_even_crops_by_hand():
    assert batches.even_starts(10, 4, 3).tolist() == [0, 3, 6]
    assert batches.even_starts(10, 4, 2).tolist() == [0, 6]
    assert batches.even_starts(10, 4, 1).tolist() == [3]
    assert batches.even_starts(5, 4, 9).tolist() == [0, 1]
    assert batches.even_starts(4, 4, 9).tolist() == [0]
    assert batches.even_starts(1, 4, 9).tolist() == [-2]


def runs_of(hidden):
    """Lengths of the runs of True in a row."""
    text = "".join("x" if place else " " for place in hidden)
    return [len(run) for run in text.split()]


@pytest.mark.parametrize(("name", "axis", "size"), [("mask_bands", 1, 6), ("mask_frames", 2, 9)])
def test_masks_hide_one_run_of_whole_bands_or_frames(name, axis, size):
    inputs = torch.full((400, 6, 9), 0.5)
    batch = Batch(inputs, torch.ones(400, 1), torch.ones(400), UNNAMED)
    found = batches.augment(batch, Augmentation(**{name: 3}), 1.0, seed=0)
    hidden = (found.inputs == 1.0).numpy()
    assert ((found.inputs == 0.5).numpy() == ~hidden).all()
    across = hidden.any(axis=3 - axis)  # (clip, place along the masked axis)
    assert (hidden.all(axis=3 - axis) == across).all()
    runs = [runs_of(row) for row in across]
    assert {len(run) for run in runs} == {0, 1}
    assert {sum(run) for run in runs} == {0, 1, 2, 3}
    assert across.any(axis=0).all()  # every place is hidden sometimes
    assert across.shape[1] == size
    assert (inputs == 0.5).all()  # the batch itself is left alone


def test_both_masks_together_hide_a_cross():
    batch = Batch(torch.zeros(200, 6, 9), torch.ones(200, 1), torch.ones(200), UNNAMED)
    found = batches.augment(batch, Augmentation(mask_bands=2, mask_frames=2), 1.0, seed=0)
    hidden = found.inputs.numpy() == 1.0
    bands, frames = hidden.all(axis=2), hidden.all(axis=1)
    assert (hidden == bands[:, :, None] | frames[:, None, :]).all()
    assert (bands.any(axis=1) & frames.any(axis=1)).any()


def test_masks_wider_than_the_input_are_cut_to_it():
    batch = Batch(torch.zeros(50, 2, 3), torch.ones(50, 1), torch.ones(50), UNNAMED)
    found = batches.augment(batch, Augmentation(mask_bands=99), 1.0, seed=0)
    assert {int(n) for n in (found.inputs[:, :, 0] == 1).sum(dim=1)} == {0, 1, 2}


def test_no_augmentation_changes_nothing():
    batch = Batch(torch.rand(4, 2, 3), torch.eye(4), torch.rand(4), list("abcd"))
    found = batches.augment(batch, PLAIN, 1.0, seed=0)
    assert torch.equal(found.inputs, batch.inputs)
    assert torch.equal(found.targets, batch.targets)
    assert torch.equal(found.weights, batch.weights)


def test_mixup_mixes_inputs_targets_and_weights_in_the_same_shares():
    count = 40
    # Clip i is 1 in band i only: the mixed inputs show each clip's share.
    inputs = torch.eye(count)[:, :, None].expand(count, count, 2).contiguous()
    weights = torch.arange(1.0, count + 1)
    found = batches.augment(
        Batch(inputs, torch.eye(count), weights, UNNAMED),
        Augmentation(mixup_alpha=0.4),
        1.0,
        seed=3,
    )
    shares = found.inputs[:, :, 0]
    torch.testing.assert_close(found.inputs[:, :, 1], shares)
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(count))
    assert (shares.diagonal() >= 0.5).all()
    assert ((shares > 0).sum(dim=1) <= 2).all()
    partners = (shares - torch.diag(shares.diagonal())) > 0
    assert (partners.sum(dim=0) <= 1).all()  # nobody is lent twice
    assert ((shares.diagonal() > 0.5) & (shares.diagonal() < 0.999)).sum() > 10
    torch.testing.assert_close(found.targets, shares)
    torch.testing.assert_close(found.weights, shares @ weights)


def test_mixup_of_power_is_that_of_the_waveforms():
    # Two noises of known power, far apart in frequency and together: powers of their sum.
    rng = np.random.default_rng(0)
    noises = rng.normal(size=(2, 400_000)) * np.array([[1.0], [0.1]])  # 0 and -20 dB
    share = 0.6
    added = (share * noises[0] + (1 - share) * noises[1]) / np.hypot(share, 1 - share)
    expected = -10 * np.log10(added.var() / noises[0].var()) / 80
    one, other = torch.zeros(1, 1, 1), torch.full((1, 1, 1), 20 / 80)
    found = batches.mixed_power(one, other, torch.tensor(share), 80.0)
    assert found.item() == pytest.approx(expected, abs=5e-4)
    # Equal levels stay, whatever the share; silence is no lower than the range.
    for level in (0.0, 0.3, 1.0):
        same = torch.full((2, 3, 4), level)
        torch.testing.assert_close(batches.mixed_power(same, same, torch.tensor(0.8), 60.0), same)


def test_mixup_of_power_is_what_batches_get():
    inputs, targets = torch.rand(8, 3, 5), torch.eye(8)
    batch = Batch(inputs, targets, torch.ones(8), UNNAMED)
    mixed = Augmentation(mixup_alpha=1.0, mixup_of="power", range_db=60.0)
    found, plain = (
        batches.augment(batch, one, 1.0, seed=5) for one in (mixed, Augmentation(mixup_alpha=1.0))
    )
    torch.testing.assert_close(found.targets, plain.targets)
    for row, target in enumerate(found.targets):
        share = target[row]
        partner = int((target - targets[row] * share).argmax())
        expected = batches.mixed_power(inputs[row], inputs[partner], share, 60.0)
        torch.testing.assert_close(found.inputs[row], expected)


def test_mixup_shares_follow_the_beta_distribution():
    # max(x, 1 - x) of Beta(1, 1) is even on [0.5, 1]: mean 0.75, deviation 1 / sqrt 48.
    count = 2000
    batch = Batch(torch.zeros(count, 1, 1), torch.eye(count), torch.ones(count), UNNAMED)
    share = batches.augment(batch, Augmentation(mixup_alpha=1.0), 1.0, seed=0).targets.diagonal()
    assert share.mean().item() == pytest.approx(0.75, abs=0.01)
    assert share.std().item() == pytest.approx(1 / np.sqrt(48), abs=0.006)


def test_mixup_leaves_a_single_clip_alone():
    batch = Batch(torch.rand(1, 2, 3), torch.ones(1, 1), torch.ones(1), ["a"])
    found = batches.augment(batch, Augmentation(mixup_alpha=0.4), 1.0, seed=0)
    assert torch.equal(found.inputs, batch.inputs)


@pytest.fixture
def ragged(tmp_path):
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 255, (n, 3)).astype(np.uint8) for n in (10, 2, 4, 9)]
    names = ["a", "b", "c", "d"]
    store.write_features(tmp_path / "f.h5", names, frames, (3, 0), False, settings={})
    with store.FeatureStore(tmp_path / "f.h5") as found:
        yield found, frames


def test_training_crops_are_pieces_of_their_clips(ragged):
    source, frames = ragged
    examples = Examples(np.array([0, 3]), np.array([0, 3]), np.ones(2, np.float32), list("ad"))
    seen = set()
    for seed in range(30):
        (batch,) = epoch(examples, 2, seed, source=source, crop=4)
        assert batch.inputs.shape == (2, 3, 4)
        for crop, target in zip(batch.inputs, batch.targets, strict=True):
            clip = frames[int(target.argmax())]
            pieces = [clip[s : s + 4].T for s in range(len(clip) - 3)]
            places = [s for s, piece in enumerate(pieces) if (crop * 255 - piece).abs().max() < 0.5]
            assert len(places) == 1
            seen.add((int(target.argmax()), places[0]))
    assert len(seen) > 8  # of 7 + 6 places


def test_prediction_crops_by_hand(ragged):
    source, frames = ragged
    rows = np.array([3, 1, 0])
    found = list(batches.prediction_batches(source, rows, Crops(4, 3, 4), CPU))
    assert [len(places) for places, _ in found] == [4, 3]
    assert np.concatenate([places for places, _ in found]).tolist() == [0, 0, 0, 1, 2, 2, 2]
    inputs = torch.cat([values for _, values in found]) * 255
    floor = np.full((1, 3), 255)
    expected = [
        *(frames[3][s : s + 4] for s in (0, 2, 5)),  # 5 to spare: 0, 2.5, 5; halves go to even
        np.concatenate([floor, frames[1], floor]),
        *(frames[0][s : s + 4] for s in (0, 3, 6)),
    ]
    np.testing.assert_allclose(inputs, np.array([e.T for e in expected]), atol=1e-3)


def test_prediction_pictures_keep_the_order_of_the_rows():
    rows = np.array([7, 3, 3, 200, 0])
    found = list(batches.prediction_batches(Pictures(), rows, Crops(0, 3, 2), CPU))
    assert [places.tolist() for places, _ in found] == [[0, 1], [2, 3], [4]]
    values = torch.cat([inputs for _, inputs in found])[:, 0, 0] * 255
    np.testing.assert_allclose(values, rows, atol=1e-3)
    assert list(batches.prediction_batches(Pictures(), rows[:0], Crops(0, 3, 2), CPU)) == []


def test_prefetch_keeps_the_order_and_stays_a_few_parts_ahead():
    asked = []

    def read(part):
        asked.append(part)
        return np.array([part])

    stream = prefetch(read, range(20), ahead=2)
    for expected in range(20):
        assert next(stream).tolist() == [expected]
        assert len(asked) <= expected + 3
    assert asked == list(range(20))


def test_prefetch_passes_a_readers_error_on():
    def read(part):
        raise OSError(f"part {part} cannot be read")

    with pytest.raises(OSError, match="part 0"):
        list(prefetch(read, [0, 1]))


STREAM = """
    import resource, sys
    from pathlib import Path

    import numpy as np
    import torch

    from earmark.inference import batches
    from earmark.features import store

    fixed = sys.argv[1] == "fixed"
    row = (128, 256) if fixed else (512, 64)

    def one_pass(count):
        path = Path(sys.argv[2], f"{count}.h5")
        rows = (np.full(row, i % 251, np.uint8) for i in range(count))
        shape = (128, 256) if fixed else (64, 0)
        names = [f"{i}.wav" for i in range(count)]
        store.write_features(path, names, rows, shape, fixed, settings={})
        number = np.arange(count)
        examples = batches.Examples(number, number % 3, np.ones(count, np.float32), [""] * count)
        size = 0
        with store.FeatureStore(path) as features:
            for batch in batches.training_batches(
                features, examples, 3, 16, 256, batches.Augmentation(mixup_alpha=0.4),
                torch.device("cpu"), 1,
            ):
                size += len(batch.inputs)
            for places, inputs in batches.prediction_batches(
                features, number, batches.Crops(256, 2, 16), torch.device("cpu")
            ):
                size += len(set(places.tolist()))
        assert size >= 2 * count
        path.unlink()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    print(one_pass(300), one_pass(3000))
"""


@pytest.mark.parametrize("kind", ["fixed", "ragged"])
def test_memory_does_not_grow_with_the_number_of_clips(tmp_path, kind):
    # 10 against 98 million bytes, written and read in one process each.
    script = tmp_path / "stream.py"
    script.write_text(textwrap.dedent(STREAM))
    done = subprocess.run(
        [sys.executable, script, kind, tmp_path],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(Path(batches.__file__).parents[2]), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    few, many = map(float, done.stdout.split())
    assert many - few < 30
