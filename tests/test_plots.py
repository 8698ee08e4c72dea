"""Figures of labels and training show the data: artists are read back and compared with it."""

import json
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
import plot_classes
import plot_history
import plot_schedule
import pytest
from drawn import assert_same_bytes, labelled_clips, write_tables
from matplotlib.colors import to_hex

from earmark.reporting import class_counts, figures, training_curves, tsne


def test_styles_of_41_classes_differ():
    styles = {
        (figures.COLOURS[n % len(figures.COLOURS)], figures.MARKS[n % len(figures.MARKS)])
        for n in range(41)
    }
    assert len(styles) == 41


ODD = ["$x$", r"$\frac$", "a$b", "<b>&amp;", r"\n", "%s", "{0}", "--", "_hidden", "猫"]


@pytest.mark.filterwarnings("ignore:Glyph")  # not every font has every script
def test_names_that_look_like_formulas_are_drawn_as_they_are(tmp_path):
    names = [f"{number}.wav" for number in range(len(ODD))]
    clips = labelled_clips([(n, label, 1, 1.0) for n, label in zip(names, ODD, strict=True)])
    counts = class_counts.count_clips(clips)
    assert_same_bytes(lambda: class_counts.clips_per_class(counts), tmp_path)
    points = np.arange(2.0 * len(ODD)).reshape(-1, 2)
    figure = tsne.before_and_after(points, ODD, ODD, "$5 of $6")
    figures.save(figure, tmp_path / "a.png", tmp_path / "a.svg")
    drawn = [text.get_text() for axes in figure.axes for text in axes.get_legend().get_texts()]
    written = [name.replace("_", " ") + " (1)" for name in ODD]
    assert sorted(drawn) == sorted(2 * written)


ROWS = [
    ("a", "Oboe", 1, 1.0),
    ("b", "Oboe", 0, 1.0),
    ("c", "Bark", 0, 1.0),
    ("d", "Bark", 0, 1.0),
    ("e", "Bark", 1, 1.0),
    ("f", "Hi-hat", 1, 1.0),
    ("g", "Hi-hat", 1, 1.0),
    ("h", "Drawer_open_or_close", 1, 1.0),
]
COUNTS = [
    ["Bark", 1, 2, 3],
    ["Hi-hat", 2, 0, 2],
    ["Oboe", 1, 1, 2],
    ["Drawer_open_or_close", 1, 0, 1],
]


def test_counts_of_classes_by_hand():
    found = class_counts.count_clips(labelled_clips(ROWS))
    assert list(found.columns) == ["label", "verified", "unverified", "clips"]
    assert found.to_numpy().tolist() == COUNTS


def legend_of(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_where_all_is_verified_nothing_is_said_of_other_clips():
    counts = class_counts.count_clips(labelled_clips([row for row in ROWS if row[2]]))
    figure = class_counts.clips_per_class(counts)
    assert legend_of(figure) == ["verified"]
    (axes,) = figure.axes
    (bars,) = axes.containers
    assert [bar.get_width() for bar in bars] == counts["clips"].tolist()
    assert [text.get_text() for text in axes.texts] == counts["clips"].astype(str).tolist()


def test_bars_are_the_counts(tmp_path):
    figure = class_counts.clips_per_class(class_counts.count_clips(labelled_clips(ROWS)))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    verified, rest = axes.containers
    assert [bar.get_width() for bar in verified] == [1, 2, 1, 1]
    assert [bar.get_x() for bar in verified] == [0, 0, 0, 0]
    assert [bar.get_width() for bar in rest] == [2, 0, 1, 0]
    assert [bar.get_x() for bar in rest] == [1, 2, 1, 1]
    names = ["Bark", "Hi-hat", "Oboe", "Drawer open or close"]
    assert [text.get_text() for text in axes.get_yticklabels()] == names
    assert [text.get_text() for text in axes.texts] == ["3", "2", "2", "1"]
    assert axes.yaxis_inverted()  # the first row on top
    assert legend_of(figure) == ["verified", "unverified"]
    assert_same_bytes(
        lambda: class_counts.clips_per_class(class_counts.count_clips(labelled_clips(ROWS))),
        tmp_path,
    )


def test_names_of_41_classes_do_not_overlap():
    rows = [(f"{n}.wav", f"Class_number_{n:02}", n % 2, 1.0) for n in range(41)]
    figure = class_counts.clips_per_class(class_counts.count_clips(labelled_clips(rows)))
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].get_yticklabels()]
    assert len(boxes) == 41
    assert all(above.y0 > below.y1 for above, below in pairwise(boxes))
    assert min(box.x0 for box in boxes) >= 0


