import { expect, it } from '@jest/globals'
import { keepLive } from '../../../src/images/steady.js'
import type { Service } from '../../../src/engine-types.js'

const a = `sha256:${'a'.repeat(64)}`
const b = `sha256:${'b'.repeat(64)}`
const running = (image: string): Service[] => [
  { ID: '1', Version: { Index: 1 }, Spec: { Name: 'shop_web', TaskTemplate: { ContainerSpec: { Image: image } } } }
]

it.each([
  ['a new tag on the same image', `me/web:sha-1@${a}`, `me/web:sha-2@${a}`, `me/web:sha-1@${a}`],
  ['another image', `me/web:sha-1@${a}`, `me/web:sha-2@${b}`, `me/web:sha-2@${b}`],
  ['another repository', `me/web:sha-1@${a}`, `you/web:sha-2@${a}`, `you/web:sha-2@${a}`],
  ['a moving tag that runs', 'me/web:latest', `me/web:latest@${a}`, `me/web:latest@${a}`],
  ['two spellings', `docker.io/library/web:1@${a}`, `web:2@${a}`, `docker.io/library/web:1@${a}`]
])('%s', (_, live, wanted, kept) => {
  expect(keepLive({ web: wanted, other: wanted }, running(live), 'shop')).toEqual({ web: kept, other: wanted })
})
