import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { destroy, listBeds } from '../../testbed/claims.ts'
import { isAlive, run, startedAt, tryRead, until, type Recorded } from '../../testbed/processes.ts'
import { node24 } from '../../testbed/runner.ts'
import { ensureToolchain, here } from '../../testbed/toolchain.ts'
import { scratch } from '../scratch.ts'

// The machine may be busy with other beds.
jest.setTimeout(180_000)

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** The processes that hold what a bed is made of: its switch, its servers, its registry. */
function processesOf(dir: string): Recorded[] {
  return readdirSync(dir)
    .map(name => tryRead(join(dir, name, 'pid')))
    .filter(recorded => recorded !== undefined)
}

/** What of a bed is on the machine: processes that still run, its cable, its control groups, its folder. */
function left(bed: Pick<Bed, 'prefix' | 'dir'>, processes: readonly Recorded[]): string[] {
  const groups = ['/sys/fs/cgroup', '/sys/fs/cgroup/memory'].flatMap(root =>
    ['0', '1'].map(number => join(root, `${bed.prefix}-${number}`))
  )
  return [
    ...processes.filter(isAlive).map(({ pid }) => `process ${pid}`),
    ...[`/sys/class/net/${bed.prefix}r`, bed.dir, ...groups].filter(path => existsSync(path))
  ]
}

/** A process of its own that runs this text as a module of the testbed's folder. */
function start(module: string): ChildProcess {
  const child = spawn(node24, ['--no-warnings', '--input-type=module', '-e', module], { cwd: here, stdio: 'ignore' })
  children.push(child)
  return child
}

/** The bed that a process has claimed. */
async function bedOf(child: ChildProcess): Promise<{ prefix: string; dir: string }> {
  return until('the claim of a bed', 60_000, async () =>
    listBeds()
      .map(({ record }) => record)
      .find(({ owner }) => owner?.pid === child.pid)
  )
}

const exited = (child: ChildProcess): Promise<number | null> => new Promise(done => child.once('exit', done))

describe('beds', () => {
  it('stand side by side, and one that goes takes nothing of another with it', async () => {
    const [one, two] = await Promise.all([openBed({ name: 'one', builder: false }), openBed({ name: 'two' })])
    expect([one.prefix, one.address, one.registry, one.dir]).not.toContainEqual(
      expect.stringMatching(new RegExp(`^(${[two.prefix, two.address, two.registry, two.dir].join('|')})$`))
    )
    const reaches = (address: string) =>
      one.server.exec(['timeout', '2', 'bash', '-c', `exec 3<>/dev/tcp/${address}/22`])
    await reaches(one.server.address)
    await expect(reaches(two.server.address)).rejects.toThrow('unreachable')
    const processes = processesOf(one.dir)
    expect(processes.length).toBeGreaterThanOrEqual(3)
    await one.close()
    await one.close()
    expect(left(one, processes)).toEqual([])
    expect(await two.server.docker('node', 'ls', '--format', '{{.Status}}')).toBe('Ready')
    expect((await fetch(`http://${two.registry}/v2/`)).status).toBe(200)
    await two.close()
  })

  it('stop what they recorded and nothing else: a process that has the number of one that is gone lives on', async () => {
    const dir = scratch('not-a-bed')
    const bystander = start('setInterval(() => {}, 1000)')
    const pid = bystander.pid ?? 0
    const started = Number(await until('its start', 5_000, async () => startedAt(pid)))
    for (const [name, record] of [
      ['s1', `${pid} ${started - 1}`],
      ['switch', `${pid} ${started + 1}`],
      ['registry', 'nonsense']
    ] as const) {
      mkdirSync(join(dir, 'sb999', name), { recursive: true })
      writeFileSync(join(dir, 'sb999', name, 'pid'), record)
    }
    await destroy(join(dir, 'sb999'))
    expect(existsSync(join(dir, 'sb999'))).toBe(false)
    expect(startedAt(pid)).toBe(String(started))
  })

  it('of a process that was killed are swept by the next one', async () => {
    const owner = start(`const { openBed } = await import('./bed.ts'); await openBed({ name: 'orphan', builder: false })
      process.stdout.end(); setInterval(() => {}, 1000)`)
    const orphan = await bedOf(owner)
    await until('its server', 60_000, async () => tryRead(join(orphan.dir, 's1/pid')))
    const gone = exited(owner)
    owner.kill('SIGKILL')
    await gone
    const processes = processesOf(orphan.dir)
    expect(processes.filter(isAlive).length).toBeGreaterThanOrEqual(2)
    const next = await openBed({ name: 'next', registry: false, builder: false })
    expect(processes.filter(isAlive)).toEqual([])
    expect(next.prefix).not.toBe(orphan.prefix)
    await next.close()
    expect(left(next, processes)).toEqual([])
  })

  it('need no second installation', async () => {
    const toolchain = await ensureToolchain('28')
    const script = ['bash', join(here, 'install.sh'), '28']
    const said: string[] = []
    const output = await run(script, { onStderr: text => said.push(text) })
    expect(output).toContain(`REGISTRY=${toolchain.registry}\n`)
    expect(said).toEqual([])
  })
})

describe('the demo', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('that gets %s while its server is set up leaves nothing', async signal => {
    const demo = spawn(node24, ['--no-warnings', join(here, 'demo.ts')], { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(demo)
    const output: string[] = []
    demo.stdout.setEncoding('utf8').on('data', text => output.push(text))
    const bed = await bedOf(demo)
    await until('its switch', 60_000, async () => tryRead(join(bed.dir, 'switch/pid')))
    const gone = exited(demo)
    demo.kill(signal)
    const early = processesOf(bed.dir)
    expect(await gone).toBe(130)
    expect(output.join('')).toContain(`${signal}: cleaning up`)
    expect(left(bed, early)).toEqual([])
    const own = (dir: string): boolean => readFileSync(join(dir, 'bed.json'), 'utf8').includes(`"pid":${demo.pid},`)
    expect(listBeds().filter(({ record }) => own(record.dir))).toEqual([])
  })
})
