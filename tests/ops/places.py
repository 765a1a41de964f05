"""Where the samples say that a run happens: the command, environment and folders of each scheduler, as it sets them.

Each place is a sandbox (bubblewrap) with a root of its own, in which the paths of the samples are real: nothing of the
samples is changed but the notifications in the job.
"""

import configparser
import os
import re
import shlex
import signal
import socket
import subprocess
import threading
from pathlib import Path

import yaml

JOB = "/etc/descope-bulk/nightly.toml"
KEY = "K2nightssecretsecretsecret"
PROJECT = "P2aAc4T2V93bddihGEx2Ryhc8e5Z"


class Place:
    """A sandbox for a scheduler. `host` is where its folders are outside of it."""

    def __init__(self, name, binary, host):
        self.name, self.binary, self.host = name, binary, Path(host)
        self.etc, self.users = self.folder("etc"), self.folder("users")
        (self.etc / "management.key").write_text(KEY + "\n")
        (self.etc / "management.key").chmod(0o600)

    def folder(self, name):
        path = self.host / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def sandbox(self):
        """The root: the system's libraries and certificates, the program, and the folders of the place; all else is not there."""
        words = ["bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--new-session", "--die-with-parent"]
        words += ["--cap-drop", "ALL", "--clearenv", "--proc", "/proc", "--dev", "/dev"]
        for path in ["/usr/lib", "/usr/lib64", "/usr/bin/sh", "/usr/bin/dash", "/usr/bin/sleep"]:
            if os.path.exists(path):
                words += ["--ro-bind", path, path]
        words += ["--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"]
        words += ["--ro-bind", "/etc/ssl/certs", "/etc/ssl/certs"]
        words += ["--ro-bind", str(self.binary), "/usr/local/bin/descope-bulk"]
        return words

    def start(self, more_environment):
        environment = {**self.environment(), **more_environment}
        words = self.sandbox() + self.mounts()
        for name, value in environment.items():
            words += ["--setenv", name, value]
        # The root is read-only: what is written goes to the folders that are mounted.
        words += ["--remount-ro", "/", "--"] + self.command()
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, more_environment):
        child = self.start(more_environment)
        out, err = child.communicate(timeout=60)
        return child.returncode, out.decode(), err.decode()


class Systemd(Place):
    """The service's command in what systemd would give it: credentials, a socket to notify, no home."""

    def __init__(self, binary, host, samples):
        super().__init__("systemd", binary, host)
        unit = configparser.RawConfigParser(strict=False, delimiters="=", comment_prefixes="#", interpolation=None)
        unit.optionxform = str
        text = (samples / "descope-bulk@.service").read_text().replace("%i", "nightly")
        self.variables = dict(line.split("=", 2)[1:] for line in re.findall(r"^Environment=.*", text, re.M))
        unit.read_string(text)
        self.service = unit["Service"]
        self.state = self.folder("state-directory")
        for name in self.service["StateDirectory"].split():
            (self.state / Path(name).relative_to("descope-bulk")).mkdir(exist_ok=True)
        credentials = self.folder("credentials")
        name, path = self.service["LoadCredential"].split(":")
        assert Path(path) == Path(JOB).with_suffix(".key"), "each job has a key of its own"
        (credentials / name).write_text(KEY + "\n")
        (credentials / name).chmod(0o400)
        self.told = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.folder("notify") / "socket"))
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            self.told.append(self.socket.recv(65536).decode())

    def mounts(self):
        # ProtectSystem=strict: all is read-only but the folder of the state.
        return [
            *["--ro-bind", str(self.etc / "nightly.toml"), JOB],
            *["--ro-bind", str(self.users), "/srv/users"],
            *["--bind", str(self.state), "/var/lib/descope-bulk"],
            *["--ro-bind", str(self.host / "credentials"), "/run/credentials"],
            *["--ro-bind", str(self.host / "notify"), "/run/systemd"],
            *["--tmpfs", "/tmp", "--chdir", self.service["WorkingDirectory"], "--uid", "990", "--gid", "990"],
        ]

    def environment(self):
        return {
            **self.variables,
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "CREDENTIALS_DIRECTORY": "/run/credentials",
            "NOTIFY_SOCKET": "/run/systemd/socket",
            "WATCHDOG_USEC": "200000",
            "INVOCATION_ID": "0123456789abcdef0123456789abcdef",
            "USER": self.service["User"],
        }

    def command(self):
        return shlex.split(self.service["ExecStart"])

    def outcome(self, code):
        codes = {name: set(self.service[name].split()) for name in ["RestartForceExitStatus", "SuccessExitStatus"]}
        if str(code) in codes["RestartForceExitStatus"]:
            return "again"
        return "done" if code == 0 or str(code) in codes["SuccessExitStatus"] else "failed"


