import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { questionKey } from '../commands/stack-questions.js'
import { messageOf } from '../errors.js'
import type { EngineHttp } from './engine-http.js'
import type { Method, Reply } from './engine-wire.js'

/** What is of one connection only, or made anew for the next. */
const ofConnection = ['host', 'connection', 'keep-alive', 'transfer-encoding', 'content-length', 'upgrade', 'te']

/** What a ping tells of the engine, in headers. */
const ofPing = ['api-version', 'server', 'ostype', 'builder-version', 'docker-experimental', 'swarm']

/**
 * A socket for one run of the docker CLI, which leads to the engine over the connections that are there. The CLI would open one of its own and ask
 * one question after the other, a round trip each: here what it is going to ask is asked at once, while it starts. Each answer is given once; whatever
 * else the CLI asks is passed on as it is.
 */
export class EngineFront {
  private readonly server: Server
  /** Answers under way, by API version and question. */
  private answers = new Map<string, Promise<Reply>>()
  private asked = new Set<string>()

  constructor(
    private readonly http: EngineHttp,
    readonly socketPath: string,
    private readonly questions: readonly string[],
    private readonly debug: (line: string) => void
  ) {
    this.server = createServer((request, response) => {
      this.serve(request, response).catch((error: unknown) => {
        // no answer is no answer for the CLI too: it is told apart from a refusal by its words
        this.debug(`docker CLI, ${request.method ?? ''} ${request.url ?? ''}: ${messageOf(error)}`)
        request.socket.destroy()
      })
    })
    this.server.on('error', error => this.debug(`docker CLI: ${messageOf(error)}`))
  }

  async open(): Promise<void> {
    const { api } = await this.http.version()
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen(this.socketPath, resolve)
    })
    this.server.unref()
    this.askAll(api)
  }

  close(): void {
    this.server.close()
    this.server.closeAllConnections()
  }

  /** The CLI may speak an older version than we do: then its questions are asked once more, all with the first of them. */
  private askAll(api: string): void {
    if (this.asked.has(api)) return
    this.asked.add(api)
    for (const question of this.questions) {
      const answer = this.http.pass('GET', `/v${api}${question}`, {})
      answer.catch(() => undefined) // it is told where the CLI asks for it
      this.answers.set(`${api} ${questionKey(question)}`, answer)
    }
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = (request.method ?? 'GET') as Method
    const url = request.url ?? '/'
    if (url === '/_ping') return await this.pong(method, response)
    const [, api = '', question = url] = /^\/v(\d+\.\d+)(\/.*)$/.exec(url) ?? []
    if (method === 'GET' && api !== '') this.askAll(api)
    const key = `${api} ${questionKey(question)}`
    const ahead = method === 'GET' ? this.answers.get(key) : undefined
    this.answers.delete(key)
    if (method === 'GET' && ahead === undefined) this.debug(`docker CLI asks for ${question} as well`)
    const body = await bodyOf(request)
    answer(response, await (ahead ?? this.http.pass(method, url, passedOn(request), body)))
  }

  private async pong(method: Method, response: ServerResponse): Promise<void> {
    const headers = await this.http.pong()
    for (const name of ofPing) {
      const value = headers[name]
      if (value !== undefined) response.setHeader(name, value)
    }
    response.end(method === 'HEAD' ? undefined : 'OK')
  }
}

function passedOn({ headers }: IncomingMessage): Record<string, string> {
  const own = Object.entries(headers).filter(([name]) => !ofConnection.includes(name))
  return Object.fromEntries(own.flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])))
}

async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return chunks.length === 0 ? undefined : Buffer.concat(chunks)
}

function answer(response: ServerResponse, { status, headers, body }: Reply): void {
  const own = Object.entries(headers).filter(([name]) => !ofConnection.includes(name))
  for (const [name, value] of own) if (value !== undefined) response.setHeader(name, value)
  response.writeHead(status).end(body)
}
