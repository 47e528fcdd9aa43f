import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../errors.js'
import type { BuildCache, Log } from '../ports.js'

/**
 * A folder that is carried from run to run by GitHub's cache service. The service knows a cache by the path that it was
 * saved from, so the folder is always in the same place. The client is large and loaded only here, when it is used.
 */
export function githubBuildCache(runnerTemp: string, log: Log): BuildCache {
  const folder = join(runnerTemp, 'swarm-rollout-build-cache')
  return {
    restore: async prefix => {
      await rm(folder, { recursive: true, force: true })
      await mkdir(folder, { recursive: true, mode: 0o700 })
      try {
        const cache = await import(/* webpackMode: "eager" */ '@actions/cache')
        if (!cache.isFeatureAvailable()) return { folder, key: undefined }
        return { folder, key: await cache.restoreCache([folder], `${prefix}-none`, [`${prefix}-`]) }
      } catch (error) {
        log.notice(`The build cache could not be fetched: ${messageOf(error)}`)
        return { folder, key: undefined }
      }
    },
    save: async (from, key) => {
      try {
        await stat(from)
        await rm(folder, { recursive: true, force: true })
        await rename(from, folder)
        const cache = await import(/* webpackMode: "eager" */ '@actions/cache')
        return cache.isFeatureAvailable() && (await cache.saveCache([folder], key)) >= 0
      } catch (error) {
        log.notice(`The build cache could not be saved: ${messageOf(error)}`)
        return false
      }
    }
  }
}
