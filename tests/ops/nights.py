"""Nights with the samples: nights.py PATH-OF-DESCOPE-BULK FOLDER-OF-SAMPLES

In each place where a run may be scheduled: a good file, a file with failures, no file, and a run that is stopped and taken
up again. What arrives at a server for notifications, in the metrics, on the page and at systemd is looked at.
"""

import http.server
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from places import KEY, Cron, CronJob, Systemd, stop

BINARY, SAMPLES = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
PATIENCE = 60
ROWS = 120


class Listener(http.server.ThreadingHTTPServer):
    """Takes what is posted, and keeps it: path and body."""

    def __init__(self):
        self.told = []
        super().__init__(("127.0.0.1", 0), self.handler())
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handler(self):
        told = self.told

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"] or 0)).decode()
                told.append((self.path, body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *words):
                pass

        return Handler

    def taken(self):
        """What was told since the last time, by path."""
        told, self.told[:] = dict(self.told), []
        return told


def simulator():
    """A project of some users whose answers take a moment."""
    users = tempfile.NamedTemporaryFile("w", suffix=".jsonl")
    for number in range(ROWS):
        users.write(json.dumps({"loginIds": [f"user{number}@secret.example"]}) + "\n")
    users.flush()
    words = [BINARY, "simulate", "--listen", "127.0.0.1:0", "--users", users.name]
    words += ["--latency", "20ms"]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return child, child.stdout.readline().strip(), users


def rows(numbers, digit):
    lines = [f"user{number}@secret.example,+1415555{digit}{number:03d}" for number in numbers]
    return "\n".join(["loginId,phone", *lines, ""])


def job(listener, state):
    """The sample's job, with its notifications switched on and a page."""
    text = (SAMPLES / "nightly.toml").read_text()
    text = text.replace("# [notify]", "[notify]")
    text = re.sub(r'# (check = )".*"', rf'\1"{listener.url}/ping"', text)
    text = re.sub(r'# (webhooks = )\[.*\]', rf'\1["{listener.url}/hook"]', text)
    text = text.replace("quiet = true", f'report = "{state}/night.html"\nquiet = true', 1)
    assert "/ping" in text and "/hook" in text and "night.html" in text
    return text


class Nights:
    def __init__(self, place, url, listener):
        self.place, self.listener = place, listener
        self.inside = "/data" if place.name == "container" else "/var/lib/descope-bulk"
        self.environment = {"DESCOPE_BASE_URL": url}
        (place.etc / "nightly.toml").write_text(job(listener, self.inside))

    def file(self, text):
        path = self.place.users / "nightly.csv"
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text)

    def check(self, what, holds):
        if not holds:
            raise AssertionError(f"{self.place.name}: {what}\n{self.said}")

    def night(self, code, outcome, lines, hook):
        """One night: its exit code, what the scheduler makes of it, the words of the check, whether others are told."""
        found, out, err = self.place.run(self.environment)
        self.said = f"exit code {found}\n{out}{err}"
        self.check(f"exit code {code}", found == code)
        self.check(f"the scheduler takes it as {outcome}", self.place.outcome(code) == outcome)
        self.check("neither the key nor a user is shown", KEY not in self.said and "secret.example" not in self.said)
        told = self.listener.taken()
        end = "/ping" if code == 0 else f"/ping/{code}"
        self.check(f"the check hears of the start and {end}: {told}", {"/ping/start", end} <= set(told))
        self.check(f"{lines} in {told[end]}", lines in told[end])
        self.check(f"others are told: {hook}", ("/hook" in told) == hook)
        self.check("nobody is told of a user", "secret" not in json.dumps(told))
        return json.loads(told["/hook"]) if hook else None

    def metrics(self):
        name = "nightly.prom" if self.place.name == "container" else "metrics/nightly.prom"
        path = self.place.state / name
        text = path.read_text()
        checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
        self.check(f"promtool takes the metrics: {checked.stderr}", checked.returncode == 0)
        self.check("node_exporter can read them", path.stat().st_mode & 0o777 == 0o644)
        return dict(re.findall(r"^descope_bulk_(.*) (\S+)$", text, re.M))

    def pages(self):
        return sorted(self.place.state.glob("night*.html"), key=lambda path: path.stat().st_mtime_ns)

    def all(self):
        self.good()
        self.with_failures()
        self.without_a_file()
        self.stopped_and_taken_up()
        if self.place.name == "systemd":
            self.heard()
        budgets = list(self.place.state.glob("state/descope-bulk/budget-*.json"))
        self.check("runs share their rate", len(budgets) == 1)
        private = [own for own in self.place.state.glob("runs/*/") if own.stat().st_mode & 0o077]
        self.check(f"run folders are their owner's: {private}", not private)
        print(f"{self.place.name}: a good night, failures, no file, a stop and a resume: as documented")

    def good(self):
        self.file(rows(range(10), 1))
        self.night(0, "done", "nightly.csv: exit code 0: 10 updated", hook=False)
        metrics = self.metrics()
        self.check(f"{metrics}", metrics['run_rows{run="nightly",status="updated"}'] == "10")
        self.check(f"{metrics}", metrics['run_exit_code{run="nightly"}'] == "0")
        self.check("there is a page", len(self.pages()) == 1)
        [page] = self.pages()
        self.check("the page tells of it", "nightly.csv" in page.read_text())
        # Again, as after a reboot: nothing is sent, and nobody but the check is told.
        self.night(0, "done", "nothing to do", hook=False)

    def with_failures(self):
        self.file(rows(range(10), 2) + "nobody@secret.example,+14155550000\nuser1@secret.example,12\n")
        told = self.night(1, "failed", "exit code 1: 10 updated, 1 invalid, 1 rejected", hook=True)
        self.check(f"{told}", (told["exitCode"], told["complete"]) == (1, True))
        kinds = {reason["kind"] for reason in told["reasons"]}
        self.check(f"the causes are told: {kinds}", "user_not_found" in kinds)
        metrics = self.metrics()
        self.check(f"{metrics}", metrics['run_rows{run="nightly",status="rejected"}'] == "1")
        self.check(f"{metrics}", metrics['run_exit_code{run="nightly"}'] == "1")
        page = self.pages()[-1].read_text()
        self.check("the page tells why, and of no user", "user_not_found" in page and "nobody@secret" not in page)

    def without_a_file(self):
        before, pages = self.metrics(), self.pages()
        self.file(None)
        told = self.night(2, "failed", "exit code 2: ", hook=True)
        self.check(f"{told}", "nightly.csv" in told["why"] and told["rows"] is None)
        self.check("metrics stay, and grow old", self.metrics() == before)
        self.check("there is no page of nothing", self.pages() == pages)

    def stopped_and_taken_up(self):
        """A reboot in the middle of the night, and the next start."""
        self.file(rows(range(ROWS), 3))
        child = self.place.start(self.environment)
        results = self.wait_for_results(child)
        stop(child)
        out, err = child.communicate(timeout=PATIENCE)
        self.said = f"exit code {child.returncode}\n{out.decode()}{err.decode()}"
        self.check("it stopped in order", child.returncode == 143 and (results.parent / "summary.json").exists())
        told = self.listener.taken()
        self.check(f"others are told: {told}", json.loads(told["/hook"])["complete"] is False)
        metrics = self.metrics()
        self.check(f"{metrics}", metrics['run_complete{run="nightly"}'] == "0")
        self.night(0, "done", f"exit code 0: {ROWS} updated", hook=False)
        metrics = self.metrics()
        self.check(f"{metrics}", metrics['run_complete{run="nightly"}'] == "1")
        lines = [json.loads(line)["row"] for line in results.read_text().splitlines()]
        self.check("each row has its outcome once", sorted(lines) == list(range(1, ROWS + 1)))

    def wait_for_results(self, child):
        """Until some rows have their outcome, and not all; the run folder is the newest."""
        known = set(self.place.state.glob("runs/*/results.jsonl"))
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and child.poll() is None:
            for path in set(self.place.state.glob("runs/*/results.jsonl")) - known:
                if path.stat().st_size > 0:
                    return path
            time.sleep(0.01)
        raise AssertionError(f"{self.place.name}: no results: {child.poll()} {child.communicate()}")

    def heard(self):
        told = self.place.told
        begun = [own for own in told if own.startswith("READY=1")]
        self.check(f"systemd hears of each beginning: {told}", len(begun) == 5)
        ended = [own for own in told if "STATUS=exit code" in own]
        codes = [own.rsplit(" ", 1)[1] for own in ended]
        self.check(f"systemd hears of each end: {codes}", codes == ["0", "0", "1", "2", "143", "0"])
        self.check(f"it hears that the program is alive: {told}", "WATCHDOG=1" in told)
        self.check(f"it hears of no user: {told}", "secret" not in "".join(told))


