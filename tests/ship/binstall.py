"""Whether `cargo binstall` would find the program in an archive: binstall.py ARCHIVE FOLDER TARGET

It puts the address of the archive, and the place of the program in it, together from Cargo.toml.
"""

import re
import sys
import tarfile
import tomllib
from pathlib import Path

archive, folder, target = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
package = tomllib.loads((folder / "Cargo.toml").read_text())["package"]
rules = package["metadata"]["binstall"]
known = {"name": package["name"], "bin": package["name"], "version": package["version"], "target": target, "repo": "REPO"}


def filled(template):
    return re.sub(r"\{ ([a-z]+) \}", lambda found: known[found[1]], template)


release = f"REPO/releases/download/v{package['version']}/"
assert filled(rules["pkg-url"]) == release + archive.name, f"it looks for {filled(rules['pkg-url'])}"
with tarfile.open(archive) as opened:
    program = opened.getmember(filled(rules["bin-dir"]))
assert program.isfile() and program.mode == 0o755, f"{program.name} is no program"
