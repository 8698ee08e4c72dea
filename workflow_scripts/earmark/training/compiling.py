"""Compiles networks for one shape of batch, where config and machine allow it."""

import logging
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from earmark.inference.hardware import Hardware

log = logging.getLogger("earmark")

Forward = Callable[[Tensor], Tensor]

# Norms of gradients, compiled and not, may differ by other dropout masks, but not by more.
LARGEST_RATIO = 2.0


def compiled(
    module: nn.Module, batch: Tensor, hardware: Hardware, clips: int
) -> tuple[Forward, bool]:
    """The function to call for training steps of ``module``, and whether it is compiled.

    ``clips`` is the number of clips times epochs: with fewer than the hardware's
    ``compile_from_clips`` nothing is compiled. Compiled code is for inputs of the shape of
    ``batch``; others, such as the last batch of an epoch, go through the module itself. Both share
    the module's weights. If compiling fails, for example without a C++ compiler, or gives other
    gradients than the module, a warning says so and the module is used uncompiled.
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
        # On a GPU the second call records a CUDA graph, and the third is the first to replay it.
        for _ in range(3 if hardware.device.type == "cuda" else 1):
            norm = _gradient_norm(code, module, batch, hardware)
        # Not `or`: NaN compares false.
        if not expected / LARGEST_RATIO <= norm <= expected * LARGEST_RATIO:
            raise ValueError(
                f"torch.compile gives wrong gradients in {hardware.precision_used()}: norm "
                f"{norm:.3g} instead of {expected:.3g}"
            )
    except Exception as problem:
        log.warning(
            "Compiling failed (%s); training continues uncompiled (slower). A C++ compiler may be "
            "missing. Set `hardware.compile: false` to skip compiling.",
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
        # At most as many compiling processes as the job has cores.
        "compile_threads": threads,
        # Explicit: otherwise torch's cache may return code for another number of threads.
        "cpp.threads": threads,
        # Otherwise torch chooses among GPU kernels by timing them: sums would differ by run.
        "deterministic": True,
        # One launch for forward and one for backward, instead of many small kernels.
        "triton.cudagraphs": hardware.device.type == "cuda",
    }


def _gradient_norm(forward: Forward, module: nn.Module, batch: Tensor, hardware: Hardware) -> float:
    """Norm of all gradients of a step through ``forward``; the random state is unchanged after."""
    module.zero_grad(set_to_none=True)
    with torch.random.fork_rng([hardware.device] if hardware.device.type == "cuda" else []):
        with hardware.autocast():
            output = forward(batch)
        # Random weights: after a normalisation layer, the plain sum hardly depends on anything.
        generator = torch.Generator().manual_seed(0)
        weights = torch.randn(output.shape, generator=generator).to(output.device)
        (output.float() * weights).mean().backward()
    norms = [part.grad.float().norm() for part in module.parameters() if part.grad is not None]
    return float(torch.stack(norms).norm())
