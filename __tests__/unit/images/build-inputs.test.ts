import { describe, expect, it } from '@jest/globals'
import { UserError } from '../../../src/errors.js'
import { buildInputs } from '../../../src/images/paths.js'
import type { Build } from '../../../src/model.js'
import type { FileInfo } from '../../../src/ports.js'
import { missingBuildInputs } from '../../../src/stages/build-inputs.js'

describe('what a build reads from the runner', () => {
  it.each<[string, Build['build'], readonly string[]]>([
    [
      'its context and the Dockerfile in it',
      { context: '/w' },
      ['context /w', 'dockerfile /w/Dockerfile /w/dockerfile']
    ],
    [
      'a Dockerfile of another name',
      { context: '/w', dockerfile: 'docker/Web' },
      ['context /w', 'dockerfile /w/docker/Web']
    ],
    ['one beside the context', { context: '/w/a', dockerfile: '../Web' }, ['context /w/a', 'dockerfile /w/Web']],
    ['no file where that is inline', { context: '/w', dockerfile_inline: 'FROM scratch' }, ['context /w']],
    ['no file where that is fetched', { context: '/w', dockerfile: 'https://a.example/Dockerfile' }, ['context /w']],
    ['no file where that is piped', { context: '/w', dockerfile: '-' }, ['context /w']],
    ['nothing of a repository', { context: 'https://github.com/o/r.git#main', dockerfile: 'Web' }, []],
    ['nothing of one in short', { context: 'github.com/o/r' }, []],
    ['nothing of one over SSH', { context: 'git@github.com:o/r.git' }, []],
    [
      'additional contexts that are folders',
      {
        context: 'https://a.example/x.tar.gz',
        additional_contexts: { lib: '/lib', base: 'docker-image://alpine', api: 'service:api', oci: 'oci-layout:///x' }
      },
      ['additional_contexts.lib /lib']
    ]
  ])('is %s', (_, build, expected) => {
    expect(buildInputs({ build }).map(({ key, paths }) => [key, ...paths].join(' '))).toEqual(expected)
  })
})

describe('a build input that is missing', () => {
  const file = { kind: 'file', size: 1, mode: 0o644 } as const
  const folder = { kind: 'directory', size: 0, mode: 0o755 } as const
  const link = { kind: 'link', size: 0, mode: 0o777 } as const
  const at = { file: 'compose.yaml', line: 4 }
  const tell = async (there: Readonly<Record<string, FileInfo | Error>>, build: Build['build'], places = {}) => {
    const stat = (path: string): Promise<FileInfo | null> => {
      const found = there[path]
      return found instanceof Error ? Promise.reject(found) : Promise.resolve(found ?? null)
    }
    return await missingBuildInputs({ stat }, '/w', [{ service: 'web', build, places }])
  }

  it.each<[string, Readonly<Record<string, FileInfo | Error>>, Build['build'], readonly string[]]>([
    ['nothing is', { '/w': folder, '/w/Dockerfile': file }, { context: '/w' }, []],
    ['a name in lower case is not', { '/w': folder, '/w/dockerfile': file }, { context: '/w' }, []],
    ['a link is not', { '/w': link, '/w/Dockerfile': link }, { context: '/w' }, []],
    [
      'nor what cannot be looked at',
      { '/w': new Error('EACCES'), '/w/Dockerfile': new Error('EACCES') },
      { context: '/w' },
      []
    ],
    ['a Dockerfile', { '/w': folder }, { context: '/w' }, ['Dockerfile, the Dockerfile of its build, does not exist']],
    [
      'a folder, and not what would be in it',
      {},
      { context: '/w/app' },
      ['the folder app of `build.context` does not exist']
    ],
    [
      'a folder, and a Dockerfile elsewhere',
      {},
      { context: '/w/app', dockerfile: '/x/Web' },
      ['the folder app of `build.context` does not exist', '/x/Web, the Dockerfile of its build, does not exist']
    ],
    [
      'a file for a folder, a folder for a file',
      { '/w/app': folder, '/w/app/Dockerfile': folder, '/lib': file },
      { context: '/w/app', additional_contexts: { lib: '/lib' } },
      [
        'the folder /lib of `build.additional_contexts.lib` is no folder',
        'app/Dockerfile, the Dockerfile of its build, is no file'
      ]
    ]
  ])('%s', async (_, there, build, expected) => {
    const messages = (await tell(there, build)).map(({ message }) => message)
    expect(messages).toEqual(expected.map(text => `Service web: ${text}.`))
  })

  it('is told at the key that names it', async () => {
    const build = { context: '/w', additional_contexts: { context: '/lib' } }
    const there = { '/w': folder, '/w/Dockerfile': file }
    const problems = await tell(there, build, { context: { file: 'other.yaml' }, 'additional_contexts.context': at })
    expect(new UserError(problems).problems).toMatchObject([{ at }])
  })
})
