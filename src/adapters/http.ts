import type { Http } from '../ports.js'

/**
 * Node's own fetch, through the proxy that the runner's environment names (`https_proxy`, `http_proxy`, `no_proxy`): by
 * itself fetch knows of none. Which it is, GitHub's own client says, as it does for every other action; loaded with the first
 * request, as setting it up costs every job time and many make none.
 */
export const fetchHttp: Http = {
  request: async (url, { method = 'GET', headers = {}, body, timeoutMs, signal }) => {
    const signals = [AbortSignal.timeout(timeoutMs), ...(signal === undefined ? [] : [signal])]
    const { HttpClient } = await import(/* webpackMode: "eager" */ '@actions/http-client')
    const dispatcher = new HttpClient().getAgentDispatcher(url) as RequestInit['dispatcher']
    const reply = await fetch(url, {
      method,
      headers,
      signal: AbortSignal.any(signals),
      ...(body === undefined ? {} : { body }),
      ...(dispatcher === undefined ? {} : { dispatcher })
    })
    return { status: reply.status, headers: Object.fromEntries(reply.headers), body: await reply.text() }
  }
}
