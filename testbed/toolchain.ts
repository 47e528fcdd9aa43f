import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from './processes.ts'

/** The folder of the testbed, and of the project around it. */
export const here = dirname(fileURLToPath(import.meta.url))
export const projectDir = dirname(here)

/** Engine generations the testbed can run: Docker Engine 28, 26.1 and 20.10. */
export const generations = ['28', '26', '20'] as const
export type Generation = (typeof generations)[number]

/** Those that this machine can have: `install.sh` finds the older ones among Debian's packages only. */
export function generationsHere(): readonly Generation[] {
  return /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8')) ? generations : ['28']
}

/** Where `install.sh` found or put what the testbed runs. */
export interface Toolchain {
  /** Folders of dockerd, docker, containerd, …, colon separated; empty when they are on PATH. */
  readonly enginePath: string
  /** The folder of the CLI plugins buildx and compose; empty in generations that have none. */
  readonly plugins: string
  readonly registry: string
  readonly busybox: string
  readonly init: string
}

/** PATH as the testbed's own commands have it. */
export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** What {@link Toolchain} is, and the User Mode Linux that serves the ingress mesh. */
export interface EdgeToolchain extends Toolchain {
  readonly uml: string
  /** The folder with the modules of its kernel, by version. */
  readonly umlModules: string
}

const installed = new Map<Generation, Promise<Toolchain>>()

/** Installs what is missing (needs root; quick when all is there) and tells where it is. */
export function ensureToolchain(generation: Generation): Promise<Toolchain> {
  const known = installed.get(generation)
  if (known) return known
  const toolchain = install(generation)
  installed.set(generation, toolchain)
  return toolchain
}

/** The same for the edge. Rejects in one line where this machine lacks what it needs. */
export async function ensureEdgeToolchain(): Promise<EdgeToolchain> {
  const value = await valuesOf('edge')
  return { ...toolchainOf(value), uml: value('UML'), umlModules: value('UML_MODULES') }
}

async function install(generation: Generation): Promise<Toolchain> {
  return toolchainOf(await valuesOf(generation))
}

async function valuesOf(what: string): Promise<(name: string) => string> {
  const output = await run(['bash', join(here, 'install.sh'), what], { timeout: 600_000, onStderr: showOwnWords })
  const values = new Map(
    output.split('\n').map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])
  )
  return name => values.get(name) ?? ''
}

function toolchainOf(value: (name: string) => string): Toolchain {
  return {
    enginePath: value('ENGINE_PATH'),
    plugins: value('PLUGINS'),
    registry: value('REGISTRY'),
    busybox: value('BUSYBOX'),
    init: value('INIT')
  }
}

/** What takes a minute says so: the lines of our own scripts are shown, those of apt and npm only when they fail. */
export function showOwnWords(text: string): void {
  for (const line of text.split('\n'))
    if (/^testbed: (?:installing|making) /.test(line)) process.stderr.write(`${line}\n`)
}

/** PATH with the engine's own folders first. */
export function pathWith(toolchain: Toolchain): string {
  return toolchain.enginePath ? `${toolchain.enginePath}:${systemPath}` : (process.env['PATH'] ?? systemPath)
}
