"""The error tree: everything that can go wrong with a run, each with its exit code and what to do.

::

    BenchyError                     1
    ├── ConfigError                 2   the YAML file, the command line or a setting of this host is wrong
    ├── TaskNotFound                3   a benchmark that lm-eval does not know
    ├── ModelNotFound               4   no such repository, revision or folder, or no weights in it
    ├── AccessDenied                5   private or gated, or the token is missing or not valid
    ├── NotEnoughMemory             6   the GPU (or this host) is too small for the model or the batch
    ├── ModelLoadError              7   the model was found but does not load
    │   ├── LoadTimeout                 it loads for longer than performance.load_timeout
    │   └── ModelTestFailed             it loads, but says nothing or computes NaN
    │       └── PromptTimeout           a prompt takes longer than performance.prompt_timeout
    ├── EvaluationFailed            8   lm-eval raised, or a data set could not be read
    │   └── RunTimeout                  the run takes longer than performance.run_timeout
    ├── UploadFailed                9   the leaderboard could not be written; the finished record is kept
    ├── WorkerError                10   the GPU worker could not be started, or ended without an answer
    │   ├── WrongVersion                the worker, or its image, is of another version of Benchy
    │   ├── WorkerDied                  transient: killed or crashed in the middle of a request
    │   ├── RankLost                    transient: one of its processes died, or is stuck, while the others wait for it
    │   ├── GpuNotFound                 the configured GPU or device does not exist here
    │   ├── GpuBusy                     another program holds the GPU's memory
    │   ├── NoEngine                    transient: no Docker engine answers
    │   ├── EngineLost                  transient: the Docker engine went away in the middle of a request
    │   ├── NoGpuSupport                the Docker engine cannot give GPUs to a container
    │   ├── ImageMissing                the worker's image was not built on this machine
    │   └── ContainerRefused            the Docker engine does not create or start the container
    ├── NetworkError               11   transient: the Hub or another server could not be reached
    ├── DiskFull                   12   no space left for weights or results
    ├── NotVerified                13   what was published is not what was measured
    ├── SuiteIncomplete            14   runs of a suite failed or were refused; the others are there
    └── Interrupted               130   Ctrl-C, or cancelled in Prefect

An error travels from the worker to the host as :class:`ErrorData` and is raised there as the same class
(:func:`from_data`); nothing learns what went wrong by reading log text. Prefect retries only what is ``transient``.
"""

from benchy.errors.base import (
    LONGEST_HINT,
    LONGEST_MESSAGE,
    LONGEST_OF_ALL,
    BenchyError,
    ErrorData,
    from_data,
    quoted,
    shortened,
)
from benchy.errors.tree import (
    AccessDenied,
    ConfigError,
    ContainerRefused,
    DiskFull,
    EngineLost,
    EvaluationFailed,
    GpuBusy,
    GpuNotFound,
    ImageMissing,
    Interrupted,
    LoadTimeout,
    ModelLoadError,
    ModelNotFound,
    ModelTestFailed,
    NetworkError,
    NoEngine,
    NoGpuSupport,
    NotEnoughMemory,
    NotVerified,
    PromptTimeout,
    RankLost,
    RunTimeout,
    SuiteIncomplete,
    TaskNotFound,
    UploadFailed,
    WorkerDied,
    WorkerError,
    WrongVersion,
)
from benchy.errors.unexpected import (
    as_benchy_error,
    causes,
    is_disk_full,
    naming_unexpected,
    refused_by_host,
)

__all__ = [
    "LONGEST_HINT",
    "LONGEST_MESSAGE",
    "LONGEST_OF_ALL",
    "AccessDenied",
    "BenchyError",
    "ConfigError",
    "ContainerRefused",
    "DiskFull",
    "EngineLost",
    "ErrorData",
    "EvaluationFailed",
    "GpuBusy",
    "GpuNotFound",
    "ImageMissing",
    "Interrupted",
    "LoadTimeout",
    "ModelLoadError",
    "ModelNotFound",
    "ModelTestFailed",
    "NetworkError",
    "NoEngine",
    "NoGpuSupport",
    "NotEnoughMemory",
    "NotVerified",
    "PromptTimeout",
    "RankLost",
    "RunTimeout",
    "SuiteIncomplete",
    "TaskNotFound",
    "UploadFailed",
    "WorkerDied",
    "WorkerError",
    "WrongVersion",
    "as_benchy_error",
    "causes",
    "from_data",
    "is_disk_full",
    "naming_unexpected",
    "quoted",
    "refused_by_host",
    "shortened",
]
