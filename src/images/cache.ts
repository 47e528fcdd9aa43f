import type { Builder } from './builder.js'
import type { Target } from './plan.js'

/** The input `cache`. */
export type CacheKind = 'auto' | 'gha' | 'local' | 'registry' | 'none'

/** Where a run's build cache comes from and goes to, as arguments of bake. */
export interface Cache {
  readonly kind: 'gha' | 'local' | 'registry' | 'inline' | 'none'
  readonly from: (target: Target) => readonly string[]
  readonly to: (target: Target) => readonly string[]
}

/** Why a kind cannot be had here: the builder exports no cache, or the runner has no cache service. */
export interface Unsupported {
  readonly kind: 'unsupported'
  readonly wanted: 'gha' | 'local' | 'registry'
  readonly lacks: 'builder' | 'service'
}

export interface CacheSetting {
  readonly wanted: CacheKind
  readonly builder: Builder
  /** GitHub's cache service is there. */
  readonly service: boolean
  readonly stack: string
  /** Folders of the `local` cache: what was restored, and where the new one goes. */
  readonly folders?: { readonly restored: string; readonly next: string }
  /** Images are pushed, so that the next run finds what is inside them. */
  readonly pushed: boolean
}

/**
 * Picks the cache. `auto` is GitHub's where the builder and the job have it, else what is embedded in the pushed image
 * itself, which every builder can do and which costs nothing. A cache that cannot be written is no reason to fail a
 * deploy (`ignore-error`).
 */
export function chooseCache(setting: CacheSetting): Cache | Unsupported {
  const { wanted, builder, service } = setting
  switch (wanted) {
    case 'none':
      return { kind: 'none', from: () => [], to: () => [] }
    case 'auto':
      if (builder.cacheExport && service) return githubCache(setting.stack)
      return setting.pushed ? inlineCache : { kind: 'none', from: () => [], to: () => [] }
    case 'gha':
      if (!builder.cacheExport) return { kind: 'unsupported', wanted, lacks: 'builder' }
      if (!service) return { kind: 'unsupported', wanted, lacks: 'service' }
      return githubCache(setting.stack)
    case 'local':
      if (!builder.cacheExport) return { kind: 'unsupported', wanted, lacks: 'builder' }
      return setting.folders === undefined ? inlineCache : localCache(setting.folders)
    case 'registry':
      if (!builder.cacheExport) return { kind: 'unsupported', wanted, lacks: 'builder' }
      return registryCache
  }
}

/** A scope for each target, or each would overwrite the one before (https://docs.docker.com/build/cache/backends/gha/). */
function githubCache(stack: string): Cache {
  const scope = (target: Target): string => `scope=${stack}-${target.name}`
  return {
    kind: 'gha',
    from: target => [`type=gha,${scope(target)}`],
    to: target => [`type=gha,${scope(target)},mode=max,ignore-error=true`]
  }
}

/** `image-manifest`: registries that take nothing but images take the cache too (Amazon ECR, Harbor). */
const registryCache: Cache = {
  kind: 'registry',
  from: target => repositories(target).map(name => `type=registry,ref=${name}:buildcache`),
  to: target =>
    repositories(target)
      .slice(0, 1)
      .map(
        name =>
          `type=registry,ref=${name}:buildcache,mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true`
      )
}

/** Read from the tags that an earlier run pushed: all but the commit's. One that is not there yet is skipped by BuildKit. */
const inlineCache: Cache = {
  kind: 'inline',
  from: target =>
    target.references.filter(name => !/:sha-[0-9a-f]+$/.test(name)).map(name => `type=registry,ref=${name}`),
  to: () => ['type=inline']
}

function localCache(folders: { readonly restored: string; readonly next: string }): Cache {
  return {
    kind: 'local',
    from: target => [`type=local,src=${folders.restored}/${target.name}`],
    to: target => [`type=local,dest=${folders.next}/${target.name},mode=max,ignore-error=true`]
  }
}

function repositories(target: Target): readonly string[] {
  return [...new Set(Object.values(target.deploys).map(reference => reference.repository))]
}
