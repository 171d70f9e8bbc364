"""The Hugging Face Hub: repositories, files, the cache, retries, failures."""

from benchy.hub.cache import SHARED_CACHE, blob_path, cache_folder, datasets_cache, remember_commit, repository_folder
from benchy.hub.failures import naming_failures
from benchy.hub.files import TIMEOUT_SECONDS, cached_commit, list_files, read_file, read_header, require_access
from benchy.hub.repository import RemoteFile, Repo
from benchy.hub.retries import retried
from benchy.hub.session import go_offline, holding_token, is_offline, read_token

__all__ = [
    "SHARED_CACHE",
    "TIMEOUT_SECONDS",
    "RemoteFile",
    "Repo",
    "blob_path",
    "cache_folder",
    "cached_commit",
    "datasets_cache",
    "go_offline",
    "holding_token",
    "is_offline",
    "list_files",
    "naming_failures",
    "read_file",
    "read_header",
    "read_token",
    "remember_commit",
    "repository_folder",
    "require_access",
    "retried",
]
