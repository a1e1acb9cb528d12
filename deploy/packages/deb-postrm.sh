#!/bin/sh
set -e
if [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload >/dev/null || true
fi
case $1 in
remove)
    if [ -x /usr/bin/deb-systemd-helper ]; then
        deb-systemd-helper mask kie_exporter.socket kie_exporter.service >/dev/null || true
    fi
    ;;
purge)
    if [ -x /usr/bin/deb-systemd-helper ]; then
        deb-systemd-helper purge kie_exporter.socket kie_exporter.service >/dev/null || true
        deb-systemd-helper unmask kie_exporter.socket kie_exporter.service >/dev/null || true
    fi
    # What is known of tasks, and keys and lists beside the configuration. The user stays, so that nobody else gets its number.
    rm -rf "$DPKG_ROOT/var/lib/kie_exporter" "$DPKG_ROOT/var/lib/private/kie_exporter" "$DPKG_ROOT/etc/kie_exporter"
    ;;
esac
