import { describe, expect, it } from '@jest/globals'
import type { Network } from '../../../src/engine-types.js'
import type { JsonObject, Stack } from '../../../src/model.js'
import { unchangeable } from '../../../src/release/unchangeable.js'
import { live } from './swarm.js'

const back: Network = {
  Id: 'n',
  Name: 'shop_back',
  Driver: 'overlay',
  Internal: false,
  Attachable: false,
  Options: { 'com.docker.network.driver.overlay.vxlanid_list': '4097' },
  IPAM: { Config: [{ Subnet: '10.0.1.0/24' }] }
}
const problems = (wanted: JsonObject, present = back) =>
  unchangeable({ services: {}, networks: { back: wanted } }, { name: 'shop', services: [], networks: [present] })

describe('a network that is there', () => {
  it.each<[string, JsonObject]>([
    ['as it is wanted', {}],
    ['by its own name', { name: 'shop_back', driver: 'overlay' }],
    ['with the subnet that is wanted', { ipam: { config: [{ subnet: '10.0.1.0/24' }] } }],
    ['of somebody else', { external: true, name: 'shop_back', internal: true }]
  ])('%s, is no problem', (_, wanted) => {
    expect(problems(wanted)).toEqual([])
  })

  it('is told by all in which it differs', () => {
    const wanted = { internal: true, driver_opts: { encrypted: '' }, ipam: { config: [{ subnet: '10.9.0.0/20' }] } }
    expect(problems(wanted)).toEqual([
      expect.objectContaining({
        message: expect.stringContaining('(internal: wanted, encrypted: wanted, subnet: 10.9.0.0/20)')
      })
    ])
    expect(problems({}, { ...back, Attachable: true })[0]?.message).toContain('(attachable: not wanted)')
  })
})

describe('a service that is there', () => {
  const file: Stack = { services: { web: { image: 'a' }, migrate: { image: 'a', deploy: { mode: 'replicated-job' } } } }
  const at = { file: 'compose.yaml', line: 7 }

  it('cannot become a job, which is said at its line', () => {
    const services = [live('shop', 'web'), live('shop', 'migrate')]
    expect(unchangeable(file, { name: 'shop', services, networks: [], places: { migrate: at } })).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/^migrate is `replicated`.*`replicated-job`/), at })
    ])
  })

  it('may stay what it is', () => {
    const services = [live('shop', 'web'), live('shop', 'migrate', { job: { completed: 1 } }), live('shop', 'old')]
    expect(unchangeable(file, { name: 'shop', services, networks: [] })).toEqual([])
  })
})
