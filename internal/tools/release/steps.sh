#!/usr/bin/env bash
# What boot.sh has systemd run: /mnt/old.deb is installed, started, upgraded to /mnt/new.deb, removed and installed again, has done
# to it what docs/operating.md says of systemd, as its blocks in /mnt/manual stand there, and is purged; then the same of /mnt/old.rpm
# and /mnt/new.rpm, as far as rpm knows it. Says which step failed.
set -euo pipefail
trap 'echo "line $LINENO failed: $BASH_COMMAND"; journalctl --no-pager -n 30 -u kie_exporter.service || true' ERR

config=/etc/kie_exporter/kie_exporter.yml key=/etc/kie_exporter/kie_api_key unit=/usr/lib/systemd/system/kie_exporter.service
store=/var/lib/kie_exporter/kie_exporter.db dropins=/etc/systemd/system/kie_exporter.service.d
export DEBIAN_FRONTEND=noninteractive

step() { echo "== $*"; }
# is WANT COMMAND… fails if the command prints anything else.
is() {
    local want=$1 got
    shift
    got=$("$@" 2>&1) || true
    [[ $got == "$want" ]] || { echo "$* says $got, want $want"; return 1; }
}
# gone PATH… fails if one is there.
gone() {
    local path
    for path; do [[ ! -e $path && ! -L $path ]] || { echo "$path is there"; return 1; }; done
}
# shows PATTERN waits until the service's /metrics have a line of that pattern.
shows() {
    local i text
    for ((i = 0; i < 900; i++)); do
        text=$({ exec 3<>/dev/tcp/127.0.0.1/10059 && printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3 && cat <&3; } 2>/dev/null) || true
        if grep -qx "$1" <<<"$text"; then return; fi
        sleep 0.2
    done
    echo "the service does not show $1"
    systemctl status --no-pager kie_exporter.service || true
    return 1
}
# answers VERSION waits until the service says so of itself.
answers() { shows "kie_exporter_build_info{.*version=\"$1\".*"; }
# private PATH fails if somebody can read a file who is neither the service nor root.
private() {
    runuser -u kie_exporter -- test -r "$1" || [[ $1 == "$key" ]] || { echo "the service can't read $1"; return 1; }
    if runuser -u nobody -- cat "$1" >/dev/null 2>&1; then echo "nobody can read $1"; return 1; fi
}

step install
dpkg -i /mnt/old.deb >/mnt/said 2>&1 || { cat /mnt/said; false; }
grep -q 'not started. Put the API key into' /mnt/said
is enabled systemctl is-enabled kie_exporter.service
is inactive systemctl is-active kie_exporter.service
is 'root kie_exporter 2750' stat -c '%U %G %a' /etc/kie_exporter
is 'root kie_exporter 640' stat -c '%U %G %a' "$config"
is 'kie_exporter, version 0.1.0 ' bash -c "kie_exporter --version | grep -o '^kie_exporter, version [^(]*'"
is '' systemd-analyze verify --man=no "$unit" /usr/lib/systemd/system/kie_exporter.socket
is '' bash -c 'dpkg --verify kie-exporter | grep -v "^??5?????? c "'

step start
echo no-secret-key-for-tests >"$key"
chmod 600 "$key"
printf '%s\n' '# edited here' >>"$config"
echo 'task_12345678' >/etc/kie_exporter/tasks/a.txt
systemctl start kie_exporter.service
answers 0.1.0
is kie_exporter stat -c %U "/proc/$(systemctl show -P MainPID kie_exporter.service)"
is kie_exporter stat -c %U /var/lib/kie_exporter/.
private "$key"
private "$config"
private /etc/kie_exporter/tasks/a.txt
[[ -n $(ls /var/lib/kie_exporter/) ]]

step upgrade
dpkg -i /mnt/new.deb >/mnt/said 2>&1 || { cat /mnt/said; false; }
answers 0.1.1
grep -q '^# edited here$' "$config"
is 'root kie_exporter 640' stat -c '%U %G %a' "$config"
is enabled systemctl is-enabled kie_exporter.service

step 'upgrade of a service that is disabled and stopped'
systemctl disable --now kie_exporter.service >/dev/null 2>&1
dpkg -i /mnt/new.deb >/mnt/said 2>&1 || { cat /mnt/said; false; }
is disabled systemctl is-enabled kie_exporter.service
is inactive systemctl is-active kie_exporter.service
systemctl enable --now kie_exporter.service >/dev/null 2>&1
answers 0.1.1

step remove
dpkg -r kie-exporter >/mnt/said 2>&1 || { cat /mnt/said; false; }
is inactive systemctl is-active kie_exporter.service
gone "$unit" /usr/bin/kie_exporter
[[ -n $(ls /var/lib/kie_exporter/) ]]
grep -q '^# edited here$' "$config"
[[ -s $key && -s /etc/kie_exporter/tasks/a.txt ]]

step 'install again, with the key there'
dpkg -i /mnt/new.deb >/mnt/said 2>&1 || { cat /mnt/said; false; }
answers 0.1.1

step 'two accounts, as the manual has it'
rm "$key"
for account in film shop; do echo "no-secret-key-of-$account" | install -m 600 /dev/stdin "/etc/kie_exporter/${account}_key"; done
mkdir -p "$dropins"
cp '/mnt/manual/ini systemd' "$dropins/override.conf"
cp '/mnt/manual/yaml two accounts' "$config"
echo '{"taskId":"task_12345678"}' >/etc/kie_exporter/tasks/film-1.jsonl
echo task_23456789 >/etc/kie_exporter/tasks/shop.txt
systemctl daemon-reload # as `systemctl edit` does
systemctl restart kie_exporter.service
shows 'kie_exporter_source_tasks{group="film",.*} 1'
shows 'kie_exporter_source_tasks{group="shop",.*} 1'
kie_exporter --config.check --config.file="$config" >/mnt/said 2>&1 || { cat /mnt/said; false; }

