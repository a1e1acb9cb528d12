#!/usr/bin/env bash
# usage: boot.sh FOLDER
# Boots this machine's own systemd on an overlay of this machine's own root, in namespaces of its own, and has it run
# FOLDER/steps.sh there, as /mnt/steps.sh. What that changes is gone afterwards; it sees no network but its own loopback.
# Prints what the steps print, and fails if they do. Needs root.
set -euo pipefail

if [[ ${2:-} != inside ]]; then
    folder=$(realpath "$1")
    : >"$folder/log"
    rm -f "$folder/rc"
    new=$(mktemp -d /run/kie_exporter-boot.XXXXXX) # stays empty: what is mounted on it is so in the namespace only
    # As the first process of its namespace takes all others with it, nothing stays behind.
    timeout -k 5 600 unshare --mount --pid --fork --kill-child --uts --ipc --cgroup --net "$0" "$folder" inside "$new" >"$folder/boot.log" 2>&1 &
    booted=$!
    trap 'kill "$booted" 2>/dev/null || true; wait "$booted" || true; rmdir "$new"' EXIT
    while [[ ! -s $folder/rc ]] && kill -0 "$booted" 2>/dev/null; do sleep 0.2; done
    cat "$folder/log"
    [[ -s $folder/rc ]] || { echo "boot: systemd ended or took over 600 s" >&2; cat "$folder/boot.log" >&2; exit 1; }
    read -r code <"$folder/rc"
    exit "$code"
fi

folder=$1 new=$3
mount -t tmpfs tmpfs "$new" # an overlay can't lie in what it is laid over
mkdir "$new"/{upper,work,root}
mount -t overlay overlay -o "lowerdir=/,upperdir=$new/upper,workdir=$new/work" "$new/root"
cd "$new/root"

# Nothing of this machine's starts but what every boot needs, and nothing sets the kernel that it shares.
rm -rf etc/systemd/system/*.wants etc/systemd/system/*.requires etc/fstab usr/sbin/policy-rc.d
: >etc/machine-id
# Nor is there anything of the packages, should they be installed here.
rm -rf etc/kie_exporter etc/default/kie_exporter var/lib/{,private/}kie_exporter
for unit in systemd-sysctl systemd-modules-load systemd-remount-fs systemd-udevd systemd-udev-trigger systemd-random-seed \
    systemd-update-utmp systemd-binfmt systemd-hwdb-update systemd-networkd systemd-resolved systemd-timesyncd systemd-pstore; do
    ln -sfn /dev/null "etc/systemd/system/$unit.service"
done
# dpkg knows only that systemd is there: its own records are this machine's, and may change meanwhile.
mount -t tmpfs tmpfs var/lib/dpkg
mkdir var/lib/dpkg/{info,updates,triggers,parts,alternatives}
awk -v RS= '/^Package: systemd\n/ { print; exit }' /var/lib/dpkg/status | grep -vE '^(Pre-)?Depends:' >var/lib/dpkg/status
: >var/lib/dpkg/info/systemd.list
cat >etc/systemd/system/steps.service <<'UNIT'
[Service]
Type=oneshot
ExecStart=/bin/bash -c '/bin/bash /mnt/steps.sh >/mnt/log 2>&1; echo $? >/mnt/rc'
UNIT
mount --bind "$folder" mnt
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs tmpfs dev
mkdir dev/pts dev/shm
for device in null zero full random urandom tty; do
    : >"dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mount -t devpts -o ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd/0 dev/stdin
mkdir -p .before
pivot_root . .before
exec env -i container=boot PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c '
    umount -l /.before
    mount --make-rshared / # credentials are mounted elsewhere and reach services so
    exec /lib/systemd/systemd --unit=steps.service --show-status=no --log-target=console --log-level=warning </dev/null'
