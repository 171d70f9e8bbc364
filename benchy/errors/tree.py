"""Every kind of error, with its exit code, what to do about it, and whether to try again."""

from __future__ import annotations

from benchy.errors.base import BenchyError


class ConfigError(BenchyError):
    """The YAML file, the command line or a setting of this host is wrong."""

    exit_code = 2


class TaskNotFound(BenchyError):
    """A benchmark that lm-eval does not know."""

    exit_code = 3
    default_hint = "`lm_eval ls tasks` lists every name; your own tasks need evaluation.include_path"


class ModelNotFound(BenchyError):
    """No such repository, revision or folder, or no weights in it."""

    exit_code = 4
    default_hint = "check model.name and model.revision"


class AccessDenied(BenchyError):
    """Private or gated, or the token is missing or not valid."""

    exit_code = 5
    default_hint = "set HF_TOKEN to a token that may read this repository, or run `hf auth login`"


class NotEnoughMemory(BenchyError):
    """The GPU (or this host) is too small for the model or the batch."""

    exit_code = 6
    default_hint = "lower evaluation.batch_size or model.max_length, take a smaller model.dtype, or more GPUs"


class ModelLoadError(BenchyError):
    """The model was found but does not load."""

    exit_code = 7
    default_hint = "check model.dtype, model.trust_remote_code and model.args; the traceback is in the log"


class ModelTestFailed(ModelLoadError):
    """The model loads, but says nothing or computes NaN."""

    default_hint = "try another model.dtype (bfloat16 where float16 overflows) and check the weights"


class LoadTimeout(ModelLoadError):
    """The model loads for longer than ``performance.load_timeout``."""

    default_hint = "if it only needs longer, raise performance.load_timeout (seconds); the log says what it was doing"


class PromptTimeout(ModelTestFailed):
    """A prompt takes longer than ``performance.prompt_timeout``."""

    default_hint = (
        "look at the model's chat template; if it only needs longer, raise performance.prompt_timeout (seconds)"
    )


class EvaluationFailed(BenchyError):
    """lm-eval raised, or a data set could not be read."""

    exit_code = 8
    default_hint = "the traceback is in the log"


class RunTimeout(EvaluationFailed):
    """The run takes longer than ``performance.run_timeout``."""

    default_hint = "raise performance.run_timeout (seconds); `--resume` goes on with the answers that were given"


class UploadFailed(BenchyError):
    """The leaderboard could not be written; the finished record is kept."""

    exit_code = 9
    default_hint = "the traceback is in the log"


class WorkerError(BenchyError):
    """The GPU worker could not be started, or ended without an answer."""

    exit_code = 10


class WrongVersion(WorkerError):
    """The worker, or its image, is of another version of Benchy."""

    default_hint = (
        "the worker's image is of another version: build it anew (`docker compose up -d --build`, or"
        " `docker build -f Dockerfile.gpu -t IMAGE .` with the image of the config)"
    )


class WorkerDied(WorkerError):
    """The worker was killed or crashed in the middle of a request."""

    default_transient = True
    default_hint = "the end of the log says what it was doing; the run can be started again as it is"


class RankLost(WorkerError):
    """One of the worker's processes died, or is stuck, while the others wait for it."""

    default_transient = True
    default_hint = (
        "the log says what each was doing; if they only need longer, raise performance.collective_timeout (seconds)"
    )


class GpuNotFound(WorkerError):
    """The configured GPU or device does not exist here."""

    default_hint = 'fix "gpus", "performance.num_gpus" or "evaluation.device" (`nvidia-smi -L` lists the GPUs)'


class GpuBusy(WorkerError):
    """Another program holds the GPU's memory."""

    default_hint = 'end that program, or name other GPUs in "gpus"'


class NoEngine(WorkerError):
    """No Docker engine answers. Before the first step it ends the run; within one it is tried again."""

    default_transient = True
    default_hint = 'start Docker, set DOCKER_HOST to its address, or set "runtime: process"'


class EngineLost(WorkerError):
    """The Docker engine went away in the middle of a request."""

    default_transient = True
    default_hint = "the engine was stopped or restarted; its own log says why (`journalctl -u docker`)"


class NoGpuSupport(WorkerError):
    """The Docker engine cannot give GPUs to a container."""

    default_hint = (
        "install the NVIDIA container toolkit, then `nvidia-ctk runtime configure --runtime=docker` and restart Docker"
    )


class ImageMissing(WorkerError):
    """The worker's image was not built on this machine."""


class ContainerRefused(WorkerError):
    """The Docker engine does not create or start the container."""

    default_hint = 'the message is the engine\'s own; check the section "container" of the config'


class NetworkError(BenchyError):
    """The Hub or another server could not be reached."""

    exit_code = 11
    default_transient = True
    default_hint = "check the network and HF_ENDPOINT, then try again"


class DiskFull(BenchyError):
    """No space left for weights or results."""

    exit_code = 12
    default_hint = "free some space, or move HF_HOME or evaluation.output_path to a larger disk"


class NotVerified(BenchyError):
    """What was published is not what was measured."""

    exit_code = 13
    default_hint = "publish the runs that are named again from where they were made; a signature says whose they are"


class SuiteIncomplete(BenchyError):
    """Runs of a suite failed or were refused; the others are there."""

    exit_code = 14


class Interrupted(BenchyError):
    """Ctrl-C, or cancelled in Prefect."""

    exit_code = 130
    default_hint = "start the run again when you like"
