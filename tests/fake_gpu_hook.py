"""Two GPUs that are not there: installed as ``nvidia-container-runtime-hook``, which is what the engine itself calls.

The engine runs it before a container with a GPU device request starts, with the OCI state on stdin. As NVIDIA's own
hook does, it refuses ids that it does not have, and changes the container's root before the container is in it: makes
device nodes, mounts files of the host (here an ``nvidia-smi`` that shows the GPUs whose nodes are there, renumbered
from 0) and runs ldconfig there. What else holds the GPUs' memory is in the JSON file ``FAKE_GPUS_HELD``:
``{"<index>": [<pid>, "<process name>", <MiB>]}``; ``{"failure": "<text>"}`` lets nvidia-smi fail with it.

As ``nvidia-cdi-hook update-ldcache`` it only runs ldconfig: for CDI the engine itself makes nodes and mounts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

UUIDS = ("GPU-aaaaaaaa-0000-4000-8000-000000000000", "GPU-bbbbbbbb-1111-4111-8111-111111111111")
TOTAL_MIB = 24_576
SHARED_NODES = {"nvidiactl": (195, 255), "nvidia-uvm": (511, 0)}
"""Device nodes that a container with any GPU gets: major and minor number."""
NVIDIA_SMI = """
if [ -e /dev/nvidia{index} ]; then
    case "$*" in
        *--query-gpu=*) echo "$shown, {uuid}, Fake GPU, {total}, {free}, 9.0" ;;
        *--query-compute-apps=*) printf '{apps}' ;;
        -L) echo "GPU $shown: Fake GPU (UUID: {uuid})" ;;
        *) echo "fake nvidia-smi: unknown arguments: $*" >&2; exit 1 ;;
    esac
    shown=$((shown + 1))
fi
"""


def main() -> None:
    """Give the container its GPUs, or exit with the reason on stderr."""
    state = json.load(sys.stdin)
    spec = json.loads((Path(state["bundle"]) / "config.json").read_bytes())
    root = Path(state["bundle"]) / spec["root"]["path"]
    ldconfig = f"/sbin/ldconfig -r {root}"
    if sys.argv[1] == "update-ldcache":
        subprocess.run(ldconfig.split(), check=True)
        return
    wanted = dict(line.split("=", 1) for line in spec["process"]["env"])["NVIDIA_VISIBLE_DEVICES"]
    indices = list(range(len(UUIDS))) if wanted == "all" else [_index(name) for name in wanted.split(",")]
    held = Path(os.environ["FAKE_GPUS_HELD"])
    tool = write_nvidia_smi(held.with_name(f"nvidia-smi-{state['id']}"), json.loads(held.read_bytes()))
    nodes = {f"nvidia{index}": (195, index) for index in indices} | SHARED_NODES
    lines = [f"mknod -m 666 {root}/dev/{name} c {major} {minor}" for name, (major, minor) in nodes.items()]
    lines += [f"touch {root}/usr/bin/nvidia-smi", f"mount --bind -o ro,nosuid,nodev {tool} {root}/usr/bin/nvidia-smi"]
    inside = ["nsenter", "-t", str(state["pid"]), "-m", "sh", "-ec", "\n".join([*lines, ldconfig])]
    subprocess.run(inside, check=True)


def _index(name: str) -> int:
    if name in UUIDS:
        return UUIDS.index(name)
    if name.isdigit() and int(name) < len(UUIDS):
        return int(name)
    sys.exit(f"nvidia-container-cli: device error: {name}: unknown device")


def write_nvidia_smi(path: Path, held: dict[str, Any]) -> Path:
    """Return a program that prints rows as with ``--format=csv,noheader,nounits``, for the columns asked for."""
    script = "#!/bin/sh\nshown=0\n"
    if "failure" in held:
        script += f"echo '{held['failure']}'; exit 255\n"  # on stdout, as the real one
    for index, uuid in enumerate(UUIDS):
        pid, name, used = held.get(str(index), (None, None, 0))
        apps = f"{uuid}, {pid}, {name}, {used}\\n" if used else ""
        script += NVIDIA_SMI.format(index=index, uuid=uuid, total=TOTAL_MIB, free=TOTAL_MIB - used, apps=apps)
    path.write_text(script)
    path.chmod(0o755)
    return path


if __name__ == "__main__":
    main()
