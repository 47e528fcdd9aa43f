import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bed, Server } from '../bed.ts'
import { startAction, type RunningStep, type StepResult } from '../runner.ts'
import { removeStacks } from '../stacks.ts'
import type { Field } from './field.ts'
import { moments, type Scenario } from './scenarios.ts'
import { contradictions, fill, kept, running } from './truth.ts'

/** What became of one scenario. */
export interface Result {
  readonly name: string
  readonly version: Scenario['version']
  readonly at: string
  readonly verdict: string
  /** What the run said and the engines contradict, or what it ended as and may not. Empty: its verdict was right. */
  readonly wrong: readonly string[]
  /** What was there before and is not any more. */
  readonly lost: readonly string[]
  readonly ms: number
  readonly log: string
}

/** The longest that a run may take in all: its timeout, the way back, and the connection's own patience. */
const longestMs = 420_000
const replicas = 4
/** Engines take their time to see that a node is gone, and to replace its tasks. */
const settleMs = 90_000

/** One stack of its own: version 1, version 2 with the fault in it, the look at the engines, and a version after the repair. */
export async function play(field: Field, image: string, scenario: Scenario, number: number): Promise<Result> {
  const started = Date.now()
  const stack = `fault${number}`
  const repository = mkdtempSync(join(tmpdir(), 'faults-'))
  const wrong: string[] = []
  const lost: string[] = []
  let verdict = ''
  const logs: string[] = []
  try {
    const hosts = (await scenario.hosts?.(field)) ?? (await field.byLeader()).slice(0, 1)
    const [connected] = hosts as [Server]
    const [leader, ...followers] = await field.byLeader()
    // Some scenarios take the leader or the connected manager away for good: what has its volume there would be lost.
    const home = followers.find(server => server !== connected && server !== leader) as Server
    const deploy = (version: string, kind: Scenario['version']) => {
      write(repository, composeFile({ image, version, kind, home: home.name }), image)
      return start(field.bed, { stack, hosts, repository, registry: `${field.bed.registry}/${stack}`, version })
    }
    const note = async (step: RunningStep, label: string): Promise<StepResult> => {
      const timer = setTimeout(() => void step.kill(), longestMs)
      const result = await step.result
      clearTimeout(timer)
      logs.push(`── ${label}\n${result.log}${result.post?.log ?? ''}`)
      if (result.leftovers.length > 0) wrong.push(`it left processes: ${result.leftovers.join('; ')}`)
      result.clean()
      return result
    }
    const first = await note(deploy('1', 'good'), 'version 1')
    if (first.outputs['status'] !== 'deployed') throw new Error('version 1 was not deployed')
    await fill(home, stack)
    const before = await kept(connected, home, stack)

    if (scenario.at === undefined) await scenario.strike(field, connected)
    const step = deploy('2', scenario.version)
    if (scenario.at !== undefined) {
      await step.waitForLog(moments[scenario.at], 120_000)
      await scenario.strike(field, connected)
    }
    if (scenario.healMs !== undefined) {
      await sleep(scenario.healMs)
      await field.repair()
    }
    const result = await note(step, 'version 2')
    verdict = result.outputs['status'] ?? ''
    if (!(scenario.right as readonly string[]).includes(verdict))
      wrong.push(`it ended as "${verdict}", not as ${scenario.right.join(' or ')}`)
    if ((verdict === 'deployed') !== (result.exitCode === 0)) wrong.push(`its exit code is ${result.exitCode}`)

    const on = field.bed.servers.filter(server => server.isOn)
    wrong.push(...(await judge(on, stack, verdict)))
    const serving = (await running(on, stack)).filter(({ service }) => service === 'web')
    if (serving.length === 0) lost.push('nothing of web serves')
    await field.repair()
    await field.whole()
    const after = await kept(connected, home, stack)
    if (verdict !== 'deployed' && after !== before) lost.push(`before: ${before}, after: ${after}`)
    if (!after.includes(`"volume":"${stack}"`)) lost.push(`the volume's content: ${after}`)

    const next = await note(deploy('3', 'good'), 'version 3, after the repair')
    if (next.outputs['status'] !== 'deployed') wrong.push(`the next run ended as "${next.outputs['status'] ?? ''}"`)
    else wrong.push(...(await judge(field.bed.servers, stack, 'deployed', '3')))
  } catch (error) {
    wrong.push(error instanceof Error ? error.message : String(error))
  } finally {
    await field.repair().catch((error: unknown) => wrong.push(String(error)))
    await field.whole().catch((error: unknown) => wrong.push(String(error)))
    await removeStacks(field.bed.servers, [stack]).catch((error: unknown) => wrong.push(String(error)))
    rmSync(repository, { recursive: true, force: true })
  }
  const { name, version, at = 'before the run' } = scenario
  return { name, version, at, verdict, wrong, lost, ms: Date.now() - started, log: logs.join('\n') }
}

