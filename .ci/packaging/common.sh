# What the scripts of this folder share; to be sourced.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)

# The same commit makes the same bytes: its time stands for that of the build.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct)}
export SOURCE_DATE_EPOCH

needed() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || { echo "$(basename "$0"): $tool is needed" >&2; exit 1; }
    done
}

# tar whose result depends on the files' names, contents and modes alone.
plain_tar() {
    tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --format=gnu --numeric-owner "$@"
}
