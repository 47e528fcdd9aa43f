import { Agent, get, type IncomingMessage } from 'node:http'

/** What happened to the requests of a stretch of time. */
export interface Count {
  readonly requests: number
  readonly failed: number
  /** Answer to how many got it. */
  readonly answers: ReadonlyMap<string, number>
  /** The first few failures, in words, and when in the stretch. */
  readonly failures: readonly string[]
  /** The longest time without a good answer, in milliseconds. */
  readonly longestGap: number
}

export interface Visit {
  /** Milliseconds from the start of one request to the start of the next, at the least. */
  readonly every: number
  /** Makes of an answer's body what is counted. */
  readonly read: (body: string) => string
  /** Whether the connection is kept for the next request, as browsers and proxies do; otherwise each has one of its own. */
  readonly keepAlive?: boolean
}

/**
 * A visitor who asks a URL again and again, one request after the other, until it is stopped. A request that is not answered 2xx within 5 s
 * failed; none is tried again, also not where the server had closed a kept connection at that moment.
 */
export class Visitors {
  private stretch = new Stretch()
  private going = true
  private readonly agent: Agent
  private readonly loop: Promise<void>

  constructor(url: string, visit: Visit) {
    this.agent = new Agent({ keepAlive: visit.keepAlive === true, maxSockets: 1 })
    this.loop = this.visit(url, visit)
  }

  /** What happened since the last call of this. */
  take(): Count {
    const done = this.stretch
    this.stretch = new Stretch()
    return done.count()
  }

  async stop(): Promise<void> {
    this.going = false
    await this.loop
    this.agent.destroy()
  }

  private async visit(url: string, { every, read }: Visit): Promise<void> {
    while (this.going) {
      const pause = new Promise(resolve => setTimeout(resolve, every))
      const answer = await this.ask(url).then(read).catch(asError)
      this.stretch.add(answer)
      await pause
    }
  }

  private ask(url: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const request = get(url, { agent: this.agent, signal: AbortSignal.timeout(5000) }, response => {
        textOf(response)
          .then(body => {
            const { statusCode = 0 } = response
            if (statusCode >= 200 && statusCode < 300) resolve(body)
            else reject(new Error(`${statusCode} ${body.slice(0, 100)}`))
          })
          .catch(reject)
      })
      request.on('error', error =>
        reject(request.reusedSocket ? new Error(`${error.message} (on a kept connection)`) : error)
      )
    })
  }
}

class Stretch {
  private readonly started = Date.now()
  private lastGood = this.started
  private gap = 0
  private requests = 0
  private failed = 0
  private readonly answers = new Map<string, number>()
  private readonly failures: string[] = []

  add(answer: string | Error): void {
    this.requests++
    if (answer instanceof Error) {
      this.failed++
      if (this.failures.length < 3) this.failures.push(`after ${Date.now() - this.started} ms: ${answer.message}`)
      return
    }
    this.gap = this.gapNow()
    this.lastGood = Date.now()
    this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1)
  }

  count(): Count {
    const { requests, failed, answers, failures } = this
    return { requests, failed, answers, failures, longestGap: this.gapNow() }
  }

  private gapNow(): number {
    return Math.max(this.gap, Date.now() - this.lastGood)
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk)
  return text
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))
