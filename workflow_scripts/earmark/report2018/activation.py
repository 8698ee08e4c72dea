"""What the filters of a network's first layer respond to, by activation maximisation.

The method is that of Erhan, Bengio, Courville and Vincent (Visualizing higher-layer features of a
deep network, 2009), as Simonyan, Vedaldi and Zisserman (2014) used it: gradient ascent from small
noise on one unit's activation with respect to the input, whose norm is bounded, in steps of equal
length. For a linear filter the result is the filter itself; batch norm can change its sign.
Activation functions are monotonic, so the value before them is maximised. Report, section 8.
"""

from collections.abc import Callable
from itertools import takewhile

import torch
from torch import Tensor, nn

from earmark.runtime.errors import EarmarkError

ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.SELU, nn.ELU, nn.GELU, nn.SiLU, nn.Tanh)
STEPS = 200
STEP_LENGTH = 0.1
NOISE_NORM = 0.01


def first_layer(module: nn.Module) -> tuple[nn.Sequential, nn.Module]:
    """Return the first convolution with its batch norm, and the layer with their final output.

    The latter is the activation function that follows or, without one, the former's last layer.
    Raises EarmarkError when the network has no two-dimensional convolution in a sequence of layers.
    """
    for part in module.modules():
        if isinstance(part, nn.Sequential):
            layers = [layer for layer in part if not isinstance(layer, nn.Dropout | nn.Dropout2d)]
            for index, layer in enumerate(layers):
                if isinstance(layer, nn.Conv2d):
                    norms = takewhile(lambda x: isinstance(x, nn.BatchNorm2d), layers[index + 1 :])
                    linear = [layer, *norms]
                    after = layers[index + len(linear) :]
                    activated = bool(after) and isinstance(after[0], ACTIVATIONS)
                    return nn.Sequential(*linear), after[0] if activated else linear[-1]
    raise EarmarkError(
        "The network has no two-dimensional convolution whose filters could be drawn. Set "
        "`report.filters_of` to a system whose network has one, for example vgg_fewer."
    )


def preferred_inputs(layers: nn.Sequential, seed: int) -> Tensor:
    """Return the input (filters, frequency, time) that each filter of ``layers`` responds to most.

    ``layers`` is the first result of ``first_layer``, in evaluation mode, with one input channel.
    Each input has the filter's size and a norm of at most 1.
    """
    conv = layers[0]
    assert isinstance(conv, nn.Conv2d)
    height, width = conv.kernel_size

    def respond(images: Tensor) -> Tensor:
        maps = layers(images[:, None])  # (filters, filters, frequency, time)
        # The unit whose receptive field is the input: padding is even, or one more at the end.
        filters = torch.arange(len(maps))
        return maps[filters, filters, (maps.shape[2] - 1) // 2, (maps.shape[3] - 1) // 2]

    return maximise(respond, conv.out_channels, (height, width), seed)


def maximise(
    respond: Callable[[Tensor], Tensor], count: int, shape: tuple[int, int], seed: int
) -> Tensor:
    """Return inputs (count, *shape) of norm at most 1 that maximise ``respond``.

    ``respond`` returns the activations (count,) of such inputs, each depending on its input alone.
    An input with zero gradient stays noise.
    """
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, *shape, generator=generator)
    images = NOISE_NORM * images / _norms(images)
    for _ in range(STEPS):
        images.requires_grad_(True)
        (gradient,) = torch.autograd.grad(respond(images).sum(), images)
        with torch.no_grad():
            images = images + STEP_LENGTH * gradient / _norms(gradient).clamp_min(1e-12)
            images = images / _norms(images).clamp_min(1.0)
    return images.detach()


def _norms(images: Tensor) -> Tensor:
    """Norms (n, 1, 1) of images (n, frequency, time)."""
    return images.flatten(1).norm(dim=1)[:, None, None]


@torch.no_grad()
def output_of(layer: nn.Module, module: nn.Module, image: Tensor) -> Tensor:
    """Run ``module`` on one image (frequency, time); return the output of ``layer`` for it."""
    outputs: list[Tensor] = []
    # A copy, as the next layer may work in place.
    hook = layer.register_forward_hook(lambda _, __, out: outputs.append(out[0].clone()))
    module.eval()(image[None])
    hook.remove()
    return outputs[0]
