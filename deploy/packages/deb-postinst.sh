#!/bin/sh
set -e
if [ "$1" = configure ]; then
    systemd-sysusers ${DPKG_ROOT:+--root="$DPKG_ROOT"} kie_exporter.conf
    if [ -z "$2" ]; then
        # Only the service and root can enter; files that root makes there belong to the service's group. An upgrade changes nothing.
        chown root:kie_exporter "$DPKG_ROOT/etc/kie_exporter" "$DPKG_ROOT/etc/kie_exporter/kie_exporter.yml" "$DPKG_ROOT/etc/kie_exporter/tasks"
        chmod 2750 "$DPKG_ROOT/etc/kie_exporter" "$DPKG_ROOT/etc/kie_exporter/tasks"
        chmod 0640 "$DPKG_ROOT/etc/kie_exporter/kie_exporter.yml"
    fi
fi
case $1 in configure | abort-upgrade | abort-deconfigure | abort-remove) ;; *) exit 0 ;; esac

deb-systemd-helper unmask kie_exporter.service >/dev/null || true
if deb-systemd-helper --quiet was-enabled kie_exporter.service; then
    deb-systemd-helper enable kie_exporter.service >/dev/null || true
else
    deb-systemd-helper update-state kie_exporter.service >/dev/null || true
fi
# The socket is enabled by whoever wants it, and forgotten with the package.
deb-systemd-helper unmask kie_exporter.socket >/dev/null || true
deb-systemd-helper update-state kie_exporter.socket >/dev/null || true
if [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload >/dev/null || true
    if [ -n "$2" ]; then
        deb-systemd-invoke try-restart kie_exporter.service >/dev/null || true
    fi
    # This starts nothing that is disabled. After a removal there is an old version, too, and nothing runs. What has run before may have keys of other names.
    if [ -e /etc/kie_exporter/kie_api_key ] || [ -d /var/lib/kie_exporter ]; then
        deb-systemd-invoke start kie_exporter.socket kie_exporter.service >/dev/null || true
    fi
fi
if [ -z "$2" ] && [ ! -e "$DPKG_ROOT/etc/kie_exporter/kie_api_key" ]; then
    echo "kie-exporter: not started. Put the API key into /etc/kie_exporter/kie_api_key, and say what to track in /etc/kie_exporter/kie_exporter.yml; then: systemctl start kie_exporter"
fi
