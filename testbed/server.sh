#!/bin/bash
# The first process of one server of the testbed, inside its own net, mount, pid, uts and ipc namespaces. Its disk is the machine's own,
# read through an overlay: what the server writes stays in memory and is gone when it goes, only the engine's data is kept (DIR/docker).
#
# server.sh DIR NAME ADDRESS     reads DIR/{daemon.json,sshd_config,ssh_host_ed25519_key,hosts}; env: KEEP (folders shared with the
# machine, one per line), ENGINE_PATH, ENGINE (none: a server without Docker), SSHD (none),
# INIT (reaps what is left behind), BUSYBOX
set -euo pipefail
dir=$1 name=$2 address=$3
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C

prepare_disk() {
  local top=$dir/disk root=$dir/disk/root folder
  mkdir -p "$top" "$dir"/{docker,containerd,log}
  mount -t tmpfs tmpfs "$top"; mkdir "$top"/{upper,work,root}
  mount -t overlay overlay -o "lowerdir=/,upperdir=$top/upper,workdir=$top/work" "$root"
  mount -t proc proc "$root/proc"; mount --rbind /dev "$root/dev"
  for folder in run tmp root home; do mount -t tmpfs -o mode=755 tmpfs "$root/$folder"; done; chmod 1777 "$root/tmp"
  mkdir -p "$root"/run/{sshd,lock} "$root"/home/{deploy,stranger} "$root"/var/lib/{docker,containerd}
  # a sysfs of this network namespace, with the control groups of the machine in it
  mount -t sysfs sysfs "$root/sys"; prepare_cgroups "$root/sys/fs/cgroup"
  printf '%s\n' "$KEEP" | while read -r folder; do
    if [ -n "$folder" ]; then mkdir -p "$root$folder"; mount --rbind "$folder" "$root$folder"; fi
  done
  # an engine's layers cannot be stacked on a layered file system: in memory where the machine's own disk is one (a container)
  for folder in docker containerd; do
    if [ "$(stat -f -c %T "$dir")" = overlayfs ]; then mount -t tmpfs tmpfs "$root/var/lib/$folder"
    else mount --bind "$dir/$folder" "$root/var/lib/$folder"; fi
  done
}

# prepare_cgroups FOLDER: the machine's own hierarchy, v1, hybrid or v2; mounted anew where the caller has none (a chroot)
prepare_cgroups() {
  local controller
  if [ -e /sys/fs/cgroup/cgroup.controllers ] || [ -d /sys/fs/cgroup/memory ]; then mount --rbind /sys/fs/cgroup "$1"
  elif grep -q '^memory[[:space:]]*0' /proc/cgroups || ! grep -q '^memory' /proc/cgroups; then mount -t cgroup2 cgroup2 "$1"
  else
    mount -t tmpfs tmpfs "$1"
    for controller in $(awk '!/^#/ && $2 != 0 { print $1 }' /proc/cgroups); do
      mkdir "$1/$controller"; mount -t cgroup -o "$controller" cgroup "$1/$controller"
    done
  fi
}

# In a container with control groups v2 the topmost group is not the machine's own, and one that holds processes cannot hand its
# controllers on: they move to a group beside, as Docker-in-Docker does it.
free_topmost_cgroup() {
  local top=/sys/fs/cgroup process controllers
  [ -e "$top/cgroup.type" ] && ! grep -qw memory "$top/cgroup.subtree_control" || return 0
  mkdir -p "$top/init"
  for process in $(cat "$top/cgroup.procs"); do echo "$process" >"$top/init/cgroup.procs" 2>/dev/null || true; done
  controllers=$(sed 's/[^ ]*/+&/g' "$top/cgroup.controllers")
  echo "$controllers" >"$top/cgroup.subtree_control" || true
}

prepare_system() {
  local root=$dir/disk/root file
  hostname "$name"
  echo "$name" >"$root/etc/hostname"; cat "$dir/hosts" >"$root/etc/hosts"
  rm -f "$root/etc/resolv.conf"; echo "nameserver 127.0.0.1" >"$root/etc/resolv.conf"   # refused at once: there is no name server
  { grep -v -e ^deploy: -e ^stranger: -e ^sshd: /etc/passwd
    echo "sshd:x:74:65534::/run/sshd:/usr/sbin/nologin"
    echo "deploy:x:2001:2001::/home/deploy:/bin/sh"; echo "stranger:x:2003:2003::/home/stranger:/bin/sh"; } >"$dir/disk/passwd"
  { grep -v -e ^docker: -e ^deploy: -e ^stranger: /etc/group; echo "deploy:x:2001:"; echo "docker:x:2002:deploy"; echo "stranger:x:2003:"; } >"$dir/disk/group"
  cat "$dir/disk/passwd" >"$root/etc/passwd"; cat "$dir/disk/group" >"$root/etc/group"
  { grep -v -e ^deploy: -e ^stranger: -e ^sshd: /etc/shadow || true; printf '%s:*:19000:0:99999:7:::\n' sshd deploy stranger; } >"$dir/disk/shadow"
  cat "$dir/disk/shadow" >"$root/etc/shadow"
  chown 2001:2001 "$root/home/deploy"; chown 2003:2003 "$root/home/stranger"
  # the machine's own Docker is not the server's
  rm -rf "$root/etc/docker"
  if [ "$ENGINE" = none ]; then
    rm -f "$root"/usr/{,local/}{,s}bin/{docker,dockerd,containerd}
  elif [ -n "$ENGINE_PATH" ]; then
    for folder in ${ENGINE_PATH//:/ }; do ln -sf "$folder"/* "$root/usr/local/bin/"; done
  fi
}

prepare_network() {
  until ip link show eth0 >/dev/null 2>&1; do sleep 0.02; done
  ip link set lo up
  ip addr add "$address/24" dev eth0; ip link set eth0 up   # no default route: nothing leaves the bed's own network
}

# nothing that is mounted here is to be seen outside; said of the namespace's own root, which a chroot does not show
nsenter --mount=/proc/self/ns/mnt --wd="${BUSYBOX%/*}" ./busybox mount --make-rprivate /
free_topmost_cgroup; prepare_disk; prepare_system; prepare_network
# The overlay becomes the root of the mount namespace itself, not of this process alone: who enters the namespace later (docker exec,
# healthchecks) must land in it. Entering our own namespace anew leads out of a chroot that the testbed itself may live in; from there
# on nothing but the static busybox, by a path from the working folder, is sure to run.
exec nsenter --mount=/proc/self/ns/mnt --wd="$dir/disk/root" ".$BUSYBOX" sh -e -c '
  mkdir -p .old; ".$BUSYBOX" pivot_root . .old; cd /; umount -l /.old; exec "$INIT" -- /bin/bash -s -- "$0"' "$dir" <<'INSIDE'
dir=$1; rmdir /.old
[ "$SSHD" = none ] || /usr/sbin/sshd -f "$dir/sshd_config" -h "$dir/ssh_host_ed25519_key" -E "$dir/log/sshd.log"
# the engine, as systemd would keep it: started again when it ends, but not while DIR/stop exists
while :; do
  if [ -e "$dir/stop" ] || ! command -v dockerd >/dev/null; then sleep 0.2; continue; fi
  rm -f /run/docker.pid /run/docker/containerd/containerd.pid
  dockerd --config-file "$dir/daemon.json" >>"$dir/log/dockerd.log" 2>&1 </dev/null || true
  sleep 0.5
done
INSIDE
