if [ -d /run/systemd/system ]; then systemctl daemon-reload >/dev/null 2>&1 || :; fi
if [ "$1" -eq 1 ]; then
    systemctl --no-reload preset kie_exporter.service >/dev/null 2>&1 || :
    if [ ! -e /etc/kie_exporter/kie_api_key ]; then
        echo "kie-exporter: not started. Put the API key into /etc/kie_exporter/kie_api_key, and say what to track in /etc/kie_exporter/kie_exporter.yml; then: systemctl enable --now kie_exporter"
    fi
fi
