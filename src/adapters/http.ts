import type { Http } from '../ports.js'

/** Node's own fetch. */
export const fetchHttp: Http = {
  request: async (url, { method = 'GET', headers = {}, body, timeoutMs, signal }) => {
    const signals = [AbortSignal.timeout(timeoutMs), ...(signal === undefined ? [] : [signal])]
    const reply = await fetch(url, {
      method,
      headers,
      signal: AbortSignal.any(signals),
      ...(body === undefined ? {} : { body })
    })
    return { status: reply.status, headers: Object.fromEntries(reply.headers), body: await reply.text() }
  }
}