def test_of_500_classes_the_largest_and_the_smallest_are_drawn():
    rows = [(f"{n}.{m}", f"Class_{n:03}", 1, 1.0) for n in range(500) for m in range(1 + n // 10)]
    counts = class_counts.count_clips(labelled_clips(rows))
    assert len(counts) == 500
    figure = class_counts.clips_per_class(counts)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    drawn = [text.get_text().replace(" ", "_") for text in axes.get_yticklabels()]
    assert drawn == [*counts["label"][:30], *counts["label"][-30:]]
    assert [text.get_text() for text in axes.texts] == [str(50 - n // 10) for n in range(30)] + [
        str(3 - n // 10) for n in range(30)
    ]
    assert "500" in axes.get_title()
    boxes = [axes.title.get_window_extent(), figure.legends[0].get_window_extent()]
    assert not boxes[0].overlaps(boxes[1])


def test_names_of_100_characters_leave_room_for_the_data():
    names = ["a" * 100, "Chink, clink", "b" * 99 + "c"]
    clips = labelled_clips([(str(n), label, 1, 1.0) for n, label in enumerate(names)])
    figure = class_counts.clips_per_class(class_counts.count_clips(clips))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert axes.get_position().width > 0.5
    drawn = [text.get_text() for text in axes.get_yticklabels()]
    assert len(set(drawn)) == 3
    assert max(map(len, drawn)) == 40
    points = np.arange(6.0).reshape(-1, 2)
    figure = tsne.before_and_after(points, names, names, "title")
    figure.draw_without_rendering()
    assert all(axes.get_position().width > 0.4 for axes in figure.axes)


def test_of_many_classes_the_largest_are_coloured_and_no_clip_is_left_out():
    points, given = clouds(300, 2)
    given[-1] = given[-2] = "class_100"  # the largest
    figure = tsne.before_and_after(points, given, given, "title")
    coloured = {part.get_label() for axes in figure.axes for part in axes.collections[1:]}
    assert len(coloured) == 80
    assert "class 100 (4)" in coloured
    for axes in figure.axes:
        assert sum(len(part.get_offsets()) for part in axes.collections) == len(points)
        styles = {
            (to_hex(part.get_facecolor()[0]), part.get_paths()[0].vertices.tobytes())
            for part in axes.collections[1:]
        }
        assert len(styles) == 20
    assert "80 largest of 299 classes" in figure.get_suptitle()


def test_script_of_the_classes_writes_the_counts(tmp_path):
    files = write_tables(tmp_path, [*ROWS, ("i", "Oboe", 1, 0.0)], unusable=["i"])
    out = {name: str(tmp_path / f"classes.{name}") for name in ("csv", "png", "svg")}
    plot_classes.main(**files, **out)
    assert pd.read_csv(out["csv"]).to_numpy().tolist() == COUNTS


def clouds(classes, clips):
    rng = np.random.default_rng(0)
    given = [f"class_{number:02}" for number in range(classes) for _ in range(clips)]
    return rng.normal(size=(len(given), 2)), given


@pytest.mark.parametrize("classes", [1, 3, 10, 41])
def test_every_clip_of_every_class_is_drawn_in_its_place(classes):
    points, given = clouds(classes, 3)
    after = [label if number % 3 else "" for number, label in enumerate(given)]
    figure = tsne.before_and_after(points, given, after, "title")
    panels = [axes for axes in figure.axes if axes.collections]
    # Up to twelve classes fit into one panel.
    assert len(panels) == 2 * {1: 1, 3: 1, 10: 1, 41: 4}[classes]
    for side, labels in ((panels[::2], given), (panels[1::2], after)):
        drawn = []
        for axes in side:
            grey, *coloured = axes.collections
            # Nothing is left out of a panel: what has no colour there is grey.
            assert sum(len(part.get_offsets()) for part in axes.collections) == len(points)
            styles = {
                (to_hex(part.get_facecolor()[0]), part.get_paths()[0].vertices.tobytes())
                for part in coloured
                if len(part.get_offsets())
            }
            assert len(styles) == len(coloured)
            assert to_hex(grey.get_facecolor()[0]) not in {colour for colour, _ in styles}
            for part in coloured:
                name = part.get_label().rsplit(" (", 1)[0].replace(" ", "_")
                expected = points[[label == name for label in labels]]
                np.testing.assert_array_equal(part.get_offsets(), expected)
                assert part.get_label().endswith(f"({len(expected)})")
                drawn.append(name)
        assert drawn == sorted(set(given))


@pytest.mark.parametrize("classes", [1, 22, 41])
def test_the_same_classes_lie_side_by_side_and_nothing_overlaps(classes):
    points, given = clouds(classes, 3)
    figure = tsne.before_and_after(points, given, given, "title")
    figure.draw_without_rendering()
    for before, after in zip(figure.axes[::2], figure.axes[1::2], strict=True):
        left, right = before.get_position(), after.get_position()
        assert (left.y0, left.y1) == pytest.approx((right.y0, right.y1))
        assert left.x1 < right.x0
    drawn = [axes.get_window_extent() for axes in figure.axes]
    drawn += [axes.get_legend().get_window_extent() for axes in figure.axes]
    drawn += [text.get_window_extent() for text in figure.texts]
    assert not any(one.overlaps(other) for one, other in combinations(drawn, 2))
    assert all(box.x0 >= 0 and box.y0 >= 0 for box in drawn)
    assert all(box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1 for box in drawn)


def test_verified_clips_have_an_edge_and_wrong_labels_a_cross():
    given, after, true = list("aabbb"), ["a", "b", "b", "", "a"], ["a", "b", "b", "a", ""]
    points = np.arange(10.0).reshape(-1, 2)
    verified = np.array([True, False, False, False, True])
    figure = tsne.before_and_after(points, given, after, "title", verified, true)
    crossed = []
    for axes in figure.axes:
        edges = {}
        for part in axes.collections[1:]:
            widths = np.resize(part.get_linewidths(), len(part.get_offsets()))
            edges |= {
                tuple(place): width for place, width in zip(part.get_offsets(), widths, strict=True)
            }
        assert {place for place, width in edges.items() if width > 0} == {(0, 1), (8, 9)}
        (line,) = axes.lines
        crossed.append(line.get_xydata().tolist())
    # Left: the second and the fourth clip; what is true of the fifth is not known. Right: the
    # second is right now, and the fourth has no label any more.
    assert crossed == [[[2, 3], [6, 7]], []]
    assert legend_of(figure) == ["verified", "wrong label"]


def test_figure_of_the_labels_has_the_same_bytes_again(tmp_path):
    points, given = clouds(5, 4)
    assert_same_bytes(lambda: tsne.before_and_after(points, given, given[::-1], "title"), tmp_path)


def history(epochs, start):
    numbers = np.arange(epochs, dtype=float)
    return pd.DataFrame(
        {
            "epoch": np.arange(1, epochs + 1),
            "train_loss": start - 0.1 * numbers,
            "train_accuracy": 0.5 + 0.01 * numbers,
            "validation_loss": start + 0.1 * numbers,
            "validation_accuracy": 0.4 + 0.01 * numbers,
        }
    )


def rounds_of(lengths):
    parts = [history(length, 3.0 - n).assign(round=n) for n, length in enumerate(lengths)]
    return pd.concat(parts, ignore_index=True)


def test_curves_are_the_history_of_all_rounds(tmp_path):
    table = rounds_of([4, 2, 3])
    figure = training_curves.training_curves(table, "title")
    assert figure.get_suptitle() == "title"
    for axes, name in zip(figure.axes, ("loss", "accuracy"), strict=True):
        curves = {line.get_label(): line for line in axes.lines if line.get_label()[0] != "_"}
        assert sorted(curves) == ["train", "validation"]
        for part, line in curves.items():
            np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 10))
            np.testing.assert_array_equal(line.get_ydata(), table[f"{part}_{name}"])
        # Rounds begin with the fifth and the seventh epoch.
        marks = [line.get_xdata()[0] for line in axes.lines if line.get_label()[0] == "_"]
        assert marks == [4.5, 6.5]
        (upper,) = axes.child_axes
        assert upper.get_xticks().tolist() == [0.5, 4.5, 6.5]
        assert [text.get_text() for text in upper.get_xticklabels()] == ["base", "1", "2"]
    assert_same_bytes(lambda: training_curves.training_curves(table, "title"), tmp_path)


def test_thirty_rounds_are_all_marked_and_their_numbers_do_not_overlap():
    figure = training_curves.training_curves(rounds_of([60, *[20] * 30]), "title")
    figure.draw_without_rendering()
    for axes in figure.axes:
        marks = [line.get_xdata()[0] for line in axes.lines if line.get_label()[0] == "_"]
        assert marks == [60.5 + 20 * number for number in range(30)]
        names = axes.child_axes[0].get_xticklabels()
        assert len(names) >= 6
        boxes = [name.get_window_extent() for name in names]
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
        for name in names[1:]:
            assert name.get_position()[0] == 60.5 + 20 * (int(name.get_text()) - 1)


def test_one_model_has_no_rounds_and_a_model_without_validation_no_curve_of_it():
    table = rounds_of([3]).drop(columns=["validation_loss", "validation_accuracy"])
    figure = training_curves.training_curves(table, "title")
    for axes in figure.axes:
        assert [line.get_label() for line in axes.lines] == ["train"]
        assert axes.child_axes == []


@pytest.mark.parametrize(
    ("rounds", "names"),
    [
        ([0, 1], ["base", "1"]),
        ([1, 2], ["1", "2"]),  # one that starts untrained has no base
    ],
)
def test_script_of_the_history_numbers_the_rounds_in_order(tmp_path, monkeypatch, rounds, names):
    paths = [tmp_path / "first.csv", tmp_path / "second.csv"]
    for path, length in zip(paths, (3, 2), strict=True):
        history(length, 1.0).assign(validation_map3=0.7).to_csv(path, index=False)
        model = {"kept_epoch": length - 1, "clips": {"train": 9, "validation": 7}}
        path.with_suffix(".json").write_text(json.dumps(model))
    seen = []
    monkeypatch.setattr(figures, "save", lambda figure, png, svg: seen.append((figure, png, svg)))
    plot_history.main(
        histories=[str(path) for path in paths],
        metadata=[str(path.with_suffix(".json")) for path in paths],
        png="a.png",
        svg="a.svg",
        cfg={"title": "x", "rounds": rounds},
    )
    ((figure, png, svg),) = seen
    assert (png, svg) == ("a.png", "a.svg")
    upper = figure.axes[0].child_axes[0]
    assert [name.get_text() for name in upper.get_xticklabels()] == names
    assert figure.get_suptitle() == "x: 7 validation clips"
    assert [axes.get_ylabel() for axes in figure.axes[1:]] == ["accuracy", "MAP@3"]
    for axes in figure.axes:
        (kept,) = (line for line in axes.lines if line.get_label() == "kept epoch")
        # The second of three epochs, and the first of two after them.
        assert kept.get_xdata().tolist() == [2, 4]
    assert upper.get_xticks().tolist() == [0.5, 3.5]


def test_loss_of_the_autoencoder_and_its_best_epoch(tmp_path):
    table = pd.DataFrame({"train_loss": [1.0, 0.1, 0.05], "validation_loss": [0.9, 0.08, 0.2]})
    figure = training_curves.autoencoder_curves(table)
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.lines}
    assert lines["train"].get_ydata().tolist() == [1.0, 0.1, 0.05]
    assert lines["validation"].get_ydata().tolist() == [0.9, 0.08, 0.2]
    best = lines["lowest: 0.0800 in epoch 2"]
    assert (best.get_xdata(), best.get_ydata()) == ([2], [0.08])
    # Numbers at the logarithmic axis, not formulas.
    figure.draw_without_rendering()
    ticks = [text.get_text() for text in axes.get_yticklabels(which="both") if text.get_text()]
    assert {"0.05", "0.1", "1"} <= set(ticks)
    assert all(float(text) for text in ticks)
    assert_same_bytes(lambda: training_curves.autoencoder_curves(table), tmp_path)


BOUNDS = ("lower_first", "lower_step", "lower_last", "upper")
SCHEDULES = {
    "A": {"rounds": 3, "schedule": dict(zip(BOUNDS, (0.2, 0.25, 0.6, 0.9), strict=True))},
    "B": {"rounds": 5, "schedule": dict(zip(BOUNDS, (0.5, 0.0, 0.6, 0.8), strict=True))},
}


def test_thresholds_of_each_round_by_hand(tmp_path):
    figure = training_curves.thresholds(SCHEDULES)
    expected = [([0.2, 0.45, 0.6], 0.9), ([0.5] * 5, 0.8)]
    assert [axes.get_title() for axes in figure.axes] == ["A: 3 rounds", "B: 5 rounds"]
    for axes, (lower, upper) in zip(figure.axes, expected, strict=True):
        steps = {patch.get_label(): patch.get_data() for patch in axes.patches}
        assert sorted(steps) == ["kept", "lower bound", "upper bound"]
        for name, values in (("lower bound", lower), ("upper bound", [upper] * len(lower))):
            np.testing.assert_allclose(steps[name].values, values)
            np.testing.assert_array_equal(steps[name].edges, np.arange(len(lower) + 1) + 0.5)
        np.testing.assert_allclose(steps["kept"].baseline, lower)
        np.testing.assert_allclose(steps["kept"].values, upper)
    assert_same_bytes(lambda: training_curves.thresholds(SCHEDULES), tmp_path)


def test_script_of_the_schedules(tmp_path):
    out = {name: str(tmp_path / f"schedule.{name}") for name in ("png", "svg")}
    plot_schedule.main(**out, cfg={"schedules": SCHEDULES})
    figures.save(
        training_curves.thresholds(SCHEDULES), tmp_path / "again.png", tmp_path / "again.svg"
    )
    for kind in ("png", "svg"):
        assert (tmp_path / f"schedule.{kind}").read_bytes() == (
            tmp_path / f"again.{kind}"
        ).read_bytes()
