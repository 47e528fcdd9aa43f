#!/bin/bash
# install.sh [GENERATION|edge]: makes sure that what the testbed runs is on this machine, and says where, as NAME=value lines.
#
# GENERATION is the Docker Engine: 28 (default), 26 or 20, of Debian forky, trixie and bookworm. For 28, a `dockerd` that is on PATH
# with its buildx and compose plugins is taken as it is (hosted runners have one). Otherwise the Debian packages are unpacked into a
# folder of our own: nothing of the system is replaced and no service is started. The same for the registry, busybox and tini.
# `edge` is generation 28 and, besides, the User Mode Linux of edge.ts.
# Only plain commands that are missing (sshd, ip, iptables, …) are installed with apt.
# Safe to run twice at once (flock), and quick when everything is there.
set -euo pipefail
generation=${1:-28}
cache=${TESTBED_CACHE:-/var/cache/swarm-rollout-testbed}
edge=
if [ "$generation" = edge ]; then generation=28 edge=$cache/edge-1; fi
engine=$cache/engine-$generation tools=$cache/tools-1
export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin LC_ALL=C DEBIAN_FRONTEND=noninteractive

die() { echo "testbed: $*" >&2; exit 1; }
case $generation in
  28) suite=forky packages="docker.io docker-cli docker-buildx docker-compose containerd" ;;
  26) suite=trixie packages="docker.io docker-cli containerd" ;;
  20) suite=bookworm packages="docker.io containerd" ;;
  *) die "no such engine generation: $generation (28, 26 or 20)" ;;
esac
[ "$(uname -s)" = Linux ] || die "the testbed needs Linux: its servers are Linux namespaces"
[ "$(id -u)" = 0 ] || die "the testbed needs root (it makes network namespaces): run it with sudo"
if [ -n "$edge" ]; then
  [ "$(uname -m)" = x86_64 ] || die "the ingress mesh needs User Mode Linux, which there is for x86_64 only: this machine is $(uname -m)"
  [ -c /dev/net/tun ] || die "the ingress mesh needs /dev/net/tun, which this machine does not have"
  [ "$(df --output=avail -k /dev/shm | tail -1)" -ge 1048576 ] || die "the ingress mesh needs 1 GB of free memory in /dev/shm"
fi

# the folder of the CLI plugins that belong to a dockerd already on this machine; fails when there is none
system_plugins() {
  [ "$generation" = 28 ] && [ -z "${TESTBED_OWN_ENGINE:-}" ] && command -v dockerd docker containerd runc >/dev/null || return 1
  local d
  for d in /usr/libexec/docker /usr/lib/docker /usr/local/libexec/docker /usr/local/lib/docker "$HOME/.docker"; do
    if [ -x "$d/cli-plugins/docker-buildx" ] && [ -x "$d/cli-plugins/docker-compose" ]; then echo "$d/cli-plugins"; return; fi
  done
  return 1
}

# packages whose command, or library, is not there
missing() {
  local want="git:git openssh-server:sshd openssh-client:ssh openssh-client:ssh-keygen iproute2:ip iptables:iptables util-linux:nsenter perl-base:perl procps:ps" p
  [ -z "$edge" ] || want="$want kmod:modprobe iptables:iptables-legacy"
  system_plugins >/dev/null || want="$want runc:runc"
  for p in $want; do command -v "${p#*:}" >/dev/null || echo "${p%:*}"; done | sort -u
  # the one library of the old engine that a bare Debian lacks
  [ "$generation" != 20 ] || ldconfig -p | grep -q 'libdevmapper\.so\.1\.02\.1' || echo libdevmapper1.02.1
}

complete() { [ -e "$tools/complete" ] && { [ -z "$edge" ] || [ -e "$edge/complete" ]; } && { [ -e "$engine/complete" ] || system_plugins >/dev/null; } && [ -z "$(missing)" ]; }

