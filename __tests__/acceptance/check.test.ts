import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runAction, type StepResult } from '../../testbed/runner.ts'
import { ensureToolchain, pathWith } from '../../testbed/toolchain.ts'
import { scratch } from '../scratch.ts'

/** `command: check` needs no host and no engine: only docker compose, as every runner has it. */
let env: Record<string, string>
let folder: string
let result: StepResult | undefined
/** The stack file as a later step of the job finds it. */
let stackFile: { readonly path: string; readonly mode: number; readonly text: string } | undefined

beforeAll(async () => {
  const toolchain = await ensureToolchain('28')
  const config = scratch('docker-config')
  if (toolchain.plugins !== '') symlinkSync(toolchain.plugins, join(config, 'cli-plugins'))
  env = { PATH: pathWith(toolchain), ...(toolchain.plugins === '' ? {} : { DOCKER_CONFIG: config }) }
}, 180_000)

beforeEach(() => {
  folder = scratch('check')
})

afterEach(() => {
  result?.clean()
})

async function check(
  compose: string,
  inputs: Record<string, string> = {},
  more: Record<string, string> = {}
): Promise<StepResult> {
  writeFileSync(join(folder, 'compose.yaml'), compose)
  const later = (outputs: Readonly<Record<string, string>>): void => {
    const path = outputs['stack-file'] ?? ''
    if (path !== '') stackFile = { path, mode: statSync(path).mode & 0o777, text: readFileSync(path, 'utf8') }
  }
  result = await runAction({
    with: { command: 'check', ...inputs },
    env: { ...env, ...more },
    workspace: folder,
    later
  })
  return result
}

const plain = `services:
  web:
    image: nginx
    secrets: [api_key]
secrets:
  api_key:
    environment: API_KEY
`

describe('a check', () => {
  it('is green with no server and no secret, annotates what is lacking on its line, and writes the stack', async () => {
    const { status, outputs, annotations } = await check(plain)
    expect({ status, word: outputs['status'] }).toEqual({ status: 'success', word: 'checked' })
    expect(annotations).toContainEqual(expect.objectContaining({ file: 'compose.yaml', line: 3 }))
    const findings = JSON.parse(outputs['findings'] ?? '') as { rule: string; file: string; service: string }[]
    expect(findings).toContainEqual(
      expect.objectContaining({ rule: 'image-unpinned', service: 'web', file: 'compose.yaml' })
    )
    expect(stackFile?.mode).toBe(0o600)
    expect(JSON.parse(stackFile?.text ?? '')).toMatchObject({ services: { web: { image: 'nginx' } } })
    // It may hold values of environment files: nothing of it outlives the job.
    expect(existsSync(stackFile?.path ?? '')).toBe(false)
  })

  it('keeps its verdict where the runner takes neither outputs nor a summary, and says so', async () => {
    const { status, annotations, log } = await check(
      plain,
      {},
      { GITHUB_OUTPUT: '/dev/full', GITHUB_STEP_SUMMARY: '/dev/full' }
    )
    expect(status).toBe('success')
    const said = annotations.filter(({ level }) => level === 'warning').map(({ message }) => message)
    expect(said).toContainEqual(expect.stringMatching(/outputs could not be written: .*ENOSPC/))
    expect(said).toContainEqual(expect.stringMatching(/summary could not be written: .*ENOSPC/))
    expect(log).toMatch(/^checked: /m)
  })

  it('tells all findings where one of them stops it, as output and as table', async () => {
    const { status, outputs, summary } = await check(
      plain.replace('image: nginx', 'image: nginx\n    privileged: true')
    )
    expect(status).toBe('failure')
    const findings = JSON.parse(outputs['findings'] ?? '') as { level: string; rule: string; line: number }[]
    expect(findings[0]).toMatchObject({ level: 'error', rule: 'privileged', line: 4 })
    expect(findings.map(({ rule }) => rule)).toContain('image-unpinned')
    expect(summary).toContain('Findings: 1 error')
  })

  it('is red for a file that the swarm refuses whatever secrets there are, at its line', async () => {
    writeFileSync(join(folder, 'empty.conf'), '')
    const { status, annotations } = await check(
      'services:\n  web:\n    image: nginx:1\n    configs: [conf]\nconfigs:\n  conf:\n    file: empty.conf\n'
    )
    expect(status).toBe('failure')
    const said: unknown = expect.stringContaining('config conf, which web uses, is empty (empty.conf)')
    expect(annotations).toContainEqual(expect.objectContaining({ level: 'error', line: 6, message: said }))
  })

  it('is red for a build of what is not there, at its line, unless nothing is built', async () => {
    const compose = 'services:\n  web:\n    image: ghcr.io/acme/web:1\n    build: ./web\n'
    const { status, annotations } = await check(compose)
    expect(status).toBe('failure')
    const said: unknown = expect.stringContaining('Service web: the folder web of `build.context` does not exist.')
    expect(annotations).toContainEqual(expect.objectContaining({ level: 'error', line: 4, message: said }))
    result?.clean()
    expect(await check(compose, { build: 'false' })).toMatchObject({ status: 'success' })
  })

  it('is red for a warning where it is strict', async () => {
    expect(await check(plain, { strict: 'true' })).toMatchObject({ status: 'failure', outputs: { status: 'failed' } })
  })

  it('is red for a file that is broken, at its line', async () => {
    const { status, annotations } = await check('services:\n  web:\n    image: nginx\n   ports: []\n')
    expect(status).toBe('failure')
    expect(annotations).toContainEqual(expect.objectContaining({ level: 'error', file: 'compose.yaml', line: 4 }))
  })
})
