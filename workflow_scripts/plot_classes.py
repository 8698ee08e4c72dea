"""Count and draw the train clips of each class, with a verified label and without."""

from earmark.dataset import clips, tables
from earmark.labels import label_table, selections
from earmark.reporting import class_counts, figures
from earmark.runtime import job


def main(*, labels_table: str, clips_table: str, csv: str, png: str, svg: str) -> None:
    """Write counts of usable clips (label, verified, unverified, clips), and a figure of them."""
    labelled = selections.labelled(label_table.read(labels_table), clips.read(clips_table))
    counts = class_counts.count_clips(labelled)
    tables.write_table(counts, csv)
    figures.save(class_counts.clips_per_class(counts), png, svg)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