def check_the_dashboard(text):
    """The dashboard and the rules ask for metrics that the program writes, and for all of them."""
    known = set(re.findall(r"^# TYPE (\S+) gauge$", text, re.M))
    dashboard = json.loads((SAMPLES / "grafana-dashboard.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked = set(re.findall(r"descope_bulk_\w+", " ".join(expressions)))
    assert asked == known, asked ^ known
    statuses = set(re.findall(r'status="(\w+)"', text))
    rules = (SAMPLES / "prometheus/rules.yml").read_text()
    assert set(re.findall(r"descope_bulk_\w+", rules)) <= known
    for list_of in re.findall(r'status(?:=~|!=)"([\w|]+)"', rules + " ".join(expressions)):
        assert set(list_of.split("|")) <= statuses, list_of
    print("Grafana and Prometheus: they ask for what the program writes")


def main():
    text = ""
    for kind in [Systemd, Cron, CronJob]:
        # A project of its own for each, with the documented limits.
        server, url, users = simulator()
        try:
            with tempfile.TemporaryDirectory() as folder:
                place = kind(BINARY, folder, SAMPLES)
                Nights(place, url, Listener()).all()
                text = text or (place.state / "metrics/nightly.prom").read_text()
        finally:
            server.terminate()
            server.wait()
            users.close()
    check_the_dashboard(text)


if __name__ == "__main__":
    main()
