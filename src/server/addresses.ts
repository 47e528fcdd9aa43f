import type { Survey } from '../commands/setup.js'

/**
 * The address that the other nodes reach this one at: the user's choice, else the one that `host` names, else the one the
 * server speaks to the world from, else its only one. undefined when there are several and nothing to choose by.
 */
export function advertiseAddress(
  survey: Pick<Survey, 'addresses' | 'source'>,
  host: string,
  chosen: string | undefined
): string | undefined {
  if (chosen !== undefined) return chosen
  if (survey.addresses.includes(host)) return host
  if (survey.source !== undefined && survey.addresses.includes(survey.source)) return survey.source
  return survey.addresses.length === 1 ? survey.addresses[0] : undefined
}

/**
 * Where overlay networks get their addresses: swarm's own default is 10.0.0.0/8, whose first subnets are those that many
 * providers give private networks, and then neither works. undefined where the default meets no route of the server.
 */
export function addressPool(routes: readonly string[]): string | undefined {
  const meets = (pool: string): boolean => routes.some(route => overlap(pool, route))
  if (!meets('10.0.0.0/8')) return undefined
  return ['10.200.0.0/16', '10.100.0.0/16', '10.222.0.0/16', '172.30.0.0/16', '192.168.192.0/18'].find(
    pool => !meets(pool)
  )
}

function overlap(a: string, b: string): boolean {
  const [aNetwork, aBits] = parsed(a)
  const [bNetwork, bBits] = parsed(b)
  const size = 2 ** (32 - Math.min(aBits, bBits))
  return Math.floor(aNetwork / size) === Math.floor(bNetwork / size)
}

function parsed(network: string): readonly [number, number] {
  const [address = '', bits = '32'] = network.split('/')
  return [address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0), Number(bits)]
}
