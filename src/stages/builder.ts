import { bootBuilder, inspectBuilder } from '../commands/bake.js'
import { cannotBuildFor, dockerMissing, noBuilder, onePlatformOnly } from '../errors/images.js'
import { targetPlatforms } from '../images/bake.js'
import { parseBuilder, type Builder } from '../images/builder.js'
import { canBuild } from '../images/platforms.js'
import type { Target } from '../images/plan.js'
import type { Ports, RunResult } from '../ports.js'

/**
 * The builder of the runner, asked what it can do.
 * @throws UserError: there is none, or it does not build for a platform that one of the targets needs.
 */
export async function findBuilder(
  ports: Ports,
  request: {
    readonly env: Readonly<Record<string, string>>
    readonly targets: readonly Target[]
    /** Of the nodes. */
    readonly platforms: readonly string[]
  }
): Promise<Builder> {
  const builder = await inspect(ports, request.env)
  const wanted = request.targets.map(target => targetPlatforms(target, request.platforms))
  const unable = [...new Set(wanted.flat())].filter(platform => !canBuild(builder.platforms, platform))
  if (unable.length > 0) throw cannotBuildFor(unable, builder.name, builder.platforms)
  const several = wanted.find(platforms => platforms.length > 1)
  if (several !== undefined && !builder.multiPlatform) throw onePlatformOnly(several)
  return builder
}

async function inspect(ports: Ports, env: Readonly<Record<string, string>>): Promise<Builder> {
  const ask = (argv: readonly string[], timeoutMs: number): Promise<RunResult> =>
    ports.shell.run(argv, { env, timeoutMs, signal: ports.cancelled })
  let result = await ask(inspectBuilder(), 60_000)
  if (result.code === 127) throw dockerMissing()
  let builder = parseBuilder(result.stdout)
  // A builder in a container says nothing of itself until it is started.
  if (result.code === 0 && builder?.platforms.length === 0) {
    result = await ask(bootBuilder(), 180_000)
    builder = parseBuilder(result.stdout)
  }
  if (result.code !== 0 || builder === undefined)
    throw noBuilder(result.stderr.trim().split('\n').slice(-10).join('\n'))
  return builder
}
