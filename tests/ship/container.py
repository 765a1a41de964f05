"""Starts an unpacked image in a sandbox, as a runtime would: container.py BUNDLE FOLDER-OF-SAMPLES

The command, user, environment and folder are those of the image. The root is read-only, /data is a volume, there is no
network, and nothing of this machine is there.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

bundle, samples = Path(sys.argv[1]), Path(sys.argv[2]).resolve()
rootfs = bundle / "rootfs"
process = json.loads((bundle / "config.json").read_text())["process"]
NAME = "project.internal"


def prepare():
    """What a runtime adds to the root: where it mounts, and the names that it knows."""
    for name in ["proc", "dev", "input"]:
        (rootfs / name).mkdir(exist_ok=True)
    (rootfs / "etc/hosts").write_text(f"127.0.0.1 localhost {NAME}\n")
    (rootfs / "etc/resolv.conf").write_text("")


def start(volume, *arguments):
    user = process["user"]
    words = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"]
    words += ["--uid", str(user["uid"]), "--gid", str(user["gid"]), "--ro-bind", str(rootfs), "/"]
    words += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--chdir", process["cwd"]]
    words += ["--ro-bind", str(samples), "/input", "--bind", volume, "/data"]
    for entry in process["env"]:
        words += ["--setenv", *entry.split("=", 1)]
    # The last word of the image is what it does without any.
    words += ["--remount-ro", "/", "--", *process["args"][:1], *arguments]
    return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def check(what, holds, ended):
    if not holds:
        raise SystemExit(f"image: not so: {what}\nexit code {ended.returncode}\n{ended.stdout}{ended.stderr}")


def look_at_files():
    user = process["user"]
    assert user["uid"] == user["gid"] == 65532, f"it runs as {user}"
    assert not (rootfs / "bin/sh").exists() and not (rootfs / "usr/bin").exists(), "there is more in it than needed"
    assert (rootfs / "usr/share/doc/descope-bulk/THIRD-PARTY.txt").exists(), "licences are missing"
    writable = [path for path in rootfs.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o002]
    assert writable == [rootfs / "tmp"], f"anybody can write to {writable}"
    if os.geteuid() == 0:
        assert (rootfs / "data").stat().st_uid == 65532, "a new volume would not be the user's"


def main():
    look_at_files()
    prepare()
    with tempfile.TemporaryDirectory() as volume:
        ended = start(volume, *process["args"][1:])
        check("without words it shows its help", "Usage: descope-bulk" in ended.stdout, ended)
        words = ["--report", "/data/page.html", "--tz", "Europe/Berlin"]
        ended = start(volume, "run", "/input/phones.csv", "--simulate", *words)
        check("a rehearsal ends well, and time zones are known", ended.returncode == 0, ended)
        [results] = Path(volume).glob("runs/*/results.jsonl")
        lines = results.read_text().splitlines()
        check("120 rows are updated", sum('"status":"updated"' in line for line in lines) == 120, ended)
        check("its files are private", results.stat().st_mode & 0o077 == 0, ended)
        ended = start(volume, "run", "/input/phones.csv", "--simulate", "--runs-dir", "/runs")
        check("nothing else can be written", ended.returncode == 2 and "/runs" in ended.stderr, ended)
        # Nobody listens, so a name that is found and certificates that load end in a refused connection.
        (Path(volume) / "key").write_text("K2secretsecretsecretsecret")
        (Path(volume) / "key").chmod(0o600)
        words = ["--base-url", f"https://{NAME}:9", "--project-id", "P2aAc4T2V93bddihGEx2Ryhc8e5Z"]
        ended = start(volume, "run", "/input/phones.csv", "--key-file", "/data/key", "--yes", *words)
        check("it finds names and loads certificates", "refused" in ended.stderr, ended)


main()
