"""What of the node's GPUs each worker is given. Knows no Ray.

A worker that asks Ray for no GPU sees all of them and takes the first, as all others do. One that is given GPUs sees
those alone, so that `cuda` is its own. Stages that share a process share what it was given.
"""

from __future__ import annotations

from serving.config import ServiceConfig
from serving.open_models import names_open_model
from serving.stages.stage import Stage

# Open models' sound is silence.
ON_A_GPU = frozenset({Stage.ENCODER, Stage.TRANSFORMER, Stage.VIDEO_DECODER})
# Of a share, to which Ray counts.
SHARE_DIGITS = 4


def gpus_of(config: ServiceConfig, num_gpus: float) -> tuple[float, ...]:
    """Of a worker of each process. `num_gpus`: that Ray has to give; without any, none is asked for that nobody named.
    Raises RuntimeError where they are too few."""
    gpus = config.gpus or default_gpus(config, num_gpus)
    wanted = round(config.replicas * sum(gpus), SHARE_DIGITS)
    if wanted > num_gpus:  # workers would wait for them for ever
        raise RuntimeError(
            f"the workers want {wanted:g} GPUs and there are {num_gpus:g}: say in `gpus` what each process gets, "
            "a share like 0.5 where some are to have one together"
        )
    return gpus


def default_gpus(config: ServiceConfig, num_gpus: float) -> tuple[float, ...]:
    """Of an open model's worker: one where it has something to do there, and one for each rank of a transformer."""
    if not num_gpus or not names_open_model(config.model):
        return (0.0,) * len(config.processes)
    return tuple(
        float(config.ranks if Stage.TRANSFORMER in stages else bool(stages & ON_A_GPU)) for stages in config.processes
    )


def actor_options(gpus: float) -> dict[str, float]:
    """As Ray is asked for them."""
    return {"num_gpus": gpus} if gpus else {}
