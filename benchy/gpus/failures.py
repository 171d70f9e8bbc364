"""What is said when no GPU is given, and what to do about it.

The driver, NVIDIA's container toolkit, the Docker engine and torch each say it in their own words. The texts here are
of real hosts. They stand whole, with the threads that they come from, in tests/runtimes/docker/test_failures.py
and tests/worker/machine/test_environment.py.
"""

from __future__ import annotations

from benchy.errors import NoGpuSupport

_NO_TOOLKIT = NoGpuSupport.default_hint
_NO_DRIVER = "install NVIDIA's driver, 580 or newer, and load it (or reboot): `nvidia-smi` must work on the host"
_OLD_DRIVER = "update NVIDIA's driver on the host to 580 or newer, and reboot"
_REBOOT = "NVIDIA's driver was updated while the old one is still loaded: reboot the host"
_CGROUPS = (
    "set `no-cgroups = false` in /etc/nvidia-container-runtime/config.toml; if a `systemctl daemon-reload` takes the"
    ' GPUs from running containers, name them as CDI does ("nvidia.com/gpu=0")'
)
_CLOSED_DEVICES = (
    "the worker is not root: let every user open /dev/nvidia* (NVreg_DeviceFileMode=0666, the driver's own default)"
)
_FABRIC_MANAGER = (
    "start NVIDIA's fabric manager on the host, of the driver's own version: `systemctl start nvidia-fabricmanager`"
)
_WRITE_SPEC = (  # since 1.18 it is written by itself, and anew when the driver changes
    "`systemctl restart nvidia-cdi-refresh` (toolkit 1.18 or newer), else `nvidia-ctk cdi generate"
    " --output=/etc/cdi/nvidia.yaml`"
)
_NO_DEVICE_NODE = (
    "the container lacks a device that `nvidia-smi` does not need: `modprobe nvidia_uvm` on the host, update NVIDIA's"
    f" container toolkit, then {_WRITE_SPEC}"
)
_NO_SPEC = f"`nvidia-smi` must work on the host; then describe its GPUs for CDI: {_WRITE_SPEC}"
_NO_CDI = (
    'Docker has CDI from 28.2 on, from 25 on with "features": {"cdi": true} in its daemon.json; or name the GPUs by'
    " index or UUID"
)
_OTHER_MODE = (
    'set `mode = "auto"` in /etc/nvidia-container-runtime/config.toml, or name GPUs as CDI does ("nvidia.com/gpu=0")'
)
_BROKEN_HOOK = (
    "update NVIDIA's container toolkit; `nvidia-smi` must work on the host,"
    " and so must `docker run --rm --gpus all ubuntu nvidia-smi`"
)

HINTS = (
    ("driver not loaded", _NO_DRIVER),
    ("libnvidia-ml.so", _NO_DRIVER),
    ("couldn't communicate with the NVIDIA driver", _NO_DRIVER),
    ("Found no NVIDIA driver", _NO_DRIVER),
    ("unsatisfied condition: cuda", _OLD_DRIVER),
    ("NVIDIA driver on your system is too old", _OLD_DRIVER),
    ("Error 804", _OLD_DRIVER),  # the CUDA of the image is newer, and only data center GPUs let it be
    ("driver/library version mismatch", _REBOOT),
    ("Error 803", _REBOOT),
    ("insufficient permissions", _CLOSED_DEVICES),
    ("Failed to initialize NVML: Unknown Error", _CGROUPS),
    ("Error 802", _FABRIC_MANAGER),
    ("CUDA unknown error", _NO_DEVICE_NODE),
    ("Torch not compiled with CUDA", 'install a CUDA build of torch, or set evaluation.device to "cpu"'),
    ("NVIDIA Container Runtime Hook directly", _OTHER_MODE),
    ('could not select device driver "cdi"', _NO_CDI),
    ("could not select device driver", _NO_TOOLKIT),
    ("failed to discover GPU vendor", _NO_TOOLKIT),
    ("unresolvable CDI devices", _NO_SPEC),
    ("nvidia-container-cli", _BROKEN_HOOK),
    ("createContainer hook", _BROKEN_HOOK),  # Docker's own hooks are prestart hooks; these come of CDI specs
)
"""A part of what is said, in any case of its letters, and what to do; the first that fits counts."""


def what_to_do(said: str) -> str:
    """Return what gets the GPU, where that is known of a message; else nothing: it may be about something else."""
    said = said.lower()
    return next((hint for part, hint in HINTS if part.lower() in said), "")
