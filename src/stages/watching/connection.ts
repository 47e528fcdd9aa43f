import { EngineError, type Ports } from '../../ports.js'
import { duration, oneLine } from '../../text.js'

/** After so many milliseconds an answer is late. */
const lateMs = 5_000

/** Tries requests; says once that the engine does not answer, and once that it does again. */
export class Connection {
  private lost = false
  constructor(private readonly ports: Ports) {}

  /** null when there was no answer, or the swarm has no leader just now. */
  async tryTo<T>(request: () => Promise<T>): Promise<T | null> {
    const answered = new AbortController()
    void this.sayWhenLate(answered.signal)
    try {
      const answer = await request()
      if (this.lost) this.ports.log.info('The engine answers again.')
      this.lost = false
      return answer
    } catch (thrown) {
      if (!(thrown instanceof EngineError) || (thrown.status !== 0 && thrown.status < 500)) throw thrown
      this.sayLost(oneLine(thrown.message))
      return null
    } finally {
      answered.abort()
    }
  }

  /** A request may itself wait for a lost connection: the reader of the log should not have to guess. */
  private async sayWhenLate(answered: AbortSignal): Promise<void> {
    await this.ports.clock.sleep(lateMs, answered)
    if (!answered.aborted) this.sayLost(`nothing for ${duration(lateMs)}`)
  }

  private sayLost(why: string): void {
    if (!this.lost) this.ports.log.info(`The engine does not answer, trying again: ${why}`)
    this.lost = true
  }
}
