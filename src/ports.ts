import type { Place } from './errors.js'
import type { OpenGithub } from './ports/github.js'
import type { Connect } from './ports/host.js'
import type { Shell } from './ports/shell.js'

export * from './ports/engine.js'
export * from './ports/github.js'
export * from './ports/host.js'
export * from './ports/shell.js'

/** What the stages may ask of the world. The adapters answer; nothing else touches it. */
export interface Ports {
  /** The job's environment, without this action's own inputs. */
  readonly env: Readonly<Record<string, string>>
  readonly log: Log
  readonly shell: Shell
  readonly files: Files
  readonly clock: Clock
  readonly http: Http
  readonly connect: Connect
  readonly serveImages: ServeImages
  readonly cache: BuildCache
  readonly outputs: Outputs
  readonly github: OpenGithub
  /** Fires when the job is cancelled: every wait takes it. */
  readonly cancelled: AbortSignal
}

/** What the run hands on: to later steps of the job, and to the people who look at it. */
export interface Outputs {
  set(name: string, value: string): void
  /** An environment variable of the job's later steps. */
  exportVariable(name: string, value: string): void
  /** Appends markdown to the job summary. */
  summary(markdown: string): Promise<void>
  /** For the post step: what it has to undo should this run be killed. */
  remember(name: string, value: string): void
}

/** The job's log, as GitHub shows it. What it prints is defused: no text of others becomes a workflow command. */
export interface Log {
  info(line: string): void
  debug(line: string): void
  /** Annotations: on the file and line when a place is given. */
  notice(message: string, at?: Place): void
  warning(message: string, at?: Place): void
  error(message: string, at?: Place): void
  group<T>(title: string, body: () => Promise<T>): Promise<T>
  /** Hides a value in everything printed from now on. */
  mask(value: string): void
  /** The text with every masked value replaced by ***: for what leaves the run by other ways than its log. */
  redact(text: string): string
}

export interface FileInfo {
  /** Of the path itself: a symbolic link is not followed. */
  readonly kind: 'file' | 'directory' | 'link' | 'other'
  readonly size: number
  /** Permission bits. */
  readonly mode: number
}

export interface Files {
  /** The file's bytes, or null when there is none. */
  read(path: string): Promise<Uint8Array | null>
  text(path: string): Promise<string | null>
  stat(path: string): Promise<FileInfo | null>
  /** Every file below a folder, as paths relative to it, sorted; symbolic links are not followed. */
  list(folder: string): Promise<readonly string[]>
  /**
   * Everything below a folder, sorted by path, with a hash of each file's bytes or the target of a link. What `skip` says
   * yes to is left out, with all below it.
   */
  hashTree(
    folder: string,
    skip: (path: string, kind: 'file' | 'directory' | 'link') => boolean
  ): Promise<
    readonly {
      readonly path: string
      readonly kind: 'file' | 'directory' | 'link'
      readonly mode: number
      readonly hash: string
    }[]
  >
  /** Writes a file of mode 0600 into the run's own temporary folder and returns its path. */
  writeTemp(name: string, content: string | Uint8Array): Promise<string>
  /** A new empty folder of mode 0700 in the run's own temporary folder; post removes it. */
  tempFolder(name: string): Promise<string>
  remove(path: string): Promise<void>
}

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Ends early, without throwing, when the signal fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export interface HttpReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Http {
  /** One request, redirects followed; throws when there is no answer within timeoutMs. */
  request(
    url: string,
    options: {
      method?: string
      headers?: Record<string, string>
      body?: string
      timeoutMs: number
      signal?: AbortSignal
    }
  ): Promise<HttpReply>
}

/** A folder carried from run to run. Neither call ever throws: a cache is no reason to fail. */
export interface BuildCache {
  /** The newest folder that was saved under a key with this beginning; an empty one, without a key, when there is none. */
  restore(prefix: string): Promise<{ readonly folder: string; readonly key: string | undefined }>
  /** Saves a folder, which is gone afterwards. false when it was not saved. */
  save(folder: string, key: string): Promise<boolean>
}

/** OCI layouts on the runner's loopback, read-only, for an engine that pulls by digest. */
export interface ImageServer extends AsyncDisposable {
  readonly port: number
  /** Offers a layout's folder under a repository's name. */
  add(name: string, folder: string): void
}

/** `port` 0 or nothing is any free one; throws when it is taken. `onSent` hears of every piece of an answer. */
export type ServeImages = (options: {
  readonly port?: number
  readonly onSent?: (bytes: number) => void
}) => Promise<ImageServer>