step 'back up and restore, as the manual has it'
shows 'kie_exporter_store_tasks [2-9]'
bash -e '/mnt/manual/sh backup'
answers 0.1.1
kept=$(sha256sum </var/backups/kie_exporter.db)
rm /etc/kie_exporter/tasks/* # so that nothing but the storage knows of the tasks
systemctl stop kie_exporter.service
rm "$store"
bash -e '/mnt/manual/sh restore'
shows 'kie_exporter_store_tasks [2-9]'
shows 'kie_exporter_store_up 1'
is "$kept" sha256sum </var/backups/kie_exporter.db

step 'a copy that nobody else may open'
cp --remove-destination /var/backups/kie_exporter.db "$store"
systemctl restart kie_exporter.service
shows 'kie_exporter_store_up 0'
grep -o 'chown --reference=[^`]*' /mnt/manual/page | bash -e
systemctl restart kie_exporter.service
shows 'kie_exporter_store_up 1'

step 'move to another host, as the manual has it'
cd /root
bash -e '/mnt/manual/sh move from' >/mnt/said 2>&1 || { cat /mnt/said; false; }
dpkg -P kie-exporter >/mnt/said 2>&1 || { cat /mnt/said; false; }
before=$(id -u kie_exporter)
userdel kie_exporter
useradd --system somebody # so that the service's user has another number there
dpkg -i /mnt/new.deb >/mnt/said 2>&1 || { cat /mnt/said; false; }
[[ $(id -u kie_exporter) != "$before" ]]
bash -e '/mnt/manual/sh move to' >/mnt/said 2>&1 || { cat /mnt/said; false; }
shows 'kie_exporter_store_tasks [2-9]'
shows 'kie_exporter_store_up 1'
is kie_exporter stat -c %U "$store"
private "$config"

step 'remove, and install again, with the socket and keys of other names'
gone "$key"
systemctl stop kie_exporter.service
echo KIE_EXPORTER_ARGS=--web.systemd-socket >>/etc/default/kie_exporter
systemctl enable --now kie_exporter.socket >/dev/null 2>&1
answers 0.1.1
dpkg -r kie-exporter >/mnt/said 2>&1 || { cat /mnt/said; false; }
is inactive systemctl is-active kie_exporter.socket
dpkg -i /mnt/new.deb >/mnt/said 2>&1 || { cat /mnt/said; false; }
is $'active\nactive' systemctl is-active kie_exporter.socket kie_exporter.service
answers 0.1.1
rm -r "$dropins"

step purge
dpkg -P kie-exporter >/mnt/said 2>&1 || { cat /mnt/said; false; }
gone /etc/kie_exporter /etc/default/kie_exporter /var/lib/kie_exporter /var/lib/private/kie_exporter "$unit"
gone /etc/systemd/system/kie_exporter.{service,socket} /etc/systemd/system/{multi-user.target.wants/kie_exporter.service,sockets.target.wants/kie_exporter.socket}
is $'inactive\ninactive' systemctl is-active kie_exporter.socket kie_exporter.service
is '' bash -c 'dpkg -s kie-exporter 2>/dev/null'

step 'rpm: install'
userdel kie_exporter
rpm=(rpm --dbpath /var/lib/rpm-of-test --nodeps)
"${rpm[@]}" -i /mnt/old.rpm >/mnt/said 2>&1 || { cat /mnt/said; false; }
grep -q 'not started. Put the API key into' /mnt/said
is 'root kie_exporter 2750' stat -c '%U %G %a' /etc/kie_exporter
is 'root kie_exporter 640' stat -c '%U %G %a' "$config"
is '' "${rpm[@]}" -V kie-exporter
step 'rpm: start'
echo no-secret-key-for-tests >"$key"
chmod 600 "$key"
printf '%s\n' '# edited here' >>"$config"
systemctl enable --now kie_exporter.service >/dev/null 2>&1
answers 0.1.0
step 'rpm: upgrade'
"${rpm[@]}" -U /mnt/new.rpm
answers 0.1.1
is kie-exporter-0.1.1-1.x86_64 rpm --dbpath /var/lib/rpm-of-test -q kie-exporter
grep -q '^# edited here$' "$config"
is 'root kie_exporter 640' stat -c '%U %G %a' "$config"
is enabled systemctl is-enabled kie_exporter.service
step 'rpm: downgrade of a service that is disabled and stopped'
systemctl disable --now kie_exporter.service >/dev/null 2>&1
"${rpm[@]}" -U --oldpackage /mnt/old.rpm
is disabled systemctl is-enabled kie_exporter.service
is inactive systemctl is-active kie_exporter.service
systemctl start kie_exporter.service
answers 0.1.0
step 'rpm: erase'
"${rpm[@]}" -e kie-exporter
is inactive systemctl is-active kie_exporter.service
[[ -n $(ls /var/lib/kie_exporter/) && -s $key ]]
grep -q '^# edited here$' "$config" "$config.rpmsave" 2>/dev/null || { ls -la /etc/kie_exporter; false; }
gone "$unit" /usr/bin/kie_exporter
step done
