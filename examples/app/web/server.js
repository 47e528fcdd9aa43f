import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { hostname } from 'node:os'
import pg from 'pg'
import { page } from './page.js'

const version = readFileSync(new URL('VERSION', import.meta.url), 'utf8').trim()
const port = Number(process.env.PORT ?? 3000)

// The password comes from a Swarm secret, which is a file in memory: it is in no image, no environment variable and no compose file.
const password = readFileSync(process.env.DATABASE_PASSWORD_FILE ?? '/run/secrets/db_password', 'utf8').trim()
const database = new pg.Pool({
  host: process.env.DATABASE_HOST ?? 'db',
  user: process.env.DATABASE_USER ?? 'guestbook',
  database: process.env.DATABASE_NAME ?? 'guestbook',
  password,
  max: 5,
  connectionTimeoutMillis: 3000
})
// a connection that the database closed while nobody used it is no reason to end: the pool opens another
database.on('error', error => console.error(`database: ${error.message}`))

const routes = {
  'GET /': async () => {
    const { rows } = await database.query('SELECT author, message FROM entries ORDER BY id DESC LIMIT 20')
    return { type: 'text/html; charset=utf-8', body: page({ version, host: hostname(), entries: rows }) }
  },
  'POST /entries': async request => {
    const form = new URLSearchParams(await bodyOf(request))
    const author = (form.get('author') || 'somebody').slice(0, 60)
    await database.query('INSERT INTO entries (author, message) VALUES ($1, $2)', [
      author,
      (form.get('message') ?? '').slice(0, 500)
    ])
    return { status: 303, headers: { location: '/' }, body: '' }
  },
  'GET /version': async () => ({ type: 'application/json', body: JSON.stringify({ version, host: hostname() }) }),
  // What the healthcheck asks: can this task do its work, with the database that it is going to use?
  'GET /health': async () => {
    await database.query('SELECT count(*) FROM entries')
    return { type: 'text/plain', body: 'ok\n' }
  }
}

let stopping = false

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost')
  const route = routes[`${request.method} ${pathname}`]
  const answer = route ? await route(request).catch(failed) : { status: 404, body: 'not found\n' }
  if (stopping) response.setHeader('connection', 'close')
  response.writeHead(answer.status ?? 200, { 'content-type': answer.type ?? 'text/plain', ...answer.headers })
  response.end(answer.body)
})

function failed(error) {
  console.error(`error: ${error.message}`)
  return { status: 500, body: `${error.message}\n` }
}

async function bodyOf(request) {
  let body = ''
  for await (const chunk of request) {
    body += chunk
    if (body.length > 10_000) throw new Error('the entry is too long')
  }
  return body
}

/** The database may still be starting (Swarm starts all services at once): tries for half a minute, then ends and is started again. */
async function prepareDatabase() {
  for (let attempt = 1; ; attempt++) {
    try {
      // one transaction, and a lock in it, since two tasks start at the same moment
      await database.query(`SELECT pg_advisory_xact_lock(1);
        CREATE TABLE IF NOT EXISTS entries (id serial PRIMARY KEY, author text NOT NULL, message text NOT NULL)`)
      return
    } catch (error) {
      if (attempt === 30) throw error
      console.log(`waiting for the database: ${error.message}`)
      await new Promise(resolve => setTimeout(resolve, 1000))
    }
  }
}

// Swarm sends no new visitor to a task two seconds before it says SIGTERM, but who keeps a connection open stays on it. So each of those is
// told with its next answer that the connection ends there, and asks another task next; closed unasked are only those that were silent for
// three seconds: a request that is on its way at that very moment would be lost. All this is over well within `stop_grace_period`.
process.on('SIGTERM', () => {
  console.log('stopping')
  stopping = true
  setTimeout(() => {
    server.close(async () => {
      await database.end()
      process.exit(0)
    })
  }, 3000)
})

await prepareDatabase()
server.listen(port, () => console.log(`guestbook version ${version} listens on port ${port}`))
