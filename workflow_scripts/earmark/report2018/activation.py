"""What the filters of a network's first layer respond to, by activation maximisation.

The method is that of Erhan, Bengio, Courville and Vincent (Visualizing higher-layer features of a
deep network, 2009), as Simonyan, Vedaldi and Zisserman (2014) used it: start from small noise and
climb the gradient of one unit's activation with respect to the input, whose norm is bounded. Each
step has the same length, whatever the gradient's. Of a linear filter the answer is the filter
itself; batch norm can turn its sign. Activation functions rise everywhere or are flat, so what is
maximised is the value before them. Report, section 8.
"""

from collections.abc import Callable
from itertools import takewhile

import torch
from torch import Tensor, nn

from earmark.networks.layers import Shape
from earmark.runtime.errors import EarmarkError

ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.SELU, nn.ELU, nn.GELU, nn.SiLU, nn.Tanh)
STEPS = 200
STEP_LENGTH = 0.1
NOISE_NORM = 0.01


def first_layer(module: nn.Module) -> tuple[nn.Sequential, nn.Module]:
    """Find the first convolution with its batch norm, and the layer whose output they end in.

    The latter is the activation that follows or, without one, the former's last layer. Raises
    EarmarkError when the network has no two-dimensional convolution in a sequence of layers.
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
        "The network has no layer of two-dimensional filters to draw. Name a system whose network "
        "begins with one, for example vgg_fewer."
    )


def preferred_inputs(layers: nn.Sequential, seed: int) -> Tensor:
    """Return the input (filters, frequency, time) that each filter of ``layers`` responds to most.

    ``layers`` is what ``first_layer`` finds, in evaluation mode, for spectrograms of one channel.
    Each input has the filter's size and a norm of at most 1.
    """
    conv = layers[0]
    assert isinstance(conv, nn.Conv2d)
    height, width = conv.kernel_size

    def respond(images: Tensor) -> Tensor:
        maps = layers(images[:, None])  # (filters, filters, frequency, time)
        # The unit that sees all of the input: padding is even or has one row more at the end.
        own = torch.arange(len(maps))
        return maps[own, own, (maps.shape[2] - 1) // 2, (maps.shape[3] - 1) // 2]

    return maximise(respond, conv.out_channels, (height, width), seed)


def maximise(
    respond: Callable[[Tensor], Tensor],
    count: int,
    shape: Shape,
    seed: int,
    steps: int = STEPS,
    step_length: float = STEP_LENGTH,
) -> Tensor:
    """Return inputs (count, *shape) of norm at most 1 that maximise ``respond``.

    ``respond`` takes such inputs and gives their activations (count,), each of its own input only.
    An input whose gradient vanishes stays noise.
    """
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, *shape, generator=generator)
    images = NOISE_NORM * images / _norms(images)
    for _ in range(steps):
        images.requires_grad_(True)
        (gradient,) = torch.autograd.grad(respond(images).sum(), images)
        with torch.no_grad():
            images = images + step_length * gradient / _norms(gradient).clamp_min(1e-12)
            images = images / _norms(images).clamp_min(1.0)
    return images.detach()


def _norms(images: Tensor) -> Tensor:
    """Norms (n, 1, 1) of images (n, frequency, time)."""
    return images.flatten(1).norm(dim=1)[:, None, None]


@torch.no_grad()
def output_of(layer: nn.Module, module: nn.Module, image: Tensor) -> Tensor:
    """Run ``module`` on one image (frequency, time); return what ``layer`` gives, without batch."""
    outputs: list[Tensor] = []
    # A copy: the next layer may work in place.
    hook = layer.register_forward_hook(lambda _, __, out: outputs.append(out[0].clone()))
    module.eval()(image[None])
    hook.remove()
    return outputs[0]
