"""Networks compiled for one shape of batch, where the config says so and the machine can."""

import logging
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from earmark.inference.hardware import Hardware

log = logging.getLogger("earmark")

Forward = Callable[[Tensor], Tensor]

# Gradients of compiled code may differ from the module's by its dropout, but not by more.
LARGEST_RATIO = 2.0


def compiled(
    module: nn.Module, batch: Tensor, hardware: Hardware, clips: int
) -> tuple[Forward, bool]:
    """What to call for training steps of ``module``, and whether it is code compiled from it.

    ``clips`` is how many the training sees, each counted once an epoch: with fewer than the
    hardware's ``compile_from_clips`` nothing is compiled. The code is for inputs of the shape of
    ``batch``; others, as the last ones of an epoch, go through the module as it is. Weights stay
    the module's own. Where compiling fails, for example without a C++ compiler, or gives other
    gradients than the module, a warning says so and the module is used as it is.
    """
    if clips < hardware.compile_from_clips:
        return module, False
    # torch warns here on every machine that has CUDA's compiler and no GPU.
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    begin = time.perf_counter()
    code: Forward = torch.compile(module, dynamic=False, options=_options(hardware))
    statistics = {name: value.clone() for name, value in module.named_buffers()}
    module.train()
    try:
        expected = _gradient_norm(module, module, batch, hardware)
        # On a GPU the second call records a graph, and the third is the first to replay it.
        for _ in range(3 if hardware.device.type == "cuda" else 1):
            norm = _gradient_norm(code, module, batch, hardware)
        # Not `or`: NaN compares false.
        if not expected / LARGEST_RATIO <= norm <= expected * LARGEST_RATIO:
            raise ValueError(
                f"torch {torch.__version__} makes wrong code for {hardware.precision_used()}: "
                f"gradients of norm {norm:.3g}, not {expected:.3g}"
            )
    except Exception as problem:
        log.warning(
            "The network cannot be compiled here (%s): it is trained without, more slowly. A C++ "
            "compiler may be missing; with `compile: false` under `hardware` it is not tried.",
            " ".join(str(problem).split())[:200],
        )
        return module, False
    finally:
        module.zero_grad(set_to_none=True)
        for name, value in module.named_buffers():
            value.copy_(statistics[name])
    log.info("Compiled the network in %.0f s.", time.perf_counter() - begin)
    return lambda inputs: (code if inputs.shape == batch.shape else module)(inputs), True


def _options(hardware: Hardware) -> dict[str, str | int | bool | Callable[..., object]]:
    threads = torch.get_num_threads()
    return {
        # No more processes that compile than the job has cores.
        "compile_threads": threads,
        # Set explicitly: else torch may take code for another number of threads from its cache.
        "cpp.threads": threads,
        # Else torch times ways to sum on a GPU, and takes the fastest of the day.
        "deterministic": True,
        # A step is one launch for each direction: its many small kernels finish sooner than a
        # program can launch them.
        "triton.cudagraphs": hardware.device.type == "cuda",
    }


def _gradient_norm(forward: Forward, module: nn.Module, batch: Tensor, hardware: Hardware) -> float:
    """Norm of all gradients of a step through ``forward``; random numbers stay as they were."""
    module.zero_grad(set_to_none=True)
    with torch.random.fork_rng([hardware.device] if hardware.device.type == "cuda" else []):
        with hardware.autocast():
            output = forward(batch)
        # Weights, so that each output counts otherwise: norms make plain sums insensitive.
        generator = torch.Generator().manual_seed(0)
        weights = torch.randn(output.shape, generator=generator).to(output.device)
        (output.float() * weights).mean().backward()
    norms = [part.grad.float().norm() for part in module.parameters() if part.grad is not None]
    return float(torch.stack(norms).norm())
