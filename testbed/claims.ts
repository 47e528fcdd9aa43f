import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { endWithNamespace, isAlive, run, self, startedAt, tryRead, withLock, type Recorded } from './processes.ts'
import { systemPath } from './toolchain.ts'

/** A bed's claim on a number, from which its names and its network follow. */
export interface BedRecord {
  readonly name: string
  /** `sb0`: short, since the name of a network interface has 15 characters at most. */
  readonly prefix: string
  readonly dir: string
  /** `10.77.0`: the first three numbers of its addresses. */
  readonly network: string
  /** The process whose end ends the bed; null: it stays until `testbed down`. */
  readonly owner: Recorded | null
}

/** Where all beds of this machine have their folders. */
const bedsDir = join(tmpdir(), 'swarm-rollout-testbed')

const count = 200

/**
 * Sweeps beds whose owner is gone, and claims the next free number that is not among `not`. No number is given twice in a row, so
 * that what a bed has left is told from what another one has just made.
 */
export async function claim(name: string, stays: boolean, not: ReadonlySet<string>): Promise<BedRecord> {
  mkdirSync(bedsDir, { recursive: true, mode: 0o755 })
  return withLock(join(bedsDir, 'lock'), async () => {
    await sweep()
    const first = nextNumber()
    for (let step = 0; step < count; step++) {
      const number = (first + step) % count
      const prefix = `sb${number}`
      const dir = join(bedsDir, prefix)
      if (not.has(prefix) || existsSync(dir) || taken(prefix, `10.77.${number}`)) continue
      mkdirSync(dir, { mode: 0o755 })
      const record: BedRecord = { name, prefix, dir, network: `10.77.${number}`, owner: stays ? null : self() }
      writeFileSync(join(dir, 'bed.json'), JSON.stringify(record))
      writeFileSync(join(bedsDir, 'last'), String(number))
      return record
    }
    throw new Error(`all ${count} beds are in use: see "npm run testbed -- status"`)
  })
}

/** The one after the last that was claimed. */
function nextNumber(): number {
  try {
    return (Number(readFileSync(join(bedsDir, 'last'), 'utf8')) + 1) % count || 0
  } catch {
    return 0
  }
}

/** Whether something outside our folder uses these names or addresses (a bed of another container on the same network). */
function taken(prefix: string, network: string): boolean {
  if (existsSync(`/sys/class/net/${prefix}r`)) return true
  const addresses = Object.values(networkInterfaces()).flatMap(list => list ?? [])
  return addresses.some(({ address }) => address.startsWith(`${network}.`))
}

/** The beds that are up, and what is left of others; `owned` says whether the process it belongs to is still there. */
export function listBeds(): { readonly record: BedRecord; readonly owned: boolean }[] {
  if (!existsSync(bedsDir)) return []
  return readdirSync(bedsDir)
    .filter(entry => /^sb\d+$/.test(entry))
    .map(entry => tryReadRecord(join(bedsDir, entry)))
    .map(record => ({ record, owned: record.owner === null || isAlive(record.owner) }))
}

function tryReadRecord(dir: string): BedRecord {
  try {
    return JSON.parse(readFileSync(join(dir, 'bed.json'), 'utf8')) as BedRecord
  } catch {
    // its process was killed before it had written a line
    return { name: '?', prefix: '?', dir, network: '?', owner: { pid: 0, started: '' } }
  }
}

/** Takes down what processes that are gone have left. */
export async function sweepLost(): Promise<void> {
  if (existsSync(bedsDir)) await withLock(join(bedsDir, 'lock'), sweep)
}

async function sweep(): Promise<void> {
  for (const { record, owned } of listBeds()) if (!owned) await destroy(record.dir)
  // of a tear-down that was killed in its last step
  for (const entry of readdirSync(bedsDir)) {
    const pid = /\.gone-(\d+)$/.exec(entry)?.[1]
    if (pid !== undefined && startedAt(Number(pid)) === undefined)
      await rm(join(bedsDir, entry), { recursive: true, force: true })
  }
}

/** Stops what the bed in this folder started (by the recorded pids, if they are still those processes) and removes its traces. */
export async function destroy(dir: string): Promise<void> {
  if (!existsSync(dir)) return
  const names = readdirSync(dir)
  const number = dir.slice(dir.lastIndexOf('sb') + 2)
  // the servers first: the switch holds their cables
  await Promise.all(
    names.filter(name => name !== 'switch').map(name => endWithNamespace(tryRead(join(dir, name, 'pid'))))
  )
  await takeDownSwitch(join(dir, 'switch', 'pid'))
  for (const name of names) {
    const server = /^s(\d+)$/.exec(name)?.[1] ?? (name === 'builder' ? '0' : undefined)
    if (server !== undefined) removeControlGroups(`sb${number}-${server}`)
  }
  const grave = `${dir}.gone-${process.pid}`
  renameSync(dir, grave)
  await rm(grave, { recursive: true, force: true, maxRetries: 5 })
}

/**
 * The runner's cable goes with its other end, in our own switch: never by its name, which another bed may have by now. The kernel would
 * take it away by itself, but in its own time.
 */
async function takeDownSwitch(pidFile: string): Promise<void> {
  const recorded = tryRead(pidFile)
  if (!recorded || !isAlive(recorded)) return
  const argv = ['nsenter', `--net=/proc/${recorded.pid}/ns/net`, 'ip', 'link', 'del', 'p']
  await run(argv, { env: { PATH: systemPath } }).catch(() => undefined)
  await endWithNamespace(recorded)
}

/** The control groups of a server's containers: the same path in every hierarchy there is. */
function removeControlGroups(name: string): void {
  const root = '/sys/fs/cgroup'
  if (!existsSync(root)) return
  const hierarchies = [
    root,
    ...readdirSync(root, { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(entry => join(root, entry.name))
  ]
  for (const hierarchy of hierarchies) tryRemoveTree(join(hierarchy, name))
}

function tryRemoveTree(group: string): void {
  try {
    for (const entry of readdirSync(group, { withFileTypes: true }))
      if (entry.isDirectory()) tryRemoveTree(join(group, entry.name))
    rmdirSync(group)
  } catch {
    // not in this hierarchy
  }
}
