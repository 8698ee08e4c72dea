"""Blocks of a clip's spectrum against an explicit Fourier matrix, wherever their borders fall."""

import numpy as np
import pytest
import torch

from earmark.features import power_spectra

WINDOW, HOP = 64, 24


def slow_powers(samples, window, hop):
    """|DFT|^2 (1 + n // hop, window / 2 + 1) of centred, zero-padded, periodic-Hann frames."""
    place = np.arange(window)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * place / window)
    padded = np.concatenate([np.zeros(window // 2), samples.astype(float), np.zeros(window)])
    frames = [padded[t * hop : t * hop + window] * hann for t in range(1 + len(samples) // hop)]
    frequency = np.arange(window // 2 + 1)[:, None]
    return np.abs(np.array(frames) @ np.exp(-2j * np.pi * frequency * place / window).T) ** 2


def noise(count):
    return np.random.default_rng(count).normal(0, 0.1, count).astype(np.float32)


@pytest.mark.parametrize("block_frames", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("count", [1, 23, 24, 31, 32, 33, 63, 64, 65, 95, 96, 97, 500, 719, 720])
def test_powers_agree_with_a_fourier_matrix(monkeypatch, block_frames, count):
    monkeypatch.setattr(power_spectra, "BLOCK_SAMPLES", block_frames * WINDOW)
    found = power_spectra.powers(noise(count), torch.hann_window(WINDOW), HOP)
    expected = slow_powers(noise(count), WINDOW, HOP)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("block_frames", [3, 1000])
@pytest.mark.parametrize("hop", [64, 100])
def test_hops_of_a_window_and_more(monkeypatch, block_frames, hop):
    monkeypatch.setattr(power_spectra, "BLOCK_SAMPLES", block_frames * WINDOW)
    found = power_spectra.powers(noise(1000), torch.hann_window(WINDOW), hop)
    np.testing.assert_allclose(found, slow_powers(noise(1000), WINDOW, hop), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("block_frames", [3, 1000])
@pytest.mark.parametrize("bands", [1, 5, 16, 17, 40])
def test_filters_sum_powers_up(monkeypatch, block_frames, bands):
    monkeypatch.setattr(power_spectra, "BLOCK_SAMPLES", block_frames * WINDOW)
    weights = torch.rand(WINDOW // 2 + 1, bands, generator=torch.Generator().manual_seed(0))
    # Filters that hear some bins, only the first, only the last, and none.
    weights[:9, : bands // 2] = weights[20:, : bands // 2] = 0
    weights[1:, 16:20] = weights[:-1, 20:25] = weights[:, 32:] = 0
    hann, filters = torch.hann_window(WINDOW), power_spectra.filters_of(weights)
    found = power_spectra.powers(noise(700), hann, HOP, filters)
    expected = slow_powers(noise(700), WINDOW, HOP) @ weights.numpy()
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_levels_are_bels_below_the_maximum_down_to_the_range():
    found = power_spectra.relative_levels(np.array([[4e-3, 4e-4], [4e-12, 0.0]], np.float32), 60.0)
    np.testing.assert_allclose(found, [[0, -1], [-6, -6]], atol=1e-6)


@pytest.mark.parametrize("power", [0.0, np.inf, np.nan])
def test_without_a_finite_maximum_there_are_no_levels(power):
    assert power_spectra.relative_levels(np.full((2, 2), power, np.float32), 80.0) is None


def test_bytes_count_down_from_the_maximum_and_round():
    # 255 steps in 51 dB: five to a dB.
    levels = np.array([0, -0.1, -0.11, -0.13, -5.1, 0.3, -7.0], np.float32)
    found = power_spectra.to_bytes(levels, 51.0)
    assert found.dtype == np.uint8
    assert found.tolist() == [0, 5, 6, 7, 255, 0, 255]
