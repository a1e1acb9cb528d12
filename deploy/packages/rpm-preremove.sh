if [ "$1" -eq 0 ] && [ -d /run/systemd/system ]; then
    systemctl --no-reload disable --now kie_exporter.socket kie_exporter.service >/dev/null 2>&1 || :
fi
