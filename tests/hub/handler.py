"""The loopback Hub's HTTP: the parts of the Hub's API that huggingface_hub 2.4 and datasets use.

Statuses and headers are the Hub's: https://huggingface.co/docs/hub/api and `huggingface_hub.utils.hf_raise_for_status`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.hub.faults import Fault
from tests.hub.repositories import CommitConflict, File, Repository, RepoType, is_lfs_name

if TYPE_CHECKING:
    from tests.hub.server import LoopbackHub, Seen, User

CHUNK_BYTES = 1 << 16
_ID = r"(?P<id>[^/]+(?:/[^/]+)?)"
_API = rf"/api/(?P<type>model|dataset)s/{_ID}"
_DATE = "2026-01-01T00:00:00.000Z"


class Refused(Exception):
    """An answer that is an error."""

    def __init__(
        self, status: int, message: str, code: str | None = None, *, url: str | None = None, **headers: str
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": message} | ({"url": url} if url else {})
        self.headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {}) | headers


class HubHandler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def __init__(self, hub: LoopbackHub, *args: Any) -> None:
        self.hub = hub
        super().__init__(*args)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Nothing: `hub.seen` tells."""

    def do_GET(self) -> None:
        """Any method: see the routes below."""
        self._user: User | None = None
        self._path = unquote(urlsplit(self.path).path)
        self._query = parse_qs(urlsplit(self.path).query)
        self._body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            self._body = self._read_chunks()
        self._fault = self.hub.faults.take(f"{self.command} {self._path}")
        try:
            self._go_wrong()
            self._authenticate()
            self._route()
        except Refused as refused:
            self._send(refused.status, json.dumps(refused.body).encode(), refused.headers)

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815 - the base class's names

    def _go_wrong(self) -> None:
        if self._fault.before:
            self._fault.before()
        if self._fault.status:
            raise Refused(self._fault.status, "told to fail", **self._fault.headers)

    def _read_chunks(self) -> bytes:
        found = b""
        while size := int(self.rfile.readline(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def _authenticate(self) -> None:
        scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
        if scheme != "Bearer" or self._path.startswith("/xet/"):
            return
        if token not in self.hub.users:
            raise Refused(401, "Invalid credentials in Authorization header")
        self._user = self.hub.users[token]

    def _route(self) -> None:
        for method, pattern, answer in ROUTES:
            match = re.fullmatch(pattern, self._path)
            if match and self.command in method:
                answer(self, **match.groupdict())
                return
        raise Refused(404, f"no such route: {self.command} {self._path}")

    # Facts

    def whoami(self) -> None:
        if self._user is None:
            raise Refused(401, "Invalid username or password.")
        role = {"displayName": "test", "role": self._user.role}
        token = {"type": "access_token", "accessToken": role}
        orgs = [{"type": "org", "name": org, "roleInOrg": "write"} for org in self._user.orgs]
        self._send_json({"type": "user", "name": self._user.name, "orgs": orgs, "auth": token})

    def agent_harnesses(self) -> None:
        """Answer a client that asks which programs drive it."""
        self._send_json({"standardEnvVars": [], "harnesses": {}})

    def search(self, type: str) -> None:  # noqa: A002 - in the address
        words = re.findall(r"\w+", (self._query.get("search") or [""])[0].lower())
        names = [
            repository.id
            for (repo_type, _), repository in self.hub.repositories.items()
            if repo_type == type and not repository.private and any(word in repository.id.lower() for word in words)
        ]
        self._send_json([{"id": name, "_id": name} for name in names])

    def info(self, type: RepoType, id: str, revision: str = "main") -> None:  # noqa: A002
        repository, commit = self._resolve(type, id, revision)
        with_sizes = "blobs" in self._query
        files = repository.files(commit)
        siblings = [{"rfilename": path} | (_blob(file) if with_sizes else {}) for path, file in files.items()]
        gated = "manual" if repository.gated else False
        self._send_json(
            {"_id": id, "id": id, "sha": commit, "private": repository.private, "gated": gated, "disabled": False,
             "siblings": siblings, "tags": [], "downloads": 0, "likes": 0, "lastModified": _DATE, "createdAt": _DATE}
        )  # fmt: skip

    def refs(self, type: RepoType, id: str) -> None:  # noqa: A002
        repository = self._repository(type, id)
        branches = [
            {"name": name, "ref": f"refs/heads/{name}", "targetCommit": sha}
            for name, sha in repository.branches.items()
        ]
        self._send_json({"branches": branches, "converts": [], "tags": []})

    def tree(self, type: RepoType, id: str, revision: str, folder: str | None = None) -> None:  # noqa: A002
        repository, commit = self._resolve(type, id, revision)
        prefix = f"{folder.strip('/')}/" if folder else ""
        recursive = self._query.get("recursive", [""])[0].lower() in {"true", "1"}
        entries: dict[str, dict[str, object]] = {}
        for path, file in repository.files(commit).items():
            below = path.removeprefix(prefix)
            if path.startswith(prefix):
                for depth in range(below.count("/")):
                    parent = prefix + "/".join(below.split("/")[: depth + 1])
                    entries[parent] = _folder_entry(parent)
                entries[path] = _file_entry(path, file)
        if prefix and not entries:
            raise Refused(404, f"{folder} does not exist on {revision}", "EntryNotFound")
        self._send_json([e for p, e in entries.items() if recursive or "/" not in p.removeprefix(prefix)])

    def paths_info(self, type: RepoType, id: str, revision: str) -> None:  # noqa: A002
        repository, commit = self._resolve(type, id, revision)
        asked = parse_qs(self._body.decode()).get("paths") or json.loads(self._body or b"{}").get("paths", [])
        files = repository.files(commit)
        found = [_file_entry(path, files[path]) for path in asked if path in files]
        found += [_folder_entry(p) for p in asked if any(path.startswith(f"{p.rstrip('/')}/") for path in files)]
        self._send_json(found)

    def auth_check(self, type: RepoType, id: str, write: str | None) -> None:  # noqa: A002
        repository = self._repository(type, id)
        self._require_content(repository)
        if write:
            self._require_write(repository)
        self._send_json({})

    # Contents

    def resolve(self, id: str, revision: str, file: str, type: str | None = None) -> None:  # noqa: A002
        repository, commit = self._resolve("dataset" if type else "model", id, revision)
        self._require_content(repository)
        found = repository.files(commit).get(file)
        headers = {"X-Repo-Commit": commit}
        if found is None:
            raise Refused(404, "Entry not found", "EntryNotFound", **headers)
        if not found.is_lfs:
            self._send_content(found.content, headers | {"ETag": f'"{found.oid}"'})
            return
        headers |= {"X-Linked-Size": str(len(found.content)), "X-Linked-Etag": f'"{found.sha256}"'}
        if repository.on_xet:
            route = f"{self.hub.endpoint}/api/{repository.type}s/{id}/xet-read-token/{commit}"
            headers |= {"X-Xet-Hash": found.sha256, "X-Xet-Refresh-Route": route}
        self._send(302, b"", headers | {"Location": f"{self.hub.cdn}/{found.sha256}"})

    def stored(self, sha256: str) -> None:
        for repository in self.hub.repositories.values():
            for tree in repository.commits.values():
                for file in tree.values():
                    if file.is_lfs and file.sha256 == sha256:
                        self._send_content(file.content, {"ETag": f'"{sha256}"'})
                        return
        raise Refused(404, "no such object")

    def xet_token(self, type: RepoType, id: str, revision: str) -> None:  # noqa: A002
        self._resolve(type, id, revision)
        headers = {"X-Xet-Cas-Url": f"{self.hub.endpoint}/xet", "X-Xet-Access-Token": "xet"}
        self._send(200, b"{}", headers | {"X-Xet-Token-Expiration": "4102444800"})

    def xet_storage(self) -> None:
        self._fault = Fault("", stall_after=0)
        self._send_json({})

    def _send_content(self, content: bytes, headers: dict[str, str]) -> None:
        headers = headers | {"Accept-Ranges": "bytes"}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if not wanted:
            self._send(200, content, headers, is_content=True)
            return
        start, end = int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1)
        if start >= len(content):
            raise Refused(416, "out of range", **{"Content-Range": f"bytes */{len(content)}"})
        headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
        self._send(206, content[start : end + 1], headers, is_content=True)

    # Uploads

    def create_repo(self) -> None:
        asked = json.loads(self._body)
        owner = asked.get("organization") or (self._user.name if self._user else "")
        if self._user is None or not self._user.may_write(owner):
            raise Refused(403, f'You don\'t have the rights to create a {asked["type"]} under "{owner}"')
        name = f"{owner}/{asked['name']}"
        repo_type: RepoType = asked.get("type", "model")
        url = f"{self.hub.endpoint}/{'datasets/' if repo_type == 'dataset' else ''}{name}"
        with self.hub.lock:
            if (repo_type, name) in self.hub.repositories:
                raise Refused(409, "You already created this repo", url=url)
            self.hub.add_repository(name, repo_type=repo_type).private = asked.get("visibility") == "private"
        self._send_json({"url": url, "name": name, "id": name})

    def preupload(self, type: RepoType, id: str, revision: str) -> None:  # noqa: A002
        repository, commit = self._resolve(type, id, revision)
        self._require_write(repository)
        files = repository.files(commit)
        asked = [file["path"] for file in json.loads(self._body)["files"]]
        self._send_json({"files": [_upload_mode(path, files.get(path)) for path in asked]})

    def lfs_batch(self, id: str, type: str | None = None) -> None:  # noqa: A002
        self._require_write(self._repository("dataset" if type else "model", id))
        objects: list[dict[str, Any]] = []
        for wanted in json.loads(self._body)["objects"]:
            action = {"upload": {"href": f"{self.hub.endpoint}/lfs/{wanted['oid']}", "header": {}}}
            missing = wanted["oid"] not in self.hub.lfs_objects
            objects.append(wanted | ({"actions": action} if missing else {}))
        self._send_json({"transfer": "basic", "objects": objects})

    def lfs_put(self, oid: str) -> None:
        if hashlib.sha256(self._body).hexdigest() != oid:
            raise Refused(400, "the content is not what its hash says")
        self.hub.lfs_objects[oid] = self._body
        self._send(200, b"", {})

    def discussions(self, type: RepoType, id: str) -> None:  # noqa: A002
        """All are pull requests here."""
        found = [
            {"num": number, "title": title, "author": {"name": "somebody"}, "createdAt": _DATE, "status": "open",
             "repo": {"name": id, "type": type}, "isPullRequest": True}
            for number, title in self._repository(type, id).pull_requests.items()
        ]  # fmt: skip
        self._send_json({"discussions": found, "count": len(found), "start": 0})

    def validate_yaml(self) -> None:
        self._send_json({"errors": [], "warnings": []})

    def commit(self, type: RepoType, id: str, revision: str) -> None:  # noqa: A002
        repository, _ = self._resolve(type, id, revision)
        self._require_write(repository)
        lines = [json.loads(line) for line in self._body.splitlines()]
        header = next(line["value"] for line in lines if line["key"] == "header")
        added = {line["value"]["path"]: self._content(line) for line in lines if line["key"] in {"file", "lfsFile"}}
        deleted = tuple(line["value"]["path"] for line in lines if line["key"] == "deletedFile")
        branch = revision
        if self._query.get("create_pr"):
            branch = f"refs/pr/{len(repository.branches)}"
            repository.branches[branch] = repository.head
            repository.pull_requests[len(repository.branches) - 1] = header["summary"]
        try:
            sha = repository.commit(added, deleted=deleted, branch=branch, parent=header.get("parentCommit"))
        except CommitConflict:
            raise Refused(412, "A commit has happened since. Please refresh and try again.") from None
        prefix = "datasets/" if type == "dataset" else ""
        answer: dict[str, object] = {"success": True, "commitOid": sha, "hookOutput": ""}
        answer["commitUrl"] = f"{self.hub.endpoint}/{prefix}{id}/commit/{sha}"
        if branch != revision:
            answer["pullRequestUrl"] = f"{self.hub.endpoint}/{prefix}{id}/discussions/{branch.rpartition('/')[2]}"
        self._send_json(answer)

    def _content(self, line: dict[str, Any]) -> bytes:
        value = line["value"]
        return base64.b64decode(value["content"]) if line["key"] == "file" else self.hub.lfs_objects[value["oid"]]

    # Access

    def _resolve(self, repo_type: RepoType, name: str, revision: str) -> tuple[Repository, str]:
        repository = self._repository(repo_type, name)
        commit = repository.resolve(revision)
        if commit is None:
            raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return repository, commit

    def _repository(self, repo_type: RepoType, name: str) -> Repository:
        """Missing and hidden repositories look the same; who shows no token is told 401 for both, as on the Hub."""
        repository = self.hub.repositories.get((repo_type, name))
        if repository is None or (repository.private and not self._is_granted(repository)):
            raise Refused(404 if self._user else 401, "Repository not found", "RepoNotFound")
        return repository

    def _require_content(self, repository: Repository) -> None:
        if repository.gated and not self._is_granted(repository):
            message = f"Access to {repository.type} {repository.id} is restricted. You must have access to it."
            raise Refused(403 if self._user else 401, message, "GatedRepo")

    def _require_write(self, repository: Repository) -> None:
        if self._user is None:
            raise Refused(401, "Invalid username or password.")
        owner = self._user.name if self._query.get("create_pr") else repository.id.partition("/")[0]
        if not self._user.may_write(owner):
            raise Refused(403, f"Forbidden: pass a token with write access to {repository.id}")

    def _is_granted(self, repository: Repository) -> bool:
        owner = repository.id.partition("/")[0]
        return self._user is not None and (self._user.name in repository.accepted or owner in self._user.owners)

    # Answers

    def _send_json(self, answer: object) -> None:
        self._send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str], *, is_content: bool = False) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        if self._fault.corrupt and body:
            body = body[:-1] + bytes([body[-1] ^ 1])
        seen = self._note(status, is_content=is_content and self.command != "HEAD")
        try:
            self.end_headers()
            if self.command != "HEAD":
                seen.body_bytes = self._send_body(body, self._fault)
        except OSError:  # the client hung up
            self.close_connection = True

    def _send_body(self, body: bytes, fault: Fault) -> int:
        limits = [limit for limit in (fault.cut_after, fault.stall_after) if limit is not None]
        allowed = min([*limits, len(body)])
        step = max(fault.bytes_per_second // 10, 1) if fault.bytes_per_second else CHUNK_BYTES
        for start in range(0, allowed, step):
            self.wfile.write(body[start : min(start + step, allowed)])
            if fault.bytes_per_second and self.hub.closing.wait(0.1):
                break
        self.wfile.flush()
        if limits and allowed < len(body):
            if fault.stall_after is not None:
                self._wait_until_gone()
            self.close_connection = True
        return allowed

    def _wait_until_gone(self) -> None:
        """Say nothing until the Hub closes or the client hangs up."""
        self.connection.settimeout(0.1)
        while not self.hub.closing.is_set():
            with suppress(TimeoutError):
                if self.connection.recv(1) == b"":
                    return

    def _note(self, status: int, *, is_content: bool) -> Seen:
        """Note a request before it is answered: a client in this process may count at once."""
        from tests.hub.server import Seen

        user = self._user.name if self._user else None
        seen = Seen(self.command, self._path, status, user, is_content)
        self.hub.seen.append(seen)
        return seen


def _blob(file: File) -> dict[str, object]:
    """As `?blobs=true` tells it."""
    lfs = {"sha256": file.sha256, "size": len(file.content), "pointerSize": 134}
    return {"size": len(file.content), "blobId": file.oid} | ({"lfs": lfs} if file.is_lfs else {})


def _file_entry(path: str, file: File) -> dict[str, object]:
    """As /tree and /paths-info tell it."""
    lfs = {"oid": file.sha256, "size": len(file.content), "pointerSize": 134}
    entry = {"type": "file", "path": path, "size": len(file.content), "oid": file.oid}
    return entry | ({"lfs": lfs} if file.is_lfs else {})


def _folder_entry(path: str) -> dict[str, object]:
    return {"type": "directory", "path": path.rstrip("/"), "size": 0, "oid": "0" * 40}


def _upload_mode(path: str, existing: File | None) -> dict[str, object]:
    mode = "lfs" if is_lfs_name(path) else "regular"
    oid = None if existing is None else existing.sha256 if existing.is_lfs else existing.oid
    return {"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid}


Route = tuple[tuple[str, ...], str, Callable[..., None]]
_READ = ("GET", "HEAD")
ROUTES: tuple[Route, ...] = (
    (_READ, "/api/whoami-v2", HubHandler.whoami),
    (_READ, "/api/agent-harnesses", HubHandler.agent_harnesses),
    (_READ, "/api/(?P<type>model|dataset)s", HubHandler.search),
    (_READ, rf"{_API}/xet-read-token/(?P<revision>.+)", HubHandler.xet_token),
    ((*_READ, "POST"), "/xet/.*", HubHandler.xet_storage),
    (_READ, rf"{_API}/revision/(?P<revision>.+)", HubHandler.info),
    (_READ, rf"{_API}/tree/(?P<revision>refs/pr/\d+|[^/]+)(?P<folder>/.+)?", HubHandler.tree),
    (_READ, rf"{_API}/refs", HubHandler.refs),
    (_READ, rf"{_API}/discussions", HubHandler.discussions),
    (_READ, rf"{_API}/auth-check(?P<write>/write)?", HubHandler.auth_check),
    (("POST",), rf"{_API}/paths-info/(?P<revision>.+)", HubHandler.paths_info),
    (("POST",), rf"{_API}/preupload/(?P<revision>.+)", HubHandler.preupload),
    (("POST",), rf"{_API}/commit/(?P<revision>.+)", HubHandler.commit),
    (("POST",), "/api/repos/create", HubHandler.create_repo),
    (("POST",), "/api/validate-yaml", HubHandler.validate_yaml),
    (("POST",), rf"/(?P<type>datasets/)?{_ID}\.git/info/lfs/objects/batch", HubHandler.lfs_batch),
    (("PUT",), "/lfs/(?P<oid>[0-9a-f]+)", HubHandler.lfs_put),
    (_READ, "/cdn/(?P<sha256>[0-9a-f]+)", HubHandler.stored),
    (_READ, rf"/(?P<type>datasets/)?{_ID}/resolve/(?P<revision>refs/pr/\d+|[^/]+)/(?P<file>.+)", HubHandler.resolve),
    (_READ, _API, HubHandler.info),
)
