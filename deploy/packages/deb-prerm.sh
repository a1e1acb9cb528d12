#!/bin/sh
set -e
# An upgrade goes on until the new version takes over.
if [ "$1" = remove ] && [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
    deb-systemd-invoke stop kie_exporter.socket kie_exporter.service >/dev/null || true
fi
