"""Networks compiled for one shape of batch, where that pays and the machine can."""

import logging
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from earmark.hardware import Hardware

log = logging.getLogger("earmark")


# A compiled step's gradients may differ from the plain one's by its dropout, but not by more.
LARGEST_RATIO = 2.0
# On a GPU, 20 s of compiling are won back within about as many clips (docs/speed.md).
LEAST_CLIPS = 100_000


def compiled(
    module: nn.Module, batch: Tensor, hardware: Hardware, clips: int
) -> Callable[[Tensor], Tensor]:
    """What to call for training steps of ``module``: itself, or the code compiled from it.

    ``clips`` is how many the training sees, each counted once an epoch; with ``compile_networks``
    "auto", only 100,000 or more on a GPU are worth it. The code is for inputs of the shape of
    ``batch``; others, as the last ones of an epoch, go through the module as it is. Weights stay
    the module's own. The code is tried in one step on ``batch``, which leaves weights, statistics
    and random state as they were. Where that fails, for example without a C++ compiler, or gives
    other gradients than the module, the log says so and the module is used as it is.
    """
    automatic = hardware.compile_networks == "auto"
    worth_it = hardware.device.type == "cuda" and clips >= LEAST_CLIPS
    if not hardware.compile_networks or (automatic and not worth_it):
        return module
    # torch says so of every machine that has CUDA's compiler and no GPU.
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    threads = torch.get_num_threads()
    # No more processes that compile than the job has cores; and on a GPU a step is one launch for
    # each direction, for its many small kernels finish sooner than a program can launch them.
    options: dict[str, str | int | bool | Callable[..., Any]] = {
        "compile_threads": threads,
        # Said outright: else torch may take code for another number of threads from its cache.
        "cpp.threads": threads,
        "triton.cudagraphs": hardware.device.type == "cuda",
    }
    form = torch.compile(module, dynamic=False, options=options)
    begin = time.perf_counter()
    try:
        wanted = _gradient_size(module, module, batch, hardware)
        # On a GPU the first call is none of the recorded graph, and the second records it.
        calls = 3 if hardware.device.type == "cuda" else 1
        found = [_gradient_size(form, module, batch, hardware) for _ in range(calls)][-1]
    except Exception as problem:
        reason = " ".join(str(problem).split())[:200]
        log.log(
            logging.INFO if automatic else logging.WARNING,
            "The network cannot be compiled here (%s): it is trained as it is, more slowly. A C++ "
            "compiler may be missing; with `compile: false` under `hardware` nobody tries.",
            reason,
        )
        return module
    # Not `or`: a number that is none compares false.
    if not wanted / LARGEST_RATIO <= found <= wanted * LARGEST_RATIO:
        log.warning(
            "The compiled network is wrong (gradients of size %.3g, not %.3g): it is trained as it "
            "is. That is a fault of torch.compile in %s with %s; with `compile: false` under "
            "`hardware` nobody tries.",
            found,
            wanted,
            torch.__version__,
            hardware.autocast_dtype or "float32",
        )
        return module
    log.info("Compiled the network in %.0f s.", time.perf_counter() - begin)

    def forward(inputs: Tensor) -> Tensor:
        return form(inputs) if inputs.shape == batch.shape else module(inputs)

    return forward


def _gradient_size(
    form: Callable[[Tensor], Tensor], module: nn.Module, batch: Tensor, hardware: Hardware
) -> float:
    """Norm of all gradients of a step through ``form``; ``module`` is left as it was."""
    before = {name: value.clone() for name, value in module.named_buffers()}
    was_training = module.training
    try:
        with hardware.same_random_numbers():
            module.train()
            with hardware.autocast():
                output = form(batch)
            # Something in which each output counts otherwise: norms make plain sums insensitive.
            generator = torch.Generator().manual_seed(0)
            weights = torch.randn(output.shape, generator=generator).to(output.device)
            (output.float() * weights).mean().backward()
        sizes = [part.grad.float().norm() for part in module.parameters() if part.grad is not None]
        return float(torch.stack(sizes).norm())
    finally:
        module.train(was_training)
        module.zero_grad(set_to_none=True)
        for name, value in module.named_buffers():
            value.copy_(before[name])
