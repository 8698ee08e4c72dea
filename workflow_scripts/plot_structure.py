"""List and draw the layers of a network, as built."""

from typing import Any

from earmark.networks.build import parameter_count
from earmark.report2018 import network_diagram, structure
from earmark.reporting import figures
from earmark.reporting.markdown import Section, write_both
from earmark.runtime import job


def main(*, csv: str, markdown: str, png: str, svg: str, cfg: dict[str, Any]) -> None:
    """Write a table (layer, settings, output, trainable, with_statistics) and a diagram.

    ``cfg`` has ``network`` (a name of the catalogue, or ``autoencoder``), ``network_options``,
    ``input_shape`` (frequency, time), ``classes`` (a number, unused by the autoencoder) and
    ``title``.
    """
    shape = cfg["input_shape"]
    module = structure.build(cfg["network"], cfg["network_options"], shape, cfg["classes"])
    layers = structure.layers_of(module, shape)
    table = structure.table_of(layers, module)
    write_both(table, [Section(f"Layers of {cfg['title']}", table)], csv, markdown)
    totals = (
        f"{parameter_count(module):,} trainable\n"
        f"{parameter_count(module, trainable_only=False):,} with batch norm's statistics"
    )
    figure = network_diagram.diagram(structure.blocks_of(layers), cfg["title"], totals)
    figures.save(figure, png, svg)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