apt() { apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Languages=none -o APT::Sandbox::User=root "$@" >&2; }

# unpack FOLDER APT-OPTION... -- PACKAGE...
unpack() {
  local into=$1 options=() work; shift
  while [ "$1" != -- ]; do options+=("$1"); shift; done; shift
  work=$(mktemp -d "$cache/work.XXXXXX")
  (cd "$work" && apt "${options[@]}" download "$@" && for f in ./*.deb; do dpkg -x "$f" "$work/root"; done)
  chmod 755 "$work/root"; touch "$work/root/complete"
  rm -rf "$into"; mv "$work/root" "$into"; rm -rf "$work"
}

# the mirror this machine already uses for its own distribution, whatever it is
mirror() { apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 "/$1/\?\$" || die "apt has no $1 source to take the engine from"; }

install_engine() {
  . /etc/os-release
  case $ID in
    debian)
      # a view of apt of our own: the suite of this generation and nothing else, beside the machine's own configuration
      local view=$cache/apt-$suite; mkdir -p "$view/lists/partial"
      # check-valid-until: a mirror may hold a release file of a testing suite past its date
      echo "deb [check-valid-until=no signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(mirror debian) $suite main" >"$view/sources.list"
      local o=(-o "Dir::Etc::SourceList=$view/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$view/lists"
        -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=")
      apt "${o[@]}" update; unpack "$engine" "${o[@]}" -- $packages; rm -rf "$view" ;;
    ubuntu)
      [ "$generation" = 28 ] || die "engine $generation is unpacked on Debian only"
      unpack "$engine" -- docker.io docker-buildx docker-compose-v2 containerd ;;
    *) die "Debian or Ubuntu is needed to install a Docker Engine (this is $ID); or put dockerd with buildx and compose on PATH" ;;
  esac
}

install_missing() {
  local commands; commands=$(missing)
  command -v apt-get >/dev/null || die "Debian or Ubuntu is needed to install: ${commands:-the registry}"
  apt update
  if [ -n "$commands" ]; then
    # a package must not start its service on this machine
    if ! [ -e /usr/sbin/policy-rc.d ]; then
      printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d; trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    apt -y install --no-install-recommends $commands
  fi
  [ -e "$tools/complete" ] || unpack "$tools" -- docker-registry busybox-static tini
  [ -e "$engine/complete" ] || system_plugins >/dev/null || install_engine
  [ -z "$edge" ] || [ -e "$edge/complete" ] || unpack "$edge" -- user-mode-linux
}

if ! complete; then
  mkdir -p "$cache"
  exec 9>"$cache/lock"; flock 9
  rm -rf "$cache"/work.*   # of an installation that was stopped half-way
  complete || { echo "testbed: installing Docker Engine $generation and its tools into $cache" >&2; install_missing; }
  flock -u 9
  complete || die "still missing after the installation: $(missing | tr '\n' ' ')"
fi

if [ -e "$engine/complete" ]; then
  echo "ENGINE_PATH=$engine/usr/bin:$engine/usr/sbin"
  for d in "$engine"/usr/libexec/docker/cli-plugins "$engine"/usr/lib/docker/cli-plugins; do [ -d "$d" ] && echo "PLUGINS=$d" && break; done
else
  echo "ENGINE_PATH="; echo "PLUGINS=$(system_plugins)"
fi
first() { local f; for f; do [ -x "$f" ] && { echo "$f"; return; }; done; die "not found: $*"; }
echo "REGISTRY=$(first "$tools"/usr/bin/docker-registry)"
echo "BUSYBOX=$(first "$tools"/bin/busybox "$tools"/usr/bin/busybox)"
echo "INIT=$(first "$tools"/usr/bin/tini-static "$tools"/usr/bin/tini)"
[ -z "$edge" ] || { echo "UML=$(first "$edge"/usr/bin/linux.uml)"; echo "UML_MODULES=$edge/usr/lib/uml/modules"; }
