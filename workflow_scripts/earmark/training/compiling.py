"""Networks compiled for one shape of batch, where the config says so and the machine can."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from earmark.inference.hardware import Hardware

log = logging.getLogger("earmark")

Form = Callable[[Tensor], Tensor]

# A compiled step's gradients may differ from the plain one's by its dropout, but not by more.
LARGEST_RATIO = 2.0


def compiled(module: nn.Module, batch: Tensor, hardware: Hardware, clips: int) -> tuple[Form, bool]:
    """What to call for training steps of ``module``, and whether it is code compiled from it.

    ``clips`` is how many the training sees, each counted once an epoch: with fewer than the
    hardware's ``compile_from_clips`` nothing is compiled. The code is for inputs of the shape of
    ``batch``; others, as the last ones of an epoch, go through the module as it is. Weights stay
    the module's own. The code is tried in one step on ``batch``, which leaves weights, statistics
    and random state as they were. Where that fails, for example without a C++ compiler, or gives
    other gradients than the module, a warning says so and the module is used as it is.
    """
    if clips < hardware.compile_from_clips:
        return module, False
    form = _compiled_rightly(module, batch, hardware)
    if form is None:
        return module, False
    return lambda inputs: (form if inputs.shape == batch.shape else module)(inputs), True


def _compiled_rightly(module: nn.Module, batch: Tensor, hardware: Hardware) -> Form | None:
    """The compiled module; None if it cannot be had or is wrong."""
    # torch says so of every machine that has CUDA's compiler and no GPU.
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    threads = torch.get_num_threads()
    # No more processes that compile than the job has cores; and on a GPU a step is one launch for
    # each direction, for its many small kernels finish sooner than a program can launch them.
    options: dict[str, str | int | bool | Callable[..., Any]] = {
        "compile_threads": threads,
        # Said outright: else torch may take code for another number of threads from its cache.
        "cpp.threads": threads,
        # Else torch times ways to sum on a GPU, and takes the fastest of the day.
        "deterministic": True,
        "triton.cudagraphs": hardware.device.type == "cuda",
    }
    form: Form = torch.compile(module, dynamic=False, options=options)
    begin = time.perf_counter()
    try:
        with _left_as_it_is(module):
            wanted = _gradient_size(module, module, batch, hardware)
            # On a GPU the first call is none of the recorded graph, and the second records it.
            calls = 3 if hardware.device.type == "cuda" else 1
            found = [_gradient_size(form, module, batch, hardware) for _ in range(calls)][-1]
    except Exception as problem:
        reason = " ".join(str(problem).split())[:200]
        log.warning(
            "The network cannot be compiled here (%s): it is trained as it is, more slowly. A C++ "
            "compiler may be missing; with `compile: false` under `hardware` nobody tries.",
            reason,
        )
        return None
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
        return None
    log.info("Compiled the network in %.0f s.", time.perf_counter() - begin)
    return form


@contextmanager
def _left_as_it_is(module: nn.Module) -> Iterator[None]:
    """Let steps be tried in training mode, and undo what they do to statistics and gradients."""
    before = {name: value.clone() for name, value in module.named_buffers()}
    was_training = module.training
    try:
        module.train()
        yield
    finally:
        module.train(was_training)
        module.zero_grad(set_to_none=True)
        for name, value in module.named_buffers():
            value.copy_(before[name])


def _gradient_size(form: Form, module: nn.Module, batch: Tensor, hardware: Hardware) -> float:
    """Norm of all gradients of a step through ``form``, code of ``module`` or itself."""
    module.zero_grad(set_to_none=True)
    with hardware.same_random_numbers():
        with hardware.autocast():
            output = form(batch)
        # Something in which each output counts otherwise: norms make plain sums insensitive.
        generator = torch.Generator().manual_seed(0)
        weights = torch.randn(output.shape, generator=generator).to(output.device)
        (output.float() * weights).mean().backward()
    sizes = [part.grad.float().norm() for part in module.parameters() if part.grad is not None]
    return float(torch.stack(sizes).norm())
