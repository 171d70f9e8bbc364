"""Repositories of the loopback Hub: commits of whole file trees, with git's and LFS's own identities."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

RepoType = Literal["model", "dataset"]
LFS_SUFFIXES = (".safetensors", ".bin", ".gguf", ".h5", ".msgpack", ".parquet", ".pt", ".pth")


@dataclass(frozen=True)
class File:
    """One file's content."""

    content: bytes
    is_lfs: bool

    @property
    def sha256(self) -> str:
        """LFS's identity."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def oid(self) -> str:
        """Git's identity of the blob: for an LFS file, that of its pointer."""
        content = self._pointer() if self.is_lfs else self.content
        return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()

    def _pointer(self) -> bytes:
        """As git-lfs writes it (git-lfs/docs/spec.md)."""
        text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {len(self.content)}\n"
        return text.encode()


def is_lfs_name(path: str) -> bool:
    """Return what a new repository's .gitattributes says."""
    return path.endswith(LFS_SUFFIXES)


class CommitConflict(Exception):
    """The branch has moved on from the commit that the client built on."""


@dataclass
class Repository:
    """One repository, with its history."""

    id: str
    type: RepoType = "model"
    private: bool = False
    gated: bool = False
    on_xet: bool = False
    """Whether clients are sent to xet's storage first; the one here only hangs."""
    accepted: set[str] = field(default_factory=set)
    """Users whose request for access was granted."""
    commits: dict[str, dict[str, File]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    pull_requests: dict[int, str] = field(default_factory=dict)
    """Titles by number; the branch is ``refs/pr/<number>``."""
    history: list[str] = field(default_factory=list)
    """Commits of main, oldest first."""
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def commit(
        self,
        added: dict[str, bytes],
        *,
        deleted: tuple[str, ...] = (),
        branch: str = "main",
        parent: str | None = None,
    ) -> str:
        """Make a commit on a branch; the new commit's hash.

        Raises:
            CommitConflict: ``parent`` was given and is not the head of the branch.
        """
        with self._lock:
            head = self.branches.get(branch)
            if parent is not None and parent != head:
                raise CommitConflict
            tree = {path: file for path, file in self.commits.get(head or "", {}).items() if path not in deleted}
            tree |= {path: File(content, is_lfs_name(path)) for path, content in added.items()}
            sha = _commit_hash(head, tree, len(self.commits))
            self.commits[sha] = tree
            self.branches[branch] = sha
            if branch == "main":
                self.history.append(sha)
            return sha

    def commit_folder(self, folder: Path, *, branch: str = "main") -> str:
        """Make a commit of all files below a folder."""
        files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        return self.commit(files, branch=branch)

    def resolve(self, revision: str) -> str | None:
        """Return the commit that a branch or a commit's hash stands for."""
        return self.branches.get(revision, revision if revision in self.commits else None)

    @property
    def head(self) -> str:
        """The commit of main."""
        return self.branches["main"]

    def files(self, revision: str = "main") -> dict[str, File]:
        """Return the tree of a revision."""
        return self.commits[self.resolve(revision) or ""]


def _commit_hash(parent: str | None, tree: dict[str, File], number: int) -> str:
    text = "".join(f"{path}\0{file.oid}\n" for path, file in sorted(tree.items()))
    return hashlib.sha1(f"{parent}\0{number}\0{text}".encode(), usedforsecurity=False).hexdigest()