class Cron(Place):
    """The crontab's line in cron's environment: its own variables and nothing else, no home, no terminal."""

    def __init__(self, binary, host, samples):
        super().__init__("cron", binary, host)
        self.state = self.folder("state")
        for name in ["runs", "metrics", "state"]:
            (self.state / name).mkdir()
        lines = (samples / "crontab").read_text().splitlines()
        lines = [line for line in lines if line and not line.startswith("#")]
        self.variables = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))
        commands = [line.split(None, 5)[5] for line in lines if line[0].isdigit()]
        again = [line.split("; ", 1)[1] for line in lines if line.startswith("@reboot")]
        assert len(commands) == 1 and again == commands, "a reboot takes up the same run"
        assert "%" not in commands[0], "cron makes a new line of it"
        self.line = commands[0]

    def mounts(self):
        return [
            *["--ro-bind", str(self.etc), "/etc/descope-bulk", "--ro-bind", str(self.users), "/srv/users"],
            *["--bind", str(self.state), "/var/lib/descope-bulk", "--tmpfs", "/tmp", "--chdir", "/"],
        ]

    def environment(self):
        own = {name: value for name, value in self.variables.items() if name != "MAILTO"}
        return {**own, "LOGNAME": "descope-bulk"}

    def command(self):
        return [self.variables["SHELL"], "-c", self.line]

    def outcome(self, code):
        # cron does not look at codes: the next night goes on.
        return {0: "done", 143: "again"}.get(code, "failed")


class CronJob(Place):
    """The container of the CronJob: its user, a read-only root, its volumes, no home."""

    def __init__(self, binary, host, samples):
        super().__init__("container", binary, host)
        self.state = self.folder("volume")
        documents = yaml.safe_load_all((samples / "cronjob.yaml").read_text())
        job = next(own for own in documents if own["kind"] == "CronJob")["spec"]["jobTemplate"]["spec"]
        self.policy, self.pod = job["podFailurePolicy"], job["template"]["spec"]
        [self.container] = self.pod["containers"]
        assert self.container["securityContext"]["readOnlyRootFilesystem"]
        self.key = self.folder("key")
        (self.key / "management.key").write_text(KEY)
        (self.key / "management.key").chmod(0o400)

    def mounts(self):
        volumes = {"runs": self.state, "input": self.users, "job": self.etc, "key": self.key, "tmp": self.folder("tmp")}
        words = []
        for mount in self.container["volumeMounts"]:
            kind = "--ro-bind" if mount.get("readOnly") else "--bind"
            words += [kind, str(volumes[mount["name"]]), mount["mountPath"]]
        user = self.pod["securityContext"]
        words += ["--uid", str(user["runAsUser"]), "--gid", str(user["runAsGroup"])]
        return words + ["--chdir", self.container["workingDir"]]

    def environment(self):
        values = {"project-id": PROJECT}
        own = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
        for entry in self.container["env"]:
            reference = entry.get("valueFrom", {}).get("configMapKeyRef", {})
            own[entry["name"]] = entry.get("value") or values[reference["key"]]
        return own

    def command(self):
        return self.container["command"] + self.container["args"]

    def outcome(self, code):
        for rule in self.policy["rules"]:
            if code in rule.get("onExitCodes", {}).get("values", []):
                return {"FailJob": "failed", "Ignore": "again"}[rule["action"]]
        return "done" if code == 0 else "again"


def stop(child):
    """SIGTERM to the program within a sandbox, as its scheduler would send it."""
    for pid in descendants(child.pid):
        if Path(f"/proc/{pid}/comm").read_text().strip() == "descope-bulk":
            os.kill(pid, signal.SIGTERM)
            return
    raise AssertionError("the program is not there")


def descendants(pid):
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield int(child)
        yield from descendants(int(child))
