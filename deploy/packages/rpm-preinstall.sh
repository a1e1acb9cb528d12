# The user is there before its group's files are; the same line as in /usr/lib/sysusers.d/kie_exporter.conf.
systemd-sysusers --replace=/usr/lib/sysusers.d/kie_exporter.conf - <<'U' >/dev/null || exit 1
u kie_exporter - "Prometheus exporter for kie.ai tasks"
U
