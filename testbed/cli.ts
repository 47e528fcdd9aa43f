import { openBed } from './bed.ts'
import { destroy, listBeds } from './claims.ts'

const usage = `npm run testbed -- up [SERVERS]      a bed that stays: servers with a swarm, a registry, a builder (default 1 server)
npm run testbed -- status             the beds of this machine
npm run testbed -- down [BED]         takes one bed down (sb0), or all that stay or have lost their process`

const [command, argument] = process.argv.slice(2)
if (command === 'up') await up(Number(argument ?? 1))
else if (command === 'status') status()
else if (command === 'down') await down(argument)
else {
  console.error(usage)
  process.exitCode = 2
}

async function up(servers: number): Promise<void> {
  const started = Date.now()
  const bed = await openBed({ name: 'cli', servers, stays: true })
  console.log(`${bed.prefix} is up after ${((Date.now() - started) / 1000).toFixed(1)} s: ${bed.dir}`)
  for (const server of bed.servers) {
    console.log(`${server.name}  host: ${server.host}  socket: ${server.socket}\n  known hosts: ${server.knownHosts}`)
  }
  console.log(`private key: ${bed.dir}/key\nregistry: ${bed.registry}\nthe runner's engine:`)
  for (const [name, value] of Object.entries(bed.builderEnv)) console.log(`  export ${name}=${value}`)
}

function status(): void {
  const beds = listBeds()
  if (beds.length === 0) console.log('no beds')
  for (const { record, owned } of beds) {
    const owner =
      record.owner === null
        ? 'stays'
        : owned
          ? `process ${record.owner.pid}`
          : 'its process is gone: swept by the next bed'
    console.log(`${record.prefix}  ${record.name}  ${record.network}.0/24  ${owner}  ${record.dir}`)
  }
}

async function down(prefix: string | undefined): Promise<void> {
  const beds = listBeds().filter(({ record, owned }) =>
    prefix === undefined ? record.owner === null || !owned : record.prefix === prefix
  )
  if (prefix !== undefined && beds.length === 0) throw new Error(`no such bed: ${prefix}`)
  await Promise.all(beds.map(({ record }) => destroy(record.dir)))
  console.log(
    beds.length === 0 ? 'nothing to take down' : `down: ${beds.map(({ record }) => record.prefix).join(', ')}`
  )
}
