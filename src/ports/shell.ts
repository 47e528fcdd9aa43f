export interface RunOptions {
  /** The whole environment of the child; nothing is inherited that is not named here. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  /** A promise: the program starts, and reads it when it is there. Its rejection leaves the input empty. */
  readonly stdin?: string | Uint8Array | Promise<string>
  /** Called for each full line as it comes. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void
  /** Ends the child: SIGTERM, then SIGKILL after 5 s. */
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

export interface RunResult {
  /** 127 when the program is not there; null when a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs programs by argv, never through a shell. */
export interface Shell {
  run(argv: readonly string[], options: RunOptions): Promise<RunResult>
}
