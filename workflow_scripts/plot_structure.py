"""List and draw the layers of a network."""

from typing import Any

from earmark.dataset import tables
from earmark.networks.build import parameter_count
from earmark.report2018 import structure
from earmark.reporting import figures
from earmark.runtime import job


def main(*, csv: str, png: str, svg: str, cfg: dict[str, Any]) -> None:
    """Write a table (layer, settings, output, parameters) and a figure of it.

    ``cfg`` has ``network`` (a name of the catalogue, or ``autoencoder``), ``network_options``,
    ``input_shape`` (frequency, time), ``classes`` (a number, unused by the autoencoder) and
    ``title``.
    """
    shape = cfg["input_shape"]
    module = structure.build(cfg["network"], cfg["network_options"], shape, cfg["classes"])
    layers = structure.layers_of(module, shape)
    tables.write_table(layers, csv)
    title = (
        f"{cfg['title']}: {parameter_count(module):,} parameters, "
        f"{parameter_count(module, trainable_only=False):,} with batch norm's statistics"
    )
    figures.save(structure.draw(layers, title), png, svg)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
