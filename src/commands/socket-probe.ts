/** What the server says about the engine's socket, asked only when the engine does not answer through it. */
export interface SocketProbe {
  readonly socket: 'ok' | 'denied' | 'missing'
  readonly cli: boolean
  readonly user: string
  /** The user's own rootless engine, if its socket is there. */
  readonly rootless?: string
  /** Whether anything accepts connections on the socket; undefined when it could not be tried. */
  readonly answers?: boolean
  /** The docker CLI's own words when it does not. */
  readonly words?: string
}

const script = `s=$1
if [ -S "$s" ]; then if [ -r "$s" ] && [ -w "$s" ]; then echo socket=ok; else echo socket=denied; fi
else echo socket=missing; fi
echo user=$(id -un)
r=/run/user/$(id -u)/docker.sock; [ -S "$r" ] && echo rootless=$r
if command -v docker >/dev/null 2>&1; then
  echo cli=yes
  if w=$(docker -H "unix://$s" version --format '{{.Server.Version}}' 2>&1 </dev/null); then echo answers=yes
  else echo answers=no; echo "words=$(printf %s "$w" | tail -n 1)"; fi
else echo cli=no; fi`

/** The question, as a command for the server. */
export function socketProbeArgv(socket: string): readonly string[] {
  return ['sh', '-c', script, 'sh', socket]
}

export function readSocketProbe(output: string): SocketProbe {
  const facts = new Map(
    output.split('\n').flatMap(line => {
      const at = line.indexOf('=')
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const]
    })
  )
  const socket = facts.get('socket')
  const rootless = facts.get('rootless')
  const answers = facts.get('answers')
  const words = facts.get('words')
  return {
    socket: socket === 'ok' || socket === 'denied' ? socket : 'missing',
    cli: facts.get('cli') === 'yes',
    user: facts.get('user') ?? '',
    ...(rootless === undefined ? {} : { rootless }),
    ...(answers === undefined ? {} : { answers: answers === 'yes' }),
    ...(words === undefined || words === '' ? {} : { words })
  }
}
