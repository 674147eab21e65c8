#!/usr/bin/env bash
# What the tests need and pip does not have: a Chromium, and the 70,000 Fashion-MNIST images.
# Installed on Debian and Ubuntu where root, or sudo without a password, allows it; elsewhere a sentence says what to do.
# In CI (CI=true) something missing is a failure; on a desk the other tests still run.
set -euo pipefail

missing_packages() {
    command -v chromium chromium-browser google-chrome google-chrome-stable >/dev/null || echo chromium
    [ -d /usr/share/datasets/fashion-mnist ] || echo dataset-fashion-mnist
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@" </dev/null; else sudo -n "$@" </dev/null; fi
}

missing=$(missing_packages)
if [ -n "$missing" ] && command -v apt-get >/dev/null && as_root true 2>/dev/null; then
    as_root apt-get update
    # shellcheck disable=SC2086  # one word a package
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y $missing
    missing=$(missing_packages)
fi

case $missing in *chromium*)
    echo "The browser tests need Chromium or Chrome: install one, so that 'chromium' or 'google-chrome' is on the PATH." ;;
esac
case $missing in *fashion*)
    echo "The test of the Fashion-MNIST loader needs Debian's package dataset-fashion-mnist." ;;
esac
[ -z "$missing" ] || [ "${CI:-}" != true ]
