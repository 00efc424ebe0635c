# Sourced by `try` and `test`: Python, the virtual environment in the checkout, and system packages.
# Expects `set -euo pipefail` and the variable `root`, the checkout.

venv="$root/.venv"

say() { printf '%s\n' "$*"; }
fail() { printf 'error: %s\n' "$1" >&2; shift; for line in "$@"; do printf 'hint: %s\n' "$line" >&2; done; exit 1; }

# Which package manager there is; empty when it is none that we know.
package_manager() {
    local one
    for one in apt-get dnf pacman; do
        if command -v "$one" >/dev/null 2>&1; then printf '%s' "$one"; return; fi
    done
}

# How one would install packages by hand, for messages.
install_line() {
    case "$(package_manager)" in
        apt-get) printf 'sudo apt-get install %s' "$*" ;;
        dnf) printf 'sudo dnf install %s' "$*" ;;
        pacman) printf 'sudo pacman -S %s' "$*" ;;
        *) printf 'install with the package manager of your system: %s' "$*" ;;
    esac
}

# Install system packages: as root directly, else with sudo, which asks for itself. $1 says what for.
install_packages() {
    local purpose=$1; shift
    local manager; manager=$(package_manager)
    local -a become=()
    [ -n "$manager" ] || fail "$purpose is missing, and there is neither apt, dnf nor pacman" "$(install_line "$@")"
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || fail "$purpose is missing, and there is no sudo" \
            "as root: $(install_line "$@" | sed 's/^sudo //')"
        become=(sudo)
        say "Installing $* ($purpose), for which sudo may ask for your password"
    else
        say "Installing $* ($purpose)"
    fi
    case "$manager" in
        apt-get)
            # An update takes its time: only when the lists do not have the packages, or have them no more.
            local -a install=("${become[@]}" env DEBIAN_FRONTEND=noninteractive
                apt-get install -y -qq --no-install-recommends "$@")
            if ! apt-get install --simulate -qq "$@" >/dev/null 2>&1 || ! "${install[@]}" >/dev/null 2>&1; then
                "${become[@]}" apt-get update -qq
                "${install[@]}" >/dev/null
            fi
            ;;
        dnf) "${become[@]}" dnf install -y -q "$@" ;;
        pacman) "${become[@]}" pacman -S --needed --noconfirm --quiet "$@" ;;
    esac
}

# The first Python that is new enough, as a path; nothing when there is none.
find_python() {
    local one
    for one in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
        if [ -n "$one" ] && "$one" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            "$one" -c 'import sys; print(sys.executable)'
            return
        fi
    done
}

# The virtual environment, with the project in it. $1: the extras to install, as in "[test]", or nothing.
prepare_venv() {
    local extras=${1:-} python wanted
    if ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
        python=$(find_python)
        if [ -z "$python" ]; then
            command -v python3 >/dev/null 2>&1 || [ "$(package_manager)" != apt-get ] || install_packages "Python" python3 python3-venv
            python=$(find_python)
            [ -n "$python" ] || fail "Python 3.11 or newer is needed, and there is none" "$(install_line python3)"
        fi
        if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            install_packages "Python's venv module" \
                "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
        fi
        say "Making the virtual environment .venv"
        rm -rf "$venv"
        "$python" -m venv "$venv" || fail "the virtual environment cannot be made" "$(install_line python3-venv)"
    fi
    wanted="$extras $(cksum < "$root/pyproject.toml") $root"
    if [ "$(cat "$venv/.installed" 2>/dev/null)" = "$wanted" ] || { [ -z "$extras" ] && [ "$(cat "$venv/.installed" 2>/dev/null)" = "[test]$wanted" ]; }; then
        return
    fi
    say "Installing pithosfs${extras:+ and what the tests need} into .venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --use-pep517 -e "$root$extras" \
        || fail "the installation failed" "is there a connection to the package index? the lines above say more"
    printf '%s' "$wanted" > "$venv/.installed"
}

# Not `grep -q`: it would end first, and what is still writing to it would fail the pipe.
has_library() { { ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null; } | grep "$1" >/dev/null; }

has_fuse3() { command -v fusermount3 >/dev/null 2>&1 && has_library 'libfuse3\.so'; }
has_fuse2() { command -v fusermount >/dev/null 2>&1 && has_library 'libfuse\.so\.2'; }

# The FUSE library and its helper, installed when there is none at all.
prepare_fuse() {
    if ! has_fuse3 && ! has_fuse2; then
        install_packages "the FUSE library" fuse3
        has_fuse3 || [ "$(package_manager)" != dnf ] || install_packages "the FUSE library" fuse3-libs
    fi
    [ -e /dev/fuse ] || modprobe fuse 2>/dev/null || true
    [ -e /dev/fuse ] || fail "this machine has no /dev/fuse" \
        "load the kernel module (sudo modprobe fuse); a container needs --device /dev/fuse --cap-add SYS_ADMIN"
}
