#!/bin/bash
# The first process of the edge: a User Mode Linux whose disk is the machine's own, read-only. See edge.ts.
# edge-init.sh DIR      reads DIR/{settings,daemon.json}; what is printed is the machine's console, DIR/log
. "$1/settings"   # NAME, ADDRESS, ENGINE_PATH, MODULES
export PATH=${ENGINE_PATH:+$ENGINE_PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C TMPDIR=/run/tmp

mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs devtmpfs /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm; mount -t devpts devpts /dev/pts
for folder in /dev/shm /run /var/lib /var/log /mnt; do mount -t tmpfs tmpfs "$folder"; done
mkdir -p /run/lock /run/tmp /mnt/bin /mnt/lib/modules
mount --bind "$MODULES" /mnt/lib/modules
# an engine wants the controllers in its own group, and the topmost one must hold no process for that
mount -t cgroup2 cgroup2 /sys/fs/cgroup; mkdir /sys/fs/cgroup/init
for process in $(cat /sys/fs/cgroup/cgroup.procs); do echo "$process" >/sys/fs/cgroup/init/cgroup.procs; done 2>/dev/null
for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control; done 2>/dev/null
# this kernel has no nat for nf_tables: the older iptables, in front of the usual one
for table in iptables ip6tables; do ln -s "$(command -v $table-legacy)" "/mnt/bin/$table"; done
# the modules lie under /mnt/lib/modules, for the kernel's own requests, for the engine's and for ours
printf '#!/bin/sh\nexec %s -d /mnt "$@"\n' "$(command -v modprobe)" >/mnt/bin/modprobe; chmod +x /mnt/bin/modprobe
echo /mnt/bin/modprobe >/proc/sys/kernel/modprobe; export PATH=/mnt/bin:$PATH; hash -r
for module in overlay veth bridge br_netfilter vxlan ip_vs ip_vs_rr xt_ipvs xt_tcpudp xt_conntrack xt_addrtype xt_MASQUERADE xt_mark xt_nat \
  iptable_nat iptable_filter iptable_mangle iptable_raw ip6table_filter ip6table_nat; do modprobe -q $module || echo "edge: no module $module"; done
# With 1 GB the kernel would track 7,600 connections. Each request of a visitor is one for two minutes after its end, and two more for half a
# minute by the way it takes to the task; when the table is full, the first packet of a new connection is dropped.
echo 65536 >/sys/module/nf_conntrack/parameters/hashsize; echo 262144 >/proc/sys/net/netfilter/nf_conntrack_max

hostname "$NAME"; ip link set lo up
ip addr add "$ADDRESS/24" dev vec0; ip link set vec0 up; echo 1 >/proc/sys/net/ipv4/ip_forward
# The engine is asked over tcp, on the bed's private network only: no socket of this kernel is seen outside.
dockerd --config-file "$1/daemon.json" -H unix:///run/docker.sock -H "tcp://$ADDRESS:2375" --tls=false 2>&1
echo "edge: the engine ended with $?"   # and with this process the whole machine
