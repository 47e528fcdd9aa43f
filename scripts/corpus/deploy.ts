import type { ObjectNeed } from '../../src/model.ts'
import type { Shell } from '../../src/ports.ts'

let last: Promise<unknown> = Promise.resolve()

/** Deploys a stack with no replicas and removes it; says what was refused. One at a time: stacks share their ports. */
export function deployForReal(...parameters: Parameters<typeof deploy>): ReturnType<typeof deploy> {
  const next = last.then(() => deploy(...parameters))
  last = next.catch(() => undefined)
  return next
}

async function deploy(
  shell: Shell,
  env: Readonly<Record<string, string>>,
  stack: string,
  text: string,
  needs: readonly ObjectNeed[]
): Promise<string | undefined> {
  const run = (argv: readonly string[], stdin = ''): ReturnType<Shell['run']> =>
    shell.run(['docker', ...argv], { env, stdin })
  for (const { kind, key } of needs) await run([kind, 'create', `${stack}_${key}`.slice(0, 64), '-'], 'stand-in\n')
  const named = rewrite(text, stack)
  for (const network of externalNetworks(named))
    await run(['network', 'create', '--driver', 'overlay', '--attachable', network])
  const deployed = await run(['stack', 'deploy', '--detach=true', '--resolve-image', 'never', '-c', '-', stack], named)
  await run(['stack', 'rm', '--detach=false', stack])
  for (const { kind, key } of needs) await run([kind, 'rm', `${stack}_${key}`.slice(0, 64)])
  return deployed.code === 0 && !/Ignoring/.test(deployed.stderr) ? undefined : deployed.stderr.trim()
}

interface StackFile {
  services: Record<string, { deploy?: { mode?: string; replicas?: number; placement?: { constraints?: string[] } } }>
  networks?: Record<string, { external?: boolean; name?: string }>
  secrets?: Record<string, { name?: string }>
  configs?: Record<string, { name?: string }>
}

/** Nothing starts: no replicas, and no node fits a global service. */
function rewrite(text: string, stack: string): string {
  const file = JSON.parse(text) as StackFile
  for (const service of Object.values(file.services)) {
    const deploy = (service.deploy ??= {})
    if (deploy.mode?.startsWith('global')) deploy.placement = { constraints: ['node.hostname == nowhere'] }
    else deploy.replicas = 0
  }
  for (const [key, object] of Object.entries({ ...file.secrets, ...file.configs }))
    object.name = `${stack}_${key}`.slice(0, 64)
  return JSON.stringify(file)
}

function externalNetworks(text: string): string[] {
  const { networks = {} } = JSON.parse(text) as StackFile
  const external = Object.values(networks).filter(network => network.external === true)
  return external.flatMap(({ name = '' }) => (['host', 'none', 'bridge'].includes(name) ? [] : [name]))
}