/** What a verdict says has to be so on the engines. A failed run promises only what serves, which is looked at apart. */
async function judge(
  servers: readonly Server[],
  stack: string,
  verdict: string,
  deployed = '2'
): Promise<readonly string[]> {
  if (verdict === 'failed' || verdict === '') return []
  const version = verdict === 'deployed' ? deployed : '1'
  const services = { web: { version, count: replicas }, data: { version: '1', count: 1 } }
  return await contradictions(servers, stack, { services }, settleMs)
}

function composeFile(of: { image: string; version: string; kind: Scenario['version']; home: string }): object {
  const { image, version, kind, home } = of
  const healthcheck = { test: ['CMD', '/bin/healthy'], interval: '1s', timeout: '10s', retries: 4, start_period: '5s' }
  const quick = { healthcheck, stop_grace_period: '1s' }
  const job = kind === 'job'
  return {
    services: {
      web: {
        ...(kind === 'built' ? { build: '.' } : { image }),
        environment: { VERSION: version, HEALTHY_AFTER: kind === 'broken' ? 'never' : '2' },
        ...quick,
        ...(job && { depends_on: { migrate: { condition: 'service_completed_successfully' } } }),
        secrets: ['token'],
        deploy: {
          replicas,
          endpoint_mode: 'dnsrr',
          restart_policy: { delay: '1s' },
          update_config: { order: 'start-first', failure_action: 'rollback', monitor: '10s' }
        }
      },
      // Its volume is on one node, so it runs there.
      data: {
        image,
        environment: { VERSION: '1' },
        ...quick,
        volumes: ['data:/data'],
        deploy: { endpoint_mode: 'dnsrr', placement: { constraints: [`node.hostname == ${home}`] } }
      },
      ...(job && {
        migrate: {
          image,
          environment: { VERSION: version, PORT: '', EXIT_AFTER: '8' },
          deploy: { placement: { constraints: ['node.role == worker'] } }
        }
      })
    },
    secrets: { token: { environment: 'TOKEN' } },
    volumes: { data: {} }
  }
}

function write(repository: string, compose: object, image: string): void {
  writeFileSync(join(repository, 'compose.yaml'), JSON.stringify(compose, null, 2))
  writeFileSync(join(repository, 'Dockerfile'), `FROM ${image}\nRUN sleep 6\n`)
}

interface Deploy {
  readonly stack: string
  readonly hosts: readonly Server[]
  readonly repository: string
  readonly registry: string
  readonly version: string
}

function start(bed: Bed, { stack, hosts, repository, registry, version }: Deploy): RunningStep {
  return startAction({
    workspace: repository,
    env: { ...bed.builderEnv, GITHUB_SHA: version.repeat(40), GITHUB_RUN_ID: version },
    with: {
      host: hosts.map(({ host }) => host).join('\n'),
      'ssh-key': bed.sshKey,
      'ssh-known-hosts': bed.knownHosts,
      stack,
      registry,
      secrets: `TOKEN=token-of-${stack}`,
      'stable-for': '5s',
      timeout: '4m'
    }
  })
}
