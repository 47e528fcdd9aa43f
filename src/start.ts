import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { actionsLog, actionsOutputs, splitEnvironment, state } from './adapters/actions.js'
import { githubBuildCache } from './adapters/cache.js'
import { systemClock } from './adapters/clock.js'
import { openGithub } from './adapters/github.js'
import { localFiles } from './adapters/files.js'
import { fetchHttp } from './adapters/http.js'
import { serveImages } from './adapters/image-server.js'
import { localShell } from './adapters/shell.js'
import { makeConnect } from './adapters/ssh.js'
import { readJob } from './job.js'
import { main } from './main.js'
import type { Ports } from './ports.js'

/** The step itself: the adapters become the ports of one run. Gives whether the job is green. */
export async function start(): Promise<boolean> {
  const { inputs, env } = splitEnvironment(process.env)
  const runnerTemp = env['RUNNER_TEMP'] ?? tmpdir()
  const log = actionsLog()
  const files = localFiles(runnerTemp, folder => state.save('folder', folder))
  const cancelled = cancellation()
  const ports: Ports = {
    env,
    log,
    files,
    shell: localShell,
    clock: systemClock,
    http: fetchHttp,
    outputs: actionsOutputs,
    cancelled,
    github: openGithub({ http: fetchHttp, clock: systemClock, cancelled }),
    serveImages,
    cache: githubBuildCache(runnerTemp, log),
    connect: makeConnect({
      env,
      runnerTemp,
      log,
      remember: record => state.save('connection', JSON.stringify(record))
    })
  }
  const job = readJob(env, await readEvent(env['GITHUB_EVENT_PATH']))
  return await main({ inputs, job, ports, workspace: env['GITHUB_WORKSPACE'] ?? process.cwd() })
}

/** The runner cancels a job by SIGINT, and 7.5 s later by SIGTERM (actions/runner ProcessInvoker.cs). */
function cancellation(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => controller.abort(new Error('The job was cancelled.')))
  return controller.signal
}

async function readEvent(path: string | undefined): Promise<unknown> {
  try {
    return path === undefined ? null : JSON.parse(await readFile(path, 'utf8'))
  } catch {
    return null
  }
}
