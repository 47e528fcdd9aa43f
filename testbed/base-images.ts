import { readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { blob, pushImage, type Layer } from './images.ts'
import { run } from './processes.ts'
import type { Login } from './registry.ts'
import { node24 } from './runner.ts'
import { ensureToolchain, here, projectDir, showOwnWords } from './toolchain.ts'

/** The variables of the example's compose file, with the images of a bed's registry in place of the public ones. */
export type ExampleImages = Readonly<Record<'NODE_IMAGE' | 'POSTGRES_IMAGE' | 'CADDY_IMAGE', string>>

/** Puts the base images of `examples/app` into a registry; they are made at the first call on a machine (some 15 s). */
export async function pushExampleImages(registry: string, login?: Login): Promise<ExampleImages> {
  const { busybox } = await ensureToolchain('28')
  const npm = dirname(dirname(realpathSync((await run(['sh', '-c', 'command -v npm'])).trim())))
  const script = ['bash', join(here, 'base-images.sh'), join(projectDir, 'examples/app/web')]
  const env = { ...process.env, NODE24: realpathSync(node24), NPM: npm, BUSYBOX: busybox }
  const folder = await run(script, { env, timeout: 600_000, onStderr: showOwnWords })
  const system = readLayer(folder, 'system')
  const search = 'PATH=/usr/local/bin:/usr/local/pgsql/bin:/usr/bin:/bin'
  const npmRegistry = readFileSync(join(folder, 'npm-registry'), 'utf8').trim()
  const offline = ['npm_config_cache=/opt/npm-cache', 'npm_config_offline=true', `npm_config_registry=${npmRegistry}`]
  const push = (name: string, own: string, config: Record<string, unknown>) =>
    pushImage(registry, name, [system, readLayer(folder, own)], config, login).then(({ reference }) => reference)
  const [node, postgres, caddy] = await Promise.all([
    push('library/node:24', 'node', { Env: [search, ...offline, 'npm_config_logs_max=0'], Cmd: ['node'] }),
    push('library/postgres:17', 'postgres', {
      Env: [search, 'LD_LIBRARY_PATH=/usr/local/pgsql/lib'],
      Cmd: ['postgres-entrypoint']
    }),
    push('library/caddy:2', 'caddy', {
      Env: [search, 'XDG_DATA_HOME=/tmp', 'XDG_CONFIG_HOME=/tmp'],
      Cmd: ['caddy-start']
    })
  ])
  return { NODE_IMAGE: node, POSTGRES_IMAGE: postgres, CADDY_IMAGE: caddy }
}

function readLayer(folder: string, name: string): Layer {
  const diffId = readFileSync(join(folder, `${name}.diff-id`), 'utf8').trim()
  return { ...blob(readFileSync(join(folder, `${name}.tar.gz`))), diffId }
}
