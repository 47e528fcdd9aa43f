/** `docker buildx inspect` of the builder in use. --debug makes it say what the builder can do. */
export function inspectBuilder(): readonly string[] {
  return ['docker', '--debug', 'buildx', 'inspect']
}

/** The same, starting the builder: one that was never started names no platforms. */
export function bootBuilder(): readonly string[] {
  return [...inspectBuilder(), '--bootstrap']
}

export interface Bake {
  /** Path of the bake file. */
  readonly file: string
  /** Where the digests are to be written. */
  readonly metadata: string
  readonly targets: readonly string[]
  /** Folders and files outside the working directory that builds read: bake asks for each (buildx 0.19 and newer). */
  readonly reads: readonly string[]
  /** Folders that builds write to: OCI layouts and local caches. */
  readonly writes: readonly string[]
  readonly entitlements: readonly string[]
  readonly ssh: boolean
}

export function bake(options: Bake): readonly string[] {
  return [
    'docker',
    'buildx',
    'bake',
    `--file=${options.file}`,
    `--metadata-file=${options.metadata}`,
    '--progress=plain',
    ...options.reads.map(path => `--allow=fs.read=${path}`),
    ...options.writes.map(path => `--allow=fs.write=${path}`),
    ...options.entitlements.map(name => `--allow=${name}`),
    ...(options.ssh ? ['--allow=ssh'] : []),
    ...options.targets
  ]
}

/** Gives an image that is in its registry already more tags, there: nothing is pulled or pushed but its index. */
export function addTags(source: string, references: readonly string[]): readonly string[] {
  return ['docker', 'buildx', 'imagetools', 'create', ...references.map(each => `--tag=${each}`), source]
}

/** The commit's time, in seconds since 1970. `safe.directory`: the checkout may belong to another user, in containers. */
export function commitTime(workspace: string, commit: string): readonly string[] {
  return [
    'git',
    '-c',
    `safe.directory=${workspace}`,
    '-C',
    workspace,
    'show',
    '--no-patch',
    '--format=%ct',
    commit,
    '--'
  ]
}
