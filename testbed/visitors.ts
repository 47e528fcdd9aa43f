/** What happened to the requests of a stretch of time. */
export interface Count {
  readonly requests: number
  readonly failed: number
  /** Answer to how many got it. */
  readonly answers: ReadonlyMap<string, number>
  /** The first few failures, in words. */
  readonly failures: readonly string[]
}

/**
 * Visitors who ask a URL again and again, one after the other, without a pause longer than `every` ms, until they are stopped. A request
 * that is not answered 2xx within 5 s failed. `read` makes of an answer's body what is counted.
 */
export class Visitors {
  private requests = 0
  private failed = 0
  private answers = new Map<string, number>()
  private failures: string[] = []
  private going = true
  private readonly loop: Promise<void>

  constructor(url: string, every: number, read: (body: string) => string) {
    this.loop = this.visit(url, every, read)
  }

  /** What happened since the last call of this. */
  take(): Count {
    const { requests, failed, answers, failures } = this
    this.requests = 0
    this.failed = 0
    this.answers = new Map()
    this.failures = []
    return { requests, failed, answers, failures }
  }

  async stop(): Promise<void> {
    this.going = false
    await this.loop
  }

  private async visit(url: string, every: number, read: (body: string) => string): Promise<void> {
    while (this.going) {
      const pause = new Promise(resolve => setTimeout(resolve, every))
      try {
        const response = await fetch(url, { signal: AbortSignal.timeout(5000) })
        const body = await response.text()
        if (!response.ok) throw new Error(`${response.status} ${body.slice(0, 100)}`)
        const answer = read(body)
        this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1)
      } catch (error) {
        this.failed++
        if (this.failures.length < 3) this.failures.push(error instanceof Error ? error.message : String(error))
      }
      this.requests++
      await pause
    }
  }
}
