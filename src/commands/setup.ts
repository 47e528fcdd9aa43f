/** What a server says about itself before anything is done to it. */
export interface Survey {
  /** `debian`, `ubuntu`, …: ID of /etc/os-release; `like` is its ID_LIKE. */
  readonly os: string
  readonly like: string
  /** As people read it: `Debian GNU/Linux 12 (bookworm)`. */
  readonly pretty: string
  readonly machine: string
  readonly user: string
  /** May do what root may: is root, or sudo asks no password. */
  readonly root: 'is' | 'sudo' | 'no'
  /** In the docker group now, or only from the next login on. */
  readonly dockerGroup: 'now' | 'next login' | 'no'
  readonly cli: boolean
  readonly daemon: boolean
  readonly socket: boolean
  /** The user may use the engine's socket as it is. */
  readonly access: boolean
  readonly systemd: boolean
  readonly addresses: readonly string[]
  /** The one that the server speaks to the world from, where it has a default route. */
  readonly source?: string
  /** Networks that it has routes to, as `10.0.0.0/16`. */
  readonly routes: readonly string[]
  readonly firewall: 'ufw' | 'firewalld' | 'none seen'
}

const script = `[ -r /etc/os-release ] && . /etc/os-release
echo "os=$ID"; echo "like=$ID_LIKE"; echo "pretty=$PRETTY_NAME"; echo "machine=$(uname -m)"
u=$(id -un); echo "user=$u"
s=
if [ "$(id -u)" = 0 ]; then echo root=is; elif sudo -n true 2>/dev/null; then echo root=sudo; s='sudo -n'; else echo root=no; fi
case " $(id -Gn) " in *' docker '*) echo group=now ;; *) case " $(id -Gn "$u") " in *' docker '*) echo 'group=next login' ;; *) echo group=no ;; esac ;; esac
has() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ]; }
has docker && echo cli=yes
has dockerd && echo daemon=yes
[ -S "$1" ] && echo socket=yes
[ -r "$1" ] && [ -w "$1" ] && echo access=yes
[ -d /run/systemd/system ] && echo systemd=yes
PATH=$PATH:/usr/sbin:/sbin
ip -o addr show scope global 2>/dev/null | while read -r _ d _ a _; do case $d in docker*|br-*|veth*) ;; *) echo "address=\${a%/*}" ;; esac; done
ip -4 route get 192.0.2.1 2>/dev/null | sed -n 's/.* src \\([0-9.]*\\).*/source=\\1/p'
ip -4 route show 2>/dev/null | while read -r n _; do case $n in */*) echo "route=$n" ;; esac; done
if has ufw && $s ufw status 2>/dev/null | grep -q '^Status: active'; then echo firewall=ufw
elif has firewall-cmd && $s firewall-cmd --state 2>/dev/null | grep -q running; then echo firewall=firewalld; fi
exit 0`

/** The questions, as one command for the server. It changes nothing. */
export function surveyArgv(socket: string): readonly string[] {
  return ['sh', '-c', script, 'sh', socket]
}

export function readSurvey(output: string): Survey {
  const facts = output.split('\n').flatMap(line => {
    const at = line.indexOf('=')
    return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1).trim()] as const]
  })
  const all = (name: string): readonly string[] => facts.flatMap(([key, value]) => (key === name ? [value] : []))
  const one = (name: string): string => all(name)[0] ?? ''
  const group = one('group')
  const root = one('root')
  const firewall = one('firewall')
  const source = one('source')
  return {
    os: one('os'),
    like: one('like'),
    pretty: one('pretty') || one('os') || 'an unknown system',
    machine: one('machine'),
    user: one('user'),
    root: root === 'is' || root === 'sudo' ? root : 'no',
    dockerGroup: group === 'now' || group === 'next login' ? group : 'no',
    cli: one('cli') === 'yes',
    daemon: one('daemon') === 'yes',
    socket: one('socket') === 'yes',
    access: one('access') === 'yes',
    systemd: one('systemd') === 'yes',
    addresses: all('address'),
    ...(source === '' ? {} : { source }),
    routes: all('route'),
    firewall: firewall === 'ufw' || firewall === 'firewalld' ? firewall : 'none seen'
  }
}

/**
 * Runs an install script that comes on stdin: from a file, because a script that is read as it runs is eaten by the first
 * program in it that reads stdin. Fresh servers are often still busy with their first update, so that is waited for, and
 * apt told to wait for its lock.
 */
export function installArgv(survey: Survey): readonly string[] {
  const steps = `d=$(mktemp -d); trap 'rm -rf "$d"' EXIT
cat >"$d/install.sh"
if command -v cloud-init >/dev/null 2>&1; then timeout 300 cloud-init status --wait >/dev/null 2>&1 || true; fi
printf 'DPkg::Lock::Timeout "300";\\n' >"$d/apt.conf"
APT_CONFIG=$d/apt.conf sh "$d/install.sh" </dev/null 2>&1`
  return asRoot(survey, ['sh', '-c', steps])
}

/** Starts the engine, now and at every boot. */
export function startArgv(survey: Survey): readonly string[] {
  return asRoot(survey, survey.systemd ? ['systemctl', 'enable', '--now', 'docker'] : ['service', 'docker', 'start'])
}

/** Succeeds once the engine has made its socket, within half a minute. */
export function awaitSocketArgv(socket: string): readonly string[] {
  return ['sh', '-c', 'for i in $(seq 60); do [ -S "$1" ] && exit 0; sleep 0.5; done; exit 1', 'sh', socket]
}

/** Lets the user use the engine, from the next login on. */
export function joinGroupArgv(survey: Survey): readonly string[] {
  return asRoot(survey, ['usermod', '-aG', 'docker', survey.user])
}

function asRoot(survey: Survey, argv: readonly string[]): readonly string[] {
  return survey.root === 'sudo' ? ['sudo', '-n', ...argv] : argv
}
