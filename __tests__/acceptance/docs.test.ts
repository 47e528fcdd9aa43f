import { beforeAll, describe, expect, it } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { runAction, type StepResult } from '../../testbed/runner.ts'
import { ensureToolchain, pathWith } from '../../testbed/toolchain.ts'
import { commandsOf, composeFiles, fences, fencesOf, named, pages, prose, type Block } from '../unit/docs/pages.ts'
import { scratch } from '../scratch.ts'

/** What the docs show is run: each compose file through `command: check`, each docker command past the CLI's own help. */
let env: Record<string, string>

beforeAll(async () => {
  const toolchain = await ensureToolchain('28')
  const config = scratch('docs')
  if (toolchain.plugins !== '') symlinkSync(toolchain.plugins, join(config, 'cli-plugins'))
  env = { PATH: pathWith(toolchain), ...(toolchain.plugins === '' ? {} : { DOCKER_CONFIG: config }) }
}, 180_000)

/** A workspace with the compose file, and with the files that the page shows beside it. */
async function check({ page, yaml }: Block): Promise<StepResult> {
  // Where a page builds without a word of the Dockerfile, the reader has one.
  const workspace = scratch('docs', { Dockerfile: 'FROM scratch\n' })
  for (const { file, content, language } of fencesOf(page)) {
    if (file === undefined || /^ya?ml$/.test(language)) continue
    mkdirSync(dirname(join(workspace, file)), { recursive: true })
    writeFileSync(join(workspace, file), content)
  }
  writeFileSync(join(workspace, 'compose.yaml'), yaml)
  const result = await runAction({ with: { command: 'check' }, env, workspace })
  result.clean()
  return result
}

interface Finding {
  readonly level: string
  readonly rule: string
  readonly service?: string
}

describe('a compose file on a page', () => {
  it.each(named(composeFiles))('%s: is accepted, and its page speaks of every warning', async (_, block) => {
    const { status, outputs, log } = await check(block)
    expect({ status, ...(status === 'success' ? {} : { log }) }).toEqual({ status: 'success' })
    const findings = JSON.parse(outputs['findings'] ?? '') as readonly Finding[]
    const warnings = findings.filter(({ level }) => level !== 'notice')
    // Guides are to be copied. Other pages show a few lines, which would drown in what every service needs.
    const isGuide = block.page.startsWith('docs/guides/')
    const unsaid = warnings.filter(({ rule }) => !prose(block.page).includes(`\`${rule}\``))
    expect(isGuide ? unsaid : unsaid.filter(({ level }) => level === 'error')).toEqual([])
  })
})

const inShell = fences.filter(({ language }) => language === 'sh').flatMap(commandsOf)
const inText = pages.flatMap(page =>
  [...prose(page).matchAll(/`(docker [a-z][^`…]*)`/g)].map(([, command = '']) => command)
)
const docker = [...new Set([...inShell, ...inText])].filter(command => command.startsWith('docker '))

describe('a docker command on a page', () => {
  it('is found', () => expect(docker.length).toBeGreaterThan(20))

  it.each(docker)('%s: the CLI has it, with its options', command => {
    const words = command.split(/\s+/)
    const end = words.findIndex(word => !/^[a-z][a-z-]*$/.test(word))
    const { stdout, stderr } = spawnSync('docker', [...words.slice(1, end < 0 ? undefined : end), '--help'], {
      encoding: 'utf8',
      env: { ...env, DOCKER_HOST: 'unix:///nobody' }
    })
    const usage = /^Usage:\s+(docker(?: [a-z-]+)*) (.*)$/m.exec(stdout)
    expect({ command, usage: usage?.[0], stderr }).toEqual({ command, usage: expect.any(String), stderr: '' })
    // A group of commands shows its own usage for a command that it does not have.
    expect(usage?.[2]).not.toMatch(/^COMMAND/)
    const options = words.filter(word => /^--?[a-z]/.test(word)).map(word => word.split('=')[0] ?? '')
    expect(options.filter(option => !new RegExp(`(^|[\\s,])${option}\\b`, 'm').test(stdout))).toEqual([])
  })
})
