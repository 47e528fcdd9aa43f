import { withBlock } from '../commands/setup.js'
import { emptyReport } from '../report/model.js'
import { setup as setupServers } from '../stages/setup.js'
import { connectRequest } from './host.js'
import type { Outcome, Run, StackTarget } from './run.js'

/** From fresh servers to a swarm to deploy to. A second run finds everything done. */
export async function setup(run: Run, target: StackTarget): Promise<Outcome> {
  const { ports, inputs } = run
  const { done, notes, knownHosts } = await setupServers(ports, connectRequest(run), {
    workspace: run.workspace,
    ...(inputs.installScript !== undefined && { installScript: inputs.installScript }),
    ...(inputs.advertiseAddr !== undefined && { advertiseAddr: inputs.advertiseAddr }),
    ...(inputs.proxyNetwork !== undefined && { proxyNetwork: inputs.proxyNetwork })
  })
  const first = inputs.hosts[0]?.text ?? ''
  const reason = done.length === 0 ? 'Everything was there: nothing was changed.' : done.join(' ')
  for (const line of done.length === 0 ? [reason] : done) ports.log.info(line)
  for (const note of notes) ports.log.notice(note)
  const block = withBlock(first, knownHosts)
  if (knownHosts.length > 0) ports.log.info(`Ready. To deploy to it:\n\n${block}`)
  const head = { command: 'setup', status: 'ready', stack: target.stack, startedAt: run.startedAt } as const
  return { report: { ...emptyReport({ ...head, endedAt: ports.clock.now() }), reason, notes } }
}
