import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openBed, type Bed } from './bed.ts'
import { action, own, peerOf } from './bench/action.ts'
import { cases, type CaseName } from './bench/cases.ts'
import { dockerCli } from './bench/cli.ts'
import type { Contestant } from './bench/contestant.ts'
import { floor } from './bench/floor.ts'
import { goals, tables } from './bench/report.ts'
import { Trial, type Sample } from './bench/trial.ts'
import { pushVersions } from './images.ts'

/**
 * How fast, against what cannot be undercut, the docker CLI and any other action: the same rollouts on one real server, by
 * turns in one run. It measures and says how the goals stand; it never fails for being slow.
 */

const usage = `npm run bench -- [--cases ${Object.keys(cases).join(',')}] [--rounds 3] [--rtt 0,80] [--peer FOLDER[=FILE]] [--against floor,cli] [--json FILE] [--logs]
--rtt: milliseconds added to each round trip between runner and server, each value a series of its own.
--peer: another action, a folder with action.yml and its bundle; FILE (FOLDER/bench.yaml) says how it is used, as testbed/bench/own.yaml
does for this one. May be given several times. ACTION_DIST=folder takes another bundle of this action.`

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: Object.keys(cases).join(',') },
    rounds: { type: 'string', default: '3' },
    rtt: { type: 'string', default: '0,80' },
    peer: { type: 'string', multiple: true, default: [] },
    against: { type: 'string', default: 'floor,cli' },
    json: { type: 'string' },
    logs: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false }
  }
})
const names = values.cases.split(',').filter((name): name is CaseName => name in cases)
const rounds = Number(values.rounds)
const rtts = values.rtt.split(',').map(Number)
const known = names.length === values.cases.split(',').length
if (values.help || !known || [rounds, ...rtts].some(number => !(number >= 0))) {
  console.log(usage)
  process.exit(values.help ? 0 : 2)
}

const say = (text = '') => process.stdout.write(`${text}\n`)
const folder = mkdtempSync(join(tmpdir(), 'bench-cli-'))
const bed = await openBed({ name: 'bench', builder: false })
let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void interrupt(signal))

const samples: Sample[] = []
try {
  await bench()
} finally {
  if (!interrupted) await takeDown()
}
if (interrupted) await new Promise(() => undefined) // the process ends with the bed

async function bench(): Promise<void> {
  const versions = await pushVersions(bed.registry)
  const image = versions[0]?.reference ?? ''
  await bed.server.docker('pull', '--quiet', image)
  const mine = action(bed, own)
  const against = values.against.split(',')
  const contestants = [
    ...(against.includes('floor') ? [floor(bed.server)] : []),
    mine,
    ...(against.includes('cli') ? [dockerCli(bed, folder)] : []),
    ...values.peer.map(peer => action(bed, peerOf(peer)))
  ]
  for (const { name, waitsFor } of contestants) say(`${name} waits for ${waitsFor}.`)
  say(`\n${machine()}\n`)
  for (const [index, name] of names.entries()) await oneCase(bed, { name, image, contestants, offset: index * 100 })
  say(`\n${tables(samples)}\n`)
  for (const line of goals(samples, mine.name)) say(line)
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ machine: machine(), samples }, null, 2))
}

/** All contestants at one case; each round begins with another of them, so that what drifts meets all alike. */
async function oneCase(
  on: Bed,
  of: { name: CaseName; image: string; contestants: readonly Contestant[]; offset: number }
): Promise<void> {
  const { name, image, contestants, offset } = of
  const trials = contestants.map(
    (contestant, index) => new Trial(on, { image, name, contestant, number: offset + index })
  )
  try {
    for (const trial of trials) await trial.prepare()
    for (let round = 0; round < rounds; round++) {
      for (const rttMs of rtts) {
        const first = round % trials.length
        for (const trial of [...trials.slice(first), ...trials.slice(0, first)]) await measure(trial, rttMs, round)
      }
    }
  } finally {
    for (const trial of trials) await trial.close()
  }
}

async function measure(trial: Trial, rttMs: number, round: number): Promise<void> {
  const { sample, log } = await trial.measure(rttMs, round)
  samples.push(sample)
  const { contestant, said, right, wallMs, load } = sample
  const columns = [
    sample.case.padEnd(8),
    `${rttMs} ms`.padStart(6),
    contestant.padEnd(14),
    `${(wallMs / 1000).toFixed(2)} s`.padStart(8)
  ]
  say(`${columns.join('  ')}  ${said}${right ? '' : ', and another version runs'}  (load ${load.toFixed(1)})`)
  if (values.logs || !right) say(log.replaceAll(/^/gm, '     │ '))
}

function machine(): string {
  const [cpu] = cpus()
  const memory = (totalmem() / (1 << 30)).toFixed(0)
  const node = readFileSync('/proc/version', 'utf8').split(' ')[0] ?? ''
  return `${cpus().length} processors (${cpu?.model ?? 'unknown'}), ${memory} GiB, ${node} ${release()}, load ${loadavg()
    .map(each => each.toFixed(1))
    .join(' ')}`
}

async function takeDown(): Promise<void> {
  await bed.close()
  rmSync(folder, { recursive: true, force: true })
}

async function interrupt(signal: NodeJS.Signals): Promise<void> {
  if (interrupted) return
  interrupted = true
  say(`${signal}: taking the bed down …`)
  await takeDown()
  process.exit(130)
}
