# shellcheck shell=bash disable=SC2034
# Sourced by the other scripts: installs Debian packages that are missing, and nothing where all are there.

BUILD_PACKAGES=(g++ cmake ninja-build ccache libboost1.81-dev libhiredis-dev libyaml-cpp-dev libspdlog-dev doctest-dev libssl-dev
    libcli11-dev libdtl-dev prometheus-cpp-dev libnghttp2-dev libzstd-dev libxxhash-dev libbrotli-dev zlib1g-dev libjemalloc-dev)
DEMO_PACKAGES=(redis-server redis-tools curl python3 python3-fastapi python3-uvicorn python3-sqlalchemy)
PACKAGE_PACKAGES=(debhelper dpkg-dev fakeroot lintian git python3 man-db)
IMAGE_PACKAGES=(ca-certificates binutils)
TEST_PACKAGES=("${DEMO_PACKAGES[@]}" "${PACKAGE_PACKAGES[@]}" "${IMAGE_PACKAGES[@]}" python3-pytest python3-yaml
    python3-jsonschema python3-h2 python3-hpack nghttp2-client openssl procps clang-format prometheus debootstrap buildah
    fish zsh systemd valgrind chromium chromium-driver python3-selenium)
LINT_PACKAGES=(clang-format clang-16 clang-tidy-16 git python3)
FUZZ_PACKAGES=(clang-16 libclang-rt-16-dev)
BENCH_PACKAGES=("${DEMO_PACKAGES[@]}" wrk util-linux valgrind nghttp2-client)

# Node.js packages are installed beside what needs them, from the lock file there, and once.
install_node_packages() { # FOLDER...
    local folder
    command -v npm >/dev/null || install_missing npm
    for folder in "$@"; do
        [ "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ] ||
            npm ci --prefix "$folder" --silent --no-audit --no-fund
    done
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "error: packages are missing ($*); run this as root, or install sudo" >&2
        return 1
    fi
}

apt_install() { as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"; }

install_missing() {
    local package missing=()
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return
    if ! command -v apt-get >/dev/null; then
        echo "error: this needs Debian's packages ${missing[*]}" >&2
        return 1
    fi
    echo "Installing ${missing[*]} (this may take some minutes)"
    # The package lists may be absent or too old: then fetch them, and try again.
    if ! apt_install "${missing[@]}" >/dev/null 2>&1; then
        as_root apt-get update -q
        apt_install "${missing[@]}"
    fi
}
